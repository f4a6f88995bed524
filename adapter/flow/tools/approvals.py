"""The calls that a request approves: each is made of the stored request for approval, and run once.

Source: OpenAI guide, MCP and connectors; OpenAI API reference, Responses: create.
"""

from collections.abc import Sequence

from adapter.flow.tools.usable_servers import UsableServer
from adapter.hosting.policy import MCPDeclaration, ToolPolicy
from adapter.hosting.runs import MCPRun
from translators.errors import RequestError, shorten
from translators.responses.hosted.items import MCPApprovalRequest, MCPApprovalResponse, MCPCall
from translators.responses.items import Item, Message, Reasoning
from translators.responses.request import CreateRequest
from translators.responses.tools import MCPTool
from translators.tools.kinds import BY_CALL
from translators.tools.mcp import ListedFunction


def approved_servers(
    request: CreateRequest, items: Sequence[Item], servers: Sequence[UsableServer], policy: ToolPolicy, tenant: str
) -> list[UsableServer]:
    """Return the configured servers of approved calls that the request does not declare again."""
    asked = {item.id: item for item in items if isinstance(item, MCPApprovalRequest) and item.id}
    declared = {one.declared.server_label for one in servers}
    names: dict[str, set[str]] = {}
    for item in request.input:
        wanted = asked.get(item.approval_request_id) if isinstance(item, MCPApprovalResponse) else None
        if wanted is not None and wanted.server_label not in declared:
            names.setdefault(wanted.server_label, set()).add(wanted.name)
    return [one for label in names for one in _configured(label, names[label], policy, tenant)]


def _configured(label: str, names: set[str], policy: ToolPolicy, tenant: str) -> list[UsableServer]:
    """Return a server that the operator has configured, with the tools of these names; nothing if there is none."""
    try:
        server = policy.resolve(MCPDeclaration(label), tenant, "tools")
    except RequestError:
        return []
    allowed = server.settings.allowed_tools
    functions = {name: ListedFunction(name, "", {}, False) for name in names if allowed is None or name in allowed}
    return [UsableServer(MCPTool(label), server, functions, is_new=False)]


def approved_calls(
    request: CreateRequest, items: Sequence[Item], servers: Sequence[UsableServer]
) -> list[MCPRun]:
    """Return the calls that the request's input approves, in its order; raise RequestError for an invalid answer.

    A call is made of the request item, never of what the client or the model says later. An answer that the model has
    reacted to, as in a history that the client sends whole, asks for nothing.
    """
    asked = {item.id: item for item in items if isinstance(item, MCPApprovalRequest) and item.id}
    first = len(items) - len(request.input)
    done: set[object] = {
        item.approval_request_id
        for item in items[:first]
        if isinstance(item, MCPCall) or (isinstance(item, MCPApprovalResponse) and not item.approve)
    }
    last = max((at for at, item in enumerate(request.input) if _is_models(item)), default=-1)
    by_label = {one.declared.server_label: one for one in servers}
    runs: list[MCPRun] = []
    for at, item in enumerate(request.input):
        if at < last or not isinstance(item, MCPApprovalResponse):
            continue
        id, path = item.approval_request_id, f"input[{at}].approval_request_id"
        wanted = asked.get(id)
        if wanted is None:
            raise RequestError(f"No approval request found with id '{shorten(id)}'.", param=path, code="invalid_value")
        if id in done:
            raise RequestError(
                f"The approval request '{shorten(id)}' has been answered before.", param=path, code="invalid_value"
            )
        done.add(id)
        if item.approve:
            runs.append(_approved_run(wanted, by_label.get(wanted.server_label), path))
    return runs


def _is_models(item: Item) -> bool:
    """Whether the model wrote an item, or a call that the model made was run for it."""
    if isinstance(item, Message):
        return item.role == "assistant"
    return isinstance(item, (Reasoning, MCPCall)) or item.__class__ in BY_CALL


def _approved_run(wanted: MCPApprovalRequest, one: UsableServer | None, path: str) -> MCPRun:
    if one is None:
        raise RequestError(
            f"The approved call is for the MCP server '{shorten(wanted.server_label)}': declare it again in 'tools'.",
            param=path, code="invalid_value",
        )  # fmt: skip
    if wanted.name not in one.functions:
        raise RequestError(
            f"The MCP server '{wanted.server_label}' has no tool '{shorten(wanted.name)}' that may be called.",
            param=path, code="invalid_value",
        )  # fmt: skip
    return MCPRun(one.server, wanted.name, wanted.arguments, approved=str(wanted.id))

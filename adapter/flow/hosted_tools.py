"""The hosted tools of one response: which functions the adapter runs itself, and how many calls it may still run.

`prepare_tools` resolves the declarations of a request: each MCP server is looked up in the operator's policy, its tools
are listed and become functions, and the calls that the client has approved are found. The translation and the rounds
then know nothing of MCP: a request has functions, and the name of a function says whether `HostedTools` runs it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import gevent
from msgspec.structs import replace

from adapter.flow.approvals import approved_calls
from adapter.flow.context import ContextSource
from adapter.flow.plans import RoundRequest
from adapter.flow.usable_servers import UsableServer, list_all, open_list, resolve_servers, with_functions
from adapter.hosting.mcp.server import MCPServer
from adapter.hosting.runs import ApprovalWait, MCPRun, ToolRun
from translators.constraints.tool_choice import undeclared_choice
from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.events import Event
from translators.responses.hosted_items import MCPCall
from translators.responses.items import Item
from translators.responses.request import CreateRequest
from translators.responses.tools import AllowedTools
from translators.to_responses.hosted_calls import HostedCalls, WaitingCall
from translators.tools.mcp import as_function_choice, namespace_of
from translators.tools.names import QualifiedName

_LIMIT_REACHED: Final = "Not run: the limit of tool calls is reached."


class HostedTools:
    """The tools that the adapter runs for one response, and what it has run so far."""

    def __init__(
        self, servers: Sequence[UsableServer], approved: Sequence[MCPRun], max_calls: int, max_rounds: int
    ) -> None:
        """`approved`: the calls to run before the model is asked. `max_rounds`: chat calls, the last without tools."""
        self._servers = servers
        self._tools = {
            QualifiedName(name, namespace_of(one.declared.server_label)): (one, function)
            for one in servers
            for name, function in one.functions.items()
        }
        self.approved = approved
        self._calls_left = max_calls
        self._rounds_left = max_rounds - 1
        self._shown = False
        self.running: Sequence[gevent.Greenlet] = ()
        """The calls of the current round."""
        self._has_approved = bool(approved)
        self._first: RoundRequest | None = None

    @property
    def names(self) -> frozenset[QualifiedName]:
        return frozenset(self._tools)

    def show_lists(self, items: HostedCalls) -> list[Event]:
        """Return the events of the lists that were fetched for this response, once."""
        events: list[Event] = []
        if not self._shown:
            self._shown = True
            for one in self._servers:
                if one.is_new:
                    events += items.open(partial(open_list, one)) + items.close()
        return events

    def answer(self, call: WaitingCall) -> ToolRun | None:
        """Return what runs a call; None: it is not run, because the limit is reached."""
        one, function = self._tools[call.tool]
        label = one.declared.server_label
        if one.needs_approval(function):
            return ApprovalWait(label, function.name, call.arguments)
        return MCPRun(one.server, function.name, call.arguments) if self.count() else None

    def count(self) -> bool:
        """Count one more call; return False if it is beyond the limit."""
        self._calls_left -= 1
        return self._calls_left >= 0

    def end_round(self) -> bool:
        """Count one more round; return False if the next one must be the last."""
        self._rounds_left -= 1
        return self._rounds_left > 0

    def not_run(self, call: WaitingCall) -> Item:
        """Return what the model reads of a call beyond the limit; it is no item of the response."""
        name, namespace, _ = call.tool
        label = (namespace or "").removeprefix("mcp__")
        id = f"mcp_{call.call_id.removeprefix('call_')}"
        return MCPCall(name, call.arguments, label, id, _LIMIT_REACHED, status="completed")

    def next_request(self, request: CreateRequest, *, may_call: bool) -> dict[str, Any]:
        """Return what the next round asks otherwise: no tool is required any more, and none is shown that cannot run.

        `may_call` is false in the last round. The tools stay the same if they can: the prompt then begins as before.
        """
        if not may_call:
            return {"tool_choice": "none"}
        choice = request.tool_choice
        if isinstance(choice, AllowedTools):
            choice = AllowedTools("auto", choice.tools)
        elif choice != "none":
            choice = "auto"
        if self._calls_left > 0:
            return {"tool_choice": choice}
        namespaces = {namespace_of(one.declared.server_label) for one in self._servers}
        left = tuple(tool for tool in request.tools if getattr(tool, "name", None) not in namespaces)
        return {"tool_choice": choice, "tools": left} if left else {"tool_choice": "none"}

    def take_approved(self) -> Sequence[MCPRun]:
        """Return the calls to run before the model is asked, once."""
        runs, self.approved = self.approved, ()
        return runs

    def keep_first(self, asked: RoundRequest) -> None:
        """Remember the first request whose answer had calls of these tools."""
        if self._first is None:
            self._first = RoundRequest(asked.plan, asked.context, replace(asked.chat, json=b""))

    def to_continue(self, asked: RoundRequest) -> RoundRequest | None:
        """Return the request whose history and the response's output a later response continues; `asked`: the last.

        None: there is none, because calls were run before the first one.
        """
        return None if self._has_approved else self._first or asked

    def close(self) -> None:
        """Close the connections to the servers when the calls that were ended are over, without waiting for that."""
        gevent.spawn(_close, [one.server for one in self._servers], self.running)


def prepare_tools(
    source: ContextSource, check: Callable[[], None], notes: Notes
) -> tuple[CreateRequest, HostedTools]:
    """Return the request with functions in place of its MCP servers, and what runs them.

    `check` is called about once a second while lists are fetched; it raises what ends the request from outside. Raises
    RequestError, StoreDown, and UpstreamError (424) for a server whose tools cannot be listed.
    """
    request, policy = source.request, source.services.tools()
    items = [*source.load_earlier(), *request.input]
    servers = resolve_servers(request, policy, source.tenant)
    try:
        usable = list(list_all(servers, items, check, notes))
        tools = with_functions(request, usable)
        if (kind := undeclared_choice(as_function_choice(request.tool_choice), tools)) is not None:
            raise RequestError(f"Tool choice '{kind}' not found in 'tools' parameter.", param="tool_choice")
        approved = approved_calls(request, items, usable)
    except BaseException:
        gevent.spawn(_close, [server for _, server in servers])
        raise
    max_calls = min(request.max_tool_calls or policy.calls, policy.calls)
    hosted = HostedTools(usable, approved, max_calls, policy.rounds)
    return replace(request, tools=tools, max_tool_calls=None), hosted


def _close(servers: Sequence[MCPServer], running: Sequence[gevent.Greenlet] = ()) -> None:
    gevent.joinall(running)
    for server in servers:
        server.close()

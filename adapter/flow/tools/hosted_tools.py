"""The hosted tools of one response: which functions the adapter runs itself, and how many calls it may still run.

`prepare_tools` resolves the declarations of a request: each MCP server is looked up in the operator's policy, its tools
are listed and become functions, and the calls that the client has approved are found. The translation and the rounds
then know nothing of MCP: a request has functions, and the name of a function says whether `HostedTools` runs it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Final

import gevent
from msgspec import Struct
from msgspec.structs import replace

from adapter.flow.caller import Caller
from adapter.flow.context import ContextSource
from adapter.flow.plans import RoundRequest
from adapter.flow.tools.approvals import approved_calls, approved_servers
from adapter.flow.tools.built_in.base import BuiltIn
from adapter.flow.tools.built_in.tool_search import defer_tools
from adapter.flow.tools.built_in_tools import BUILT_IN_TOOLS, open_built_ins
from adapter.flow.tools.usable_servers import UsableServer, list_all, open_list, resolve_servers
from adapter.hosting.runs import ApprovalWait, MCPRun, ToolRun
from translators.constraints.tool_choice import allowed_tools, undeclared_choice
from translators.errors import RequestError, invalid_parameter, shorten
from translators.notes import Notes
from translators.responses.events import Event
from translators.responses.hosted.items import MCPApprovalResponse
from translators.responses.items import Item
from translators.responses.request import CreateRequest
from translators.responses.tools import AllowedTool, AllowedTools, MCPTool, NamespaceTool, Tool
from translators.to_responses.hosted_calls import HostedCalls, WaitingCall
from translators.tools.declarations import tools_from_items
from translators.tools.hosted_choice import as_function_choice
from translators.tools.mcp import ListedFunction, as_namespace, namespace_of
from translators.tools.names import QualifiedName

MAX_TOOLS: Final = 128
"""Tools of all MCP servers of one request: what most providers accept as functions."""


class HostedTool(Struct, frozen=True):
    """One function whose calls the adapter runs."""

    run: Callable[[str], ToolRun]
    """Returns the run of a call with these arguments."""
    ask: Callable[[str], ToolRun] | None = None
    """Returns what requests the approval of a call; None: it needs none."""


class HostedTools:
    """The tools that the adapter runs for one response, and what it has run so far."""

    def __init__(
        self, servers: Sequence[UsableServer], built_ins: Sequence[BuiltIn], approved: Sequence[MCPRun],
        max_calls: int, max_rounds: int, slot: Callable[[], AbstractContextManager[None]],
    ) -> None:  # fmt: skip
        """`approved`: the calls to run before the model is asked. `max_rounds`: chat calls, the last without tools.

        `slot`: what a call waits for, so that a worker runs not too many.
        """
        self.slot = slot
        self._servers = servers
        self._built_ins = built_ins
        self._tools: dict[QualifiedName, Callable[[], HostedTool]] = {}
        for one in servers:
            namespace = namespace_of(one.declared.server_label)
            for name, function in one.functions.items():
                self._tools[QualifiedName(name, namespace)] = partial(_mcp_tool, one, function)
        for built_in in built_ins:
            for tool in built_in.functions:
                self._tools[QualifiedName(tool.name)] = partial(HostedTool, partial(built_in.run, tool.name))
        self.approved = approved
        self._calls_left = max_calls
        self._rounds_left = max_rounds - 1
        self._shown = False
        self.running: Sequence[gevent.Greenlet] = ()
        """The calls of the current round."""
        self._ran: dict[tuple[QualifiedName, str], deque[ToolRun]] = {}
        """The last two runs of each call."""
        self._loaded: list[Tool] = []
        self._has_approved = bool(approved)
        self._first: RoundRequest | None = None

    @property
    def names(self) -> frozenset[QualifiedName]:
        """The functions whose calls the adapter runs."""
        return frozenset(self._tools)

    def show_lists(self, items: HostedCalls) -> list[Event]:
        """Return the events of the lists that were fetched for this response, once; let it cite earlier files."""
        events: list[Event] = []
        if not self._shown:
            self._shown = True
            for one in self._servers:
                if one.is_new:
                    events += items.open(partial(open_list, one)) + items.close()
            for built_in in self._built_ins:
                items.cite_files(built_in.cited_files)
        return events

    def answer(self, call: WaitingCall) -> ToolRun | None:
        """Return what runs a call; None: it is not run, because the limit is reached."""
        tool = self._tools[call.tool]()
        if tool.ask is not None:
            return tool.ask(call.arguments)
        run, earlier = tool.run(call.arguments), self._ran.setdefault((call.tool, call.arguments), deque(maxlen=2))
        if len(earlier) == 2 and earlier[0].outcome is not None and earlier[0].outcome == earlier[1].outcome:
            run.repeat(earlier[0])
            run.executes = False
            return run
        if not self.count():
            return None
        earlier.append(run)
        return run

    def count(self) -> bool:
        """Count one more call; return False if it is beyond the limit."""
        self._calls_left -= 1
        return self._calls_left >= 0

    def end_round(self) -> bool:
        """Count one more round; return False if the next one must be the last."""
        self._rounds_left -= 1
        return self._rounds_left > 0

    def next_request(self, request: CreateRequest, *, may_call: bool) -> dict[str, Any]:
        """Return what the next round asks otherwise: no tool is required any more, and none is shown that cannot run.

        `may_call` is false in the last round. The tools stay the same if they can: the prompt then begins as before.
        """
        choice = request.tool_choice
        if choice == "none" or not may_call:
            return {"tool_choice": "none"}
        if self._calls_left > 0:
            return {"tool_choice": AllowedTools("auto", choice.tools) if isinstance(choice, AllowedTools) else "auto"}
        hosted = {name.namespace or name.name for name in self._tools}
        shown = allowed_tools([*request.tools, *self._loaded], as_function_choice(choice))
        left = [_as_allowed(tool) for tool in shown if getattr(tool, "name", None) not in hosted]
        return {"tool_choice": AllowedTools("auto", left) if left else "none"}

    def load(self, items: Sequence[Item]) -> None:
        """Remember the tools that items of the context or of this response have loaded."""
        self._loaded += tools_from_items(items)

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
        closing = [one.server.close for one in self._servers] + [one.close for one in self._built_ins]
        if all(greenlet.ready() for greenlet in self.running):
            _close(closing)
        else:
            gevent.spawn(_close, closing, self.running)


def prepare_tools(
    source: ContextSource, caller: Caller, check: Callable[[], None], notes: Notes
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
        built_ins = list(open_built_ins(source, caller, policy, items, notes))
        tools, search = defer_tools(_with_functions(request, usable, built_ins), items, notes)
        built_ins += filter(None, [search])
        _check_number(tools, usable)
        if (kind := undeclared_choice(as_function_choice(request.tool_choice), tools)) is not None:
            raise RequestError(f"Tool choice '{kind}' not found in 'tools' parameter.", param="tool_choice")
        approved: list[MCPRun] = []
        if MCPApprovalResponse in map(type, request.input):
            usable += approved_servers(request, items, usable, policy, source.tenant)
            approved = approved_calls(request, items, usable)
    except BaseException:
        _close([server.close for _, server in servers])
        raise
    max_calls = min(request.max_tool_calls or policy.calls, policy.calls)
    slot = partial(policy.calls_at_once.wait, source.tenant)
    hosted = HostedTools(usable, built_ins, approved, max_calls, policy.rounds, slot)
    hosted.load(items)
    return source.services.known_bases.of_changed(replace(request, tools=tools, max_tool_calls=None)), hosted


def _as_allowed(tool: Tool) -> AllowedTool:
    return AllowedTool(str(tool.__struct_config__.tag), getattr(tool, "name", None))


def _mcp_tool(one: UsableServer, function: ListedFunction) -> HostedTool:
    label, name = one.declared.server_label, function.name
    asks = one.needs_approval(function)
    return HostedTool(partial(MCPRun, one.server, name), partial(ApprovalWait, label, name) if asks else None)


def _with_functions(
    request: CreateRequest, servers: Sequence[UsableServer], built_ins: Sequence[BuiltIn]
) -> tuple[Tool, ...]:
    """Return a request's tools with functions in place of the hosted ones."""
    by_label = {one.declared.server_label: one for one in servers}
    functions = {id(one.declared): one.functions for one in built_ins}
    tools: list[Tool] = []
    for tool in request.tools:
        if isinstance(tool, MCPTool):
            one = by_label[tool.server_label]
            if one.functions:
                tools.append(as_namespace(tool, list(one.functions.values()), one.server.settings.description))
        elif type(tool) not in BUILT_IN_TOOLS:
            tools.append(tool)
        tools += functions.get(id(tool), ())
    _check_names(tools)
    return tuple(tools)


def _check_number(tools: Sequence[Tool], servers: Sequence[UsableServer]) -> None:
    """Raise RequestError if MCP servers have too many tools that the model is shown at once."""
    namespaces = {namespace_of(one.declared.server_label) for one in servers}
    shown = [tool for tool in tools if isinstance(tool, NamespaceTool) and tool.name in namespaces]
    if sum(len(tool.tools) for tool in shown) > MAX_TOOLS:
        raise invalid_parameter(
            "tools",
            f"the MCP servers have more than {MAX_TOOLS} tools. Name those to use in 'allowed_tools', or let the model "
            "search for them ('tool_search', 'defer_loading')",
        )


def _check_names(tools: Sequence[Tool]) -> None:
    """Raise RequestError if a function of the client has the name of one that stands for a hosted tool."""
    names: set[str] = set()
    for tool in tools:
        name = getattr(tool, "name", None)
        if name in names:
            raise RequestError(f"Duplicate tool name: '{shorten(name)}'.", param="tools", code="invalid_value")
        if name is not None:
            names.add(name)


def _close(closing: Sequence[Callable[[], None]], running: Sequence[gevent.Greenlet] = ()) -> None:
    if running:
        gevent.joinall(running)
    for close in closing:
        close()

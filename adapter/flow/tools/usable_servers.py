"""The MCP servers that a request declares: whether they may be called, and the tools that they list.

A list that the context has already is used again: the prompt stays the same, and nothing is fetched. All others are
fetched at the same time, before the model is asked. Source: OpenAI guide, MCP and connectors.
"""

from collections.abc import Callable, Iterator, Sequence

import gevent
from msgspec import UNSET, Struct

from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.hosting.mcp.errors import MCPError
from adapter.hosting.mcp.server import MCPServer
from adapter.hosting.policy import MCPDeclaration, ToolPolicy
from adapter.telemetry.traces.spans import Trace, current_trace, follow_trace
from translators.errors import UpstreamError
from translators.notes import Notes
from translators.open_items.mcp import OpenMCPList
from translators.responses.hosted.items import MCPListTools
from translators.responses.items import Item
from translators.responses.request import CreateRequest
from translators.responses.tools import MCPTool
from translators.tools.mcp import ListedFunction, callable_functions, needs_approval, read_entries


class UsableServer(Struct, frozen=True):
    """One declared server, and what the model may call of it."""

    declared: MCPTool
    server: MCPServer
    functions: dict[str, ListedFunction]
    is_new: bool
    """The list was fetched now, so that the response shows it."""
    error: str | None = None
    """Why there is no list."""

    def needs_approval(self, function: ListedFunction) -> bool:
        """Whether a call waits for the client: the stricter of the client's rule and the operator's applies."""
        floor = self.server.settings.require_approval
        return floor == "always" or needs_approval(self.declared, function)


def resolve_servers(request: CreateRequest, policy: ToolPolicy, tenant: str) -> list[tuple[MCPTool, MCPServer]]:
    """Return each declared server with what calls it; raise RequestError for one that must not be called."""
    declared = [(f"tools[{at}]", tool) for at, tool in enumerate(request.tools) if isinstance(tool, MCPTool)]
    servers = policy.resolve_all([(path, _declaration(tool)) for path, tool in declared], tenant)
    return [(tool, server) for (_, tool), server in zip(declared, servers, strict=True)]


def _declaration(tool: MCPTool) -> MCPDeclaration:
    return MCPDeclaration(
        tool.server_label,
        None if tool.server_url is UNSET else tool.server_url,
        None if tool.connector_id is UNSET else tool.connector_id,
        None if tool.authorization is UNSET else tool.authorization,
        tool.headers,
    )


def list_all(
    servers: Sequence[tuple[MCPTool, MCPServer]], items: Sequence[Item], check: Callable[[], None], notes: Notes
) -> Iterator[UsableServer]:
    """Yield each server with its tools: from the context's latest list, else as the worker has them in its cache, else
    listed now, all at the same time.
    """
    known = {item.server_label: item for item in items if isinstance(item, MCPListTools) and not item.error}
    reused = [
        _from_context(tool, server, known.get(tool.server_label)) or _from_cache(tool, server, notes)
        for tool, server in servers
    ]
    lists = [
        None if one is not None else gevent.spawn(_list_tools, server, current_trace())
        for one, (_, server) in zip(reused, servers, strict=True)
    ]
    try:
        for one, greenlet, (tool, server) in zip(reused, lists, servers, strict=True):
            while greenlet is not None and not greenlet.ready():
                greenlet.join(TICK_SECONDS)
                check()
            yield one or _usable(tool, server, greenlet.get(), notes)  # type: ignore[union-attr]
    finally:
        gevent.killall([greenlet for greenlet in lists if greenlet is not None], block=False)


def _list_tools(server: MCPServer, trace: Trace | None) -> Sequence[ListedFunction] | MCPError:
    follow_trace(trace)
    try:
        return server.list_tools()
    except MCPError as error:
        return MCPError(error.message, error.error)  # one that was never raised: see ProtocolError.copy


def _from_context(tool: MCPTool, server: MCPServer, item: MCPListTools | None) -> UsableServer | None:
    """Return a server with the tools that the context lists; None if there is no such list, or a name is not in it."""
    functions = None if item is None else read_entries(item.tools)
    if functions is None:
        return None
    allowed = server.settings.allowed_tools
    left = callable_functions(tool, [one for one in functions if allowed is None or one.name in allowed])
    wanted = tool.allowed_tools if isinstance(tool.allowed_tools, list) else ()
    return None if any(name not in left for name in wanted) else UsableServer(tool, server, left, is_new=False)


def _from_cache(tool: MCPTool, server: MCPServer, notes: Notes) -> UsableServer | None:
    known = server.known_tools()
    return None if known is None else _usable(tool, server, known, notes)


def _usable(
    tool: MCPTool, server: MCPServer, listed: Sequence[ListedFunction] | MCPError, notes: Notes
) -> UsableServer:
    if isinstance(listed, MCPError):
        if server.settings.on_list_failure == "fail":
            raise UpstreamError(
                f"Error retrieving tool list from MCP server: '{tool.server_label}'. Http status code: 424 (Failed "
                f"Dependency). {listed.message}",
                status=424, type="external_connector_error", param="tools", code=None, retry=False,
            )  # fmt: skip
        notes.add("tools", "dropped", f"the MCP server '{tool.server_label}', whose tools could not be listed")
        return UsableServer(tool, server, {}, is_new=True, error=listed.message)
    return UsableServer(tool, server, callable_functions(tool, listed), is_new=True)


def open_list(one: UsableServer, output_index: int, digits: str) -> OpenMCPList:
    """Return the open item of a server's list; `digits` are those of its id."""
    entries = [function.entry() for function in one.functions.values()]
    return OpenMCPList(
        output_index, f"mcpl_{digits}", label=one.declared.server_label, tools=entries, error=one.error
    )

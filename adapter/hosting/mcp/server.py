"""One MCP server, for one request of one tenant: list its tools, call them, close the connections.

It may be used by several greenlets at a time, and a greenlet that waits in it may be killed: the call's connection is
then closed, which cancels the call at the server.
"""

from typing import Any

from adapter.hosting.mcp.tools import ListedTool
from adapter.hosting.results import ToolResult
from adapter.settings.tool_servers import MCPServerSettings


class MCPServer:
    """Constructed without I/O by `ToolPolicy.resolve`."""

    def __init__(self, settings: MCPServerSettings, tenant: str) -> None:
        self.label = settings.label
        self.settings = settings
        """Its approval floor, what follows a failed list, the description."""
        self._tenant = tenant

    def list_tools(self) -> tuple[ListedTool, ...]:
        """Return the tools that the operator allows, in the server's order; raise MCPError."""
        raise NotImplementedError

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Call a tool, at most once. Every failure is a result with an error."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the idle connections, and end the session with a server that has one."""
        raise NotImplementedError

"""Which MCP servers a caller's declaration may name, and what may be sent to them."""

from typing import Protocol

from adapter.hosting.mcp.server import MCPServer


class MCPDeclaration(Protocol):
    """A tool `{"type": "mcp", …}` of a request; unset members are None."""

    @property
    def server_label(self) -> str: ...
    @property
    def server_url(self) -> str | None: ...
    @property
    def connector_id(self) -> str | None: ...
    @property
    def authorization(self) -> str | None: ...
    @property
    def headers(self) -> dict[str, str] | None: ...


class ToolPolicy:
    """The operator's policy on tool servers, and what a worker remembers of them. Constructed without I/O."""

    def resolve(self, declaration: MCPDeclaration, tenant: str, path: str) -> MCPServer:
        """Return the server that a declaration names; `path` is the declaration's, such as `tools[0]`.

        Raises RequestError: an unknown label, a URL that is not allowed or differs from the configured one, headers
        that may not be sent, a credential given twice.
        """
        raise NotImplementedError

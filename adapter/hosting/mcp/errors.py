"""What can go wrong between the adapter and an MCP server: one error, with the value for the item and words for models.

A message never contains an address, a header or the body of an error page: callers and models read it.
"""

from translators.responses.tool_errors import MCPCallError


class MCPError(Exception):
    """A list or call failed. `error` is the value of `mcp_call.error`; the message is for the model and the caller."""

    def __init__(self, message: str, error: MCPCallError) -> None:
        super().__init__(message)
        self.message = message
        self.error = error

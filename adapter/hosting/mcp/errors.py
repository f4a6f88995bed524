"""What can go wrong between the adapter and an MCP server: one error, with the value for the item and words for models.

A message never contains an address, a header or the body of an error page: callers and models read it.
"""

from typing import Any, Final, overload

from msgspec import structs

from adapter.upstream.redaction import Redactor
from translators.responses.hosted.errors import MCPCallError, MCPHTTPError, MCPProtocolError, ToolExecutionError

INVALID_PARAMS: Final = -32602
METHOD_NOT_FOUND: Final = -32601
INTERNAL_ERROR: Final = -32603
"""The last one is also for an answer that is not valid MCP. Source: JSON-RPC 2.0 specification, Error object."""
HEADER_MISMATCH: Final = -32020
MISSING_CAPABILITY: Final = -32021
UNSUPPORTED_VERSION: Final = -32022
"""Codes of revision 2026-07-28. Source: Model Context Protocol specification, Versioning."""
_BAD_GATEWAY: Final = 502
_GATEWAY_TIMEOUT: Final = 504
_MAX_MESSAGE_CHARS: Final = 2000
"""Of a server's own words."""


class MCPError(Exception):
    """A list or call failed. `error` is the value of `mcp_call.error`; the message is for the model and the caller."""

    def __init__(self, message: str, error: MCPCallError, *, status: int = 0, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.error = error
        self.status = status
        """The HTTP status with which the server answered; 0: there is no answer, or none that is valid."""
        self.data = data
        """The `data` of a JSON-RPC error."""

    def redacted(self, redact: Redactor) -> "MCPError":
        """Return a copy without secrets, which servers may repeat."""
        return MCPError(redact(self.message), redact_error(self.error, redact), status=self.status, data=self.data)

    @property
    def code(self) -> int:
        """The JSON-RPC code; 0: the error is not one of the protocol."""
        return self.error.code if isinstance(self.error, MCPProtocolError) else 0


@overload
def redact_error(error: MCPCallError, redact: Redactor) -> MCPCallError: ...
@overload
def redact_error(error: None, redact: Redactor) -> None: ...
def redact_error(error: MCPCallError | None, redact: Redactor) -> MCPCallError | None:
    """Return an error without secrets in its message or content; content that is nested too deeply is left out."""
    if error is None:
        return None
    if isinstance(error, ToolExecutionError):
        try:
            return ToolExecutionError(redact.redact_value(error.content))
        except RecursionError:
            return ToolExecutionError([])
    return structs.replace(error, message=redact(error.message))


def invalid_answer(message: str) -> MCPError:
    """Return the error for an answer that is missing, too large or not valid MCP."""
    return MCPError(message, MCPProtocolError(INTERNAL_ERROR, message))


def rpc_error(code: int, message: str, status: int, data: Any = None) -> MCPError:
    """Return the error for a JSON-RPC error of the server, whose words are passed on."""
    words = message[:_MAX_MESSAGE_CHARS] or "The tool server reported an error without a message."
    return MCPError(words, MCPProtocolError(code, words), status=status, data=data)


def http_error(status: int) -> MCPError:
    """Return the error for an HTTP status that is no success; its body is not shown."""
    message = f"HTTP {status} from the tool server"
    return MCPError(message, MCPHTTPError(status, message), status=status)


def unreachable() -> MCPError:
    """Return the error for a server without an answer, as HTTP 502."""
    message = "The tool server could not be reached"
    return MCPError(message, MCPHTTPError(_BAD_GATEWAY, message))


def too_late(seconds: float, what: str = "The tool") -> MCPError:
    """Return the error for a list or call that took longer than `seconds`, as HTTP 504."""
    message = f"{what} took longer than {seconds:g} s"
    return MCPError(message, MCPHTTPError(_GATEWAY_TIMEOUT, message))


def needs_input() -> MCPError:
    """Return the error for a tool that wants to ask the user or the model (elicitation, sampling)."""
    message = "The tool needs input that cannot be given here"
    return MCPError(message, MCPProtocolError(METHOD_NOT_FOUND, message))


def invalid_arguments(message: str) -> MCPError:
    """Return the error for arguments that are not sent, so that the model can correct them."""
    return MCPError(message, MCPProtocolError(INVALID_PARAMS, message))

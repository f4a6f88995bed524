"""The three forms of `mcp_call.error`. A string in their place fails the typed validation of openai-python.

Source: openai-python 3.54; OpenAI API reference, Responses: create.
"""

from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from translators.wire import encode


class ToolExecutionError(Struct, frozen=True, tag_field="type", tag="mcp_tool_execution_error"):
    """The tool itself reported an error."""

    content: list[Any]
    """The content of the tool's result, unchanged."""


class MCPProtocolError(Struct, frozen=True, gc=False, tag_field="type", tag="mcp_protocol_error"):
    """A JSON-RPC error, or an answer that is not valid MCP."""

    code: int
    message: str


class MCPHTTPError(Struct, frozen=True, gc=False, tag_field="type", tag="http_error"):
    """An HTTP status that is no success, or no answer at all (502: unreachable, 504: too late)."""

    code: int
    message: str


MCPCallError = ToolExecutionError | MCPProtocolError | MCPHTTPError


def text_of_error(error: Any) -> str:
    """Return what the model reads as the output of a failed call; `error` is a value of its item, in any form."""
    value = to_builtins(error)
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return encode(value).decode()
    if isinstance(content := value.get("content"), list):
        texts = [str(part["text"]) for part in content if isinstance(part, dict) and part.get("text")]
        return "Error: " + ("\n".join(texts) or "the tool gave no reason.")
    message = value.get("message")
    return message if isinstance(message, str) and message else encode(value).decode()


def hint_at(error: MCPCallError | None, hint: str) -> MCPCallError | None:
    """Return an error with a hint for the model behind its words; None for none."""
    if isinstance(error, ToolExecutionError):
        return ToolExecutionError([*error.content, {"type": "text", "text": hint}])
    return None if error is None else replace(error, message=f"{error.message} {hint}")

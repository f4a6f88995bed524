"""The three forms of `mcp_call.error`. A string in their place fails the typed validation of openai-python.

Source: openai-python 3.54; OpenAI API reference, Responses: create.
"""

from typing import Any

from msgspec import Struct


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

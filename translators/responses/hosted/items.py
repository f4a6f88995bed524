"""Items of tools that a server runs itself: OpenAI, or this adapter. In a history they are answered calls.

A member that OpenAI leaves out is UNSET and not null, because the schemas of some clients refuse null in its place.
`hidden` is what the model has read of a result and the client did not ask for: it is stored, so that the next turn can
show it to the model again, and not sent (`includes.py`). Only a client that keeps the history itself (`store: false`)
gets it, and sends it back.
Source: OpenAI API reference, Responses: create; AI SDK.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType


class WebSearchCall(Struct, frozen=True, gc=False, tag_field="type", tag="web_search_call"):
    id: str | None | UnsetType = UNSET
    status: str | None | UnsetType = UNSET
    action: dict[str, Any] | None | UnsetType = UNSET
    hidden: dict[str, Any] | UnsetType = UNSET


class FileSearchCall(Struct, frozen=True, gc=False, tag_field="type", tag="file_search_call"):
    id: str | None | UnsetType = UNSET
    status: str | None | UnsetType = UNSET
    queries: list[str] = []
    results: list[dict[str, Any]] | None | UnsetType = UNSET
    hidden: dict[str, Any] | UnsetType = UNSET


class CodeInterpreterCall(Struct, frozen=True, gc=False, tag_field="type", tag="code_interpreter_call"):
    id: str | None | UnsetType = UNSET
    status: str | None | UnsetType = UNSET
    code: str | None = None
    container_id: str | None | UnsetType = UNSET
    outputs: list[dict[str, Any]] | None = None
    hidden: dict[str, Any] | UnsetType = UNSET


class ImageGenerationCall(Struct, frozen=True, gc=False, tag_field="type", tag="image_generation_call"):
    """An image that an answer contains, as base64; `output_format`: png, jpeg, webp …"""

    result: str | None | UnsetType = None
    id: str | None | UnsetType = UNSET
    status: str | None | UnsetType = UNSET
    output_format: str | None | UnsetType = UNSET
    background: str | None | UnsetType = UNSET
    quality: str | None | UnsetType = UNSET
    size: str | None | UnsetType = UNSET
    revised_prompt: str | None | UnsetType = UNSET
    hidden: dict[str, Any] | UnsetType = UNSET


class MCPCall(Struct, frozen=True, gc=False, tag_field="type", tag="mcp_call"):
    """A call of an MCP server's tool; a failed one has an `error` (`errors.py`) and no `output`."""

    name: str
    arguments: str
    server_label: str
    id: str | None | UnsetType = UNSET
    output: str | None = None
    error: Any = None
    status: str | None | UnsetType = UNSET
    approval_request_id: str | None | UnsetType = UNSET
    hidden: dict[str, Any] | UnsetType = UNSET


class MCPListTools(Struct, frozen=True, gc=False, tag_field="type", tag="mcp_list_tools"):
    """The tools of an MCP server; `error` says in words why they could not be listed."""

    server_label: str
    tools: list[Any]
    id: str | None | UnsetType = UNSET
    error: Any = UNSET


class MCPApprovalRequest(Struct, frozen=True, gc=False, tag_field="type", tag="mcp_approval_request"):
    """A call that the client has to approve before it is run."""

    name: str
    arguments: str
    server_label: str
    id: str | None | UnsetType = UNSET


class MCPApprovalResponse(Struct, frozen=True, gc=False, tag_field="type", tag="mcp_approval_response"):
    """The client's answer to an `mcp_approval_request`."""

    approval_request_id: str
    approve: bool
    id: str | None | UnsetType = UNSET
    reason: str | None | UnsetType = UNSET


class Program(Struct, frozen=True, gc=False, tag_field="type", tag="program"):
    """JavaScript that OpenAI ran to call tools."""

    code: str | None | UnsetType = UNSET
    id: str | None | UnsetType = UNSET
    call_id: str | None | UnsetType = UNSET
    fingerprint: str | None | UnsetType = UNSET


class ProgramOutput(Struct, frozen=True, gc=False, tag_field="type", tag="program_output"):
    result: str | None = None
    id: str | None | UnsetType = UNSET
    call_id: str | None | UnsetType = UNSET
    status: str | None | UnsetType = UNSET


Hosted = (
    WebSearchCall | FileSearchCall | CodeInterpreterCall | ImageGenerationCall | MCPCall | MCPListTools
    | MCPApprovalRequest | MCPApprovalResponse | Program | ProgramOutput
)
HostedOutput = (
    WebSearchCall | FileSearchCall | CodeInterpreterCall | ImageGenerationCall | MCPCall | MCPListTools
    | MCPApprovalRequest
)
"""Those that an answer may have."""

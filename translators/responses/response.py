"""The Response object, from its first snapshot to its terminal one.

A snapshot is frozen; the next one is made with `msgspec.structs.replace`. It always has the union of the fields that
OpenAI and Open Responses require; a field that OpenAI omits when unused is UNSET.
Source: OpenAI OpenAPI specification, Response; Open Responses specification, Response object.
"""

from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from translators.errors import ProtocolError
from translators.responses.hosted.usage import ToolUsage
from translators.responses.items import OutputItem
from translators.responses.request import PromptReference
from translators.wire import Raw


class InputTokensDetails(Struct, frozen=True, gc=False):
    cached_tokens: int
    cache_write_tokens: int = 0


class OutputTokensDetails(Struct, frozen=True, gc=False):
    reasoning_tokens: int


class Usage(Struct, frozen=True, gc=False):
    """Tokens. Every member is always present: Codex drops a stream whose details lack one. Source: Codex CLI 0.169."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


_FAILURES: Final = frozenset(
    {
        "server_error", "rate_limit_exceeded", "invalid_prompt", "bio_policy", "image_content_policy_violation",
        "context_length_exceeded", "insufficient_quota", "usage_not_included", "server_is_overloaded", "slow_down",
    }
)  # fmt: skip
"""Codes of a failed response that clients know: from openai-python's enum those that a provider may cause, and those
that Codex acts on. Source: openai-python 3.54, ResponseError; Codex CLI 0.169."""


class ResponseFailure(Struct, frozen=True, gc=False):
    code: str
    message: str


def failure_of(error: ProtocolError) -> ResponseFailure:
    """Return the `error` of a failed response; a code that only HTTP errors have becomes one that clients know."""
    code = "invalid_prompt" if error.type == "invalid_request_error" else "server_error"
    return ResponseFailure(error.code if error.code in _FAILURES else code, error.message)


class IncompleteDetails(Struct, frozen=True, gc=False):
    reason: Literal["max_output_tokens", "content_filter"]


class Response(Struct, frozen=True, gc=False):
    """The Response object. `tools` is JSON: it is echoed three times in a stream and never changes."""

    id: str
    created_at: int
    model: str
    object: str = "response"
    status: Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"] = "in_progress"
    background: bool = False
    completed_at: int | None = None
    error: ResponseFailure | None = None
    frequency_penalty: float = 0.0
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    moderation: None = None
    output: tuple[OutputItem, ...] = ()
    parallel_tool_calls: bool = True
    presence_penalty: float = 0.0
    previous_response_id: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    reasoning: dict[str, Any] = {}
    safety_identifier: str | None = None
    service_tier: str = "auto"
    store: bool = True
    temperature: float = 1.0
    text: dict[str, Any] = {}
    tool_choice: Any = "auto"
    tools: Raw = Raw(b"[]")
    top_logprobs: int = 0
    top_p: float = 1.0
    truncation: str = "disabled"
    usage: Usage | None = None
    user: str | None = None
    metadata: dict[str, str] = {}
    conversation: dict[str, str] | UnsetType = UNSET
    prompt: PromptReference | UnsetType = UNSET
    prompt_cache_options: dict[str, str] | UnsetType = UNSET
    prompt_cache_diagnostics: dict[str, str] | UnsetType = UNSET
    access_programs: dict[str, str] | UnsetType = UNSET
    image: dict[str, str] | UnsetType = UNSET
    tool_usage: ToolUsage | UnsetType = UNSET


def add_tool_usage(response: Response, usage: ToolUsage) -> Response:
    """Return a response with what one more hosted call has used."""
    before = response.tool_usage
    return replace(response, tool_usage=usage if before is UNSET else before.plus(usage))


class OutputOfResponse(Struct, gc=False):
    """The part of a stored Response that continues a conversation."""

    status: str
    output: list[OutputItem]

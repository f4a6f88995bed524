"""How a response ends: the provider's finish reason, or the way its stream broke, as a Responses status.

The reasons are those of OpenAI and of the models behind gateways (Anthropic's, Google's, watsonx's words). An unknown
reason ends the response as completed, with a note. Source: OpenAI API reference, Chat: streaming; Anthropic docs, Stop
reasons; Gemini API docs, Finish reasons; watsonx docs, Text chat.
"""

from typing import Final, Literal

from msgspec import Struct

from translators.chat.chunks import ChatUsage
from translators.errors import UpstreamError
from translators.failures.classes import context_length_exceeded

IncompleteReason = Literal["max_output_tokens", "content_filter"]

_COMPLETED: Final = frozenset(
    {
        "stop", "tool_calls", "tool_call", "tool_use", "function_call", "eos", "eos_token", "end_turn", "stop_sequence",
        "complete",
    }
)  # fmt: skip
_INCOMPLETE: Final[dict[str, IncompleteReason]] = {
    "length": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "max_output_tokens": "max_output_tokens",
    "model_length": "max_output_tokens",
    "token_limit": "max_output_tokens",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "refusal": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
}
_FAILED: Final = frozenset(
    {
        "error", "insufficient_system_resource", "network_error", "abort", "cancelled", "time_limit",
        "malformed_function_call",
    }
)  # fmt: skip


class AnswerEnd(Struct, frozen=True, gc=False):
    """What is known of an answer when nothing more comes."""

    finish_reason: str | None
    done: bool
    """The provider ended it, by `[DONE]` or as a whole completion; otherwise the connection ended."""
    has_output: bool
    """The model began at least one item."""
    usage: ChatUsage | None


class Outcome(Struct, frozen=True, gc=False):
    """How the response ends: `incomplete` or failed with `error`, else completed."""

    incomplete: IncompleteReason | None = None
    error: UpstreamError | None = None
    unknown: str | None = None
    """A finish reason that is not in the tables."""


def decide_outcome(end: AnswerEnd) -> Outcome:
    """Decide how an answer that has ended ends its response."""
    if not end.finish_reason:
        if end.done and end.has_output:
            return Outcome()
        what = "without an answer" if end.done else "before the answer was complete"
        return Outcome(error=UpstreamError(f"The provider ended its stream {what}."))
    reason = end.finish_reason.lower()
    if reason in _COMPLETED:
        return Outcome()
    if reason in _INCOMPLETE:
        if reason == "length" and not end.has_output and _prompt_filled_context(end.usage):
            return Outcome(error=context_length_exceeded())
        return Outcome(incomplete=_INCOMPLETE[reason])
    if reason in _FAILED:
        return Outcome(error=UpstreamError(f"The provider stopped with '{end.finish_reason}'."))
    return Outcome(unknown=end.finish_reason)


def _prompt_filled_context(usage: ChatUsage | None) -> bool:
    """Tell whether the provider counted a prompt and not one token of output: there was no room for an answer."""
    return usage is not None and bool(usage.prompt_tokens) and not usage.completion_tokens

"""How a response ends: the provider's finish reason, or the way its stream broke, as a Responses status.

Table: responses-api reference §6.2, and what the models behind gateways say (Anthropic's, Google's, watsonx's words). A
reason nobody has seen yet ends the response as completed and is noted.
"""

from typing import Final, Literal

from msgspec import Struct

from translators.errors import UpstreamError
from translators.failures.classes import context_length_exceeded

Reason = Literal["max_output_tokens", "content_filter"]

_COMPLETED: Final = frozenset(
    {
        "stop", "tool_calls", "tool_call", "tool_use", "function_call", "eos", "eos_token", "end_turn", "stop_sequence",
        "complete",
    }
)  # fmt: skip
_INCOMPLETE: Final[dict[str, Reason]] = {
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


class Ending(Struct, frozen=True, gc=False):
    """`incomplete` or `error`, or neither: completed. `unknown` is a finish reason that is not in the table."""

    incomplete: Reason | None = None
    error: UpstreamError | None = None
    unknown: str | None = None


def ending(finish_reason: str | None, *, done: bool, produced: bool, refused_room: bool) -> Ending:
    """Decide how a stream that has ended ends its response.

    `done`: the provider sent `[DONE]` or a whole completion, so the end is its own and not a cut.
    `produced`: at least one item came. `refused_room`: the provider counted a prompt and not one output token.
    """
    if not finish_reason:
        if done and produced:
            return Ending()
        what = "without an answer" if done else "before the answer was complete"
        return Ending(error=UpstreamError(f"The provider ended its stream {what}."))
    reason = finish_reason.lower()
    if reason in _COMPLETED:
        return Ending()
    if reason in _INCOMPLETE:
        if reason == "length" and not produced and refused_room:
            return Ending(error=context_length_exceeded())
        return Ending(incomplete=_INCOMPLETE[reason])
    if reason in _FAILED:
        return Ending(error=UpstreamError(f"The provider stopped with '{finish_reason}'."))
    return Ending(unknown=finish_reason)

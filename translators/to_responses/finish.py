"""How a response ends: the provider's finish reason, or the way its stream broke, as a Responses status.

The words are those of OpenAI and of the models behind gateways. They come in any case, in camel case, behind a prefix
(`FinishReason.MAX_TOKENS`, `function_call_filter: MALFORMED_FUNCTION_CALL`) and with words of explanation: each part is
looked up, and the worst one counts. A word that is not in the table is judged by its stem, with a note; if that says
nothing, the response is completed if it has output, otherwise failed. Source: OpenAI API reference, Chat: streaming;
Anthropic docs, Stop reasons; Gemini API docs, Finish reasons; watsonx docs, Text chat.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

from translators.chat.chunks import ChatUsage
from translators.errors import UpstreamError, shorten
from translators.failures.classes import context_length_exceeded
from translators.to_responses.usage import read_usage

IncompleteReason = Literal["max_output_tokens", "content_filter"]
Meaning = Literal["context", "failed", "content_filter", "max_output_tokens", "completed"]

FINISH_WORDS: Final[dict[Meaning, frozenset[str]]] = {
    "context": frozenset(
        {
            "model_context_window_exceeded", "context_window_exceeded", "context_length_exceeded", "max_context",
            "context_length_reached", "context_length", "context_window", "prompt_too_long",
        }
    ),
    "failed": frozenset(
        {
            "error", "failed", "insufficient_system_resource", "network_error", "abort", "aborted", "cancel",
            "cancelled", "canceled", "user_cancel", "user_stopped", "time_limit", "timeout", "model_unloaded",
            "function_call_filter", "malformed_function_call", "malformed_tool_use", "malformed_tool_call",
            "malformed_model_output", "malformed_response", "unexpected_tool_call", "missing_thought_signature",
            "error_limit", "too_many_tool_calls", "no_image", "image_other",
        }
    ),
    "content_filter": frozenset(
        {
            "content_filter", "content_filtered", "guardrail_intervened", "safety", "sensitive", "refusal",
            "recitation", "blocklist", "prohibited_content", "spii", "language", "model_armor", "image_safety",
            "image_prohibited_content", "image_recitation", "error_toxic", "violation",
        }
    ),
    "max_output_tokens": frozenset(
        {
            "length", "max_tokens", "max_output_tokens", "max_completion_tokens", "max_new_tokens", "model_length",
            "token_limit", "max_length", "max_len", "max_output", "limit", "max_predicted_tokens_reached",
        }
    ),
    "completed": frozenset(
        {
            "stop", "tool_calls", "tool_call", "tool_use", "function_call", "function_calls", "eos", "eos_token",
            "eos_found", "end", "end_turn", "stop_sequence", "stop_string_found", "stop_token", "complete", "completed",
            "finish", "finished", "done", "success",
        }
    ),
}  # fmt: skip
"""Each word with what it means, the worst meaning first; words are in lower case with `_` between."""
_CALL_WORDS: Final = frozenset({"tool_calls", "tool_call", "tool_use", "function_call", "function_calls"})
STEMS: Final[dict[Meaning, re.Pattern[str]]] = {
    "context": re.compile(r"context|prompt_(is_)?too"),
    "failed": re.compile(
        r"malformed|error|fail|abort|invalid|time_?out|cancel|exception|unavailable|overload|rate_limit|quota|too_many"
    ),
    "content_filter": re.compile(
        r"filter|safety|guard_?rail|prohibit|blocked|policy|moderat|toxic|censor|harm|sensitive|violat|refus"
    ),
    "max_output_tokens": re.compile(r"max_|length|(token|output)s?_limit|truncat|incomplete"),
}
"""What an unknown word means if it contains one of these."""

_SEPARATORS: Final = re.compile(r"[:.,;/()\[\]]+")
_SPACES: Final = re.compile(r"[\s-]+")
_PREFIX: Final = re.compile(r"^((finish|stop)_)?reason_")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MAX_WORD: Final = 200
"""Characters of a reason that are read and quoted: some providers append the call that they could not read."""


class AnswerEnd(Struct, frozen=True, gc=False):
    """What is known of an answer when nothing more comes."""

    finish_reason: str | None
    done: bool
    """The provider ended it, by `[DONE]` or as a whole completion; otherwise the connection ended."""
    has_output: bool
    """The model began at least one item."""
    says_more: bool
    """Thinking is not all that it did."""
    usage: ChatUsage | None


class Outcome(Struct, frozen=True, gc=False):
    """How the response ends: `incomplete` or failed with `error`, else completed."""

    incomplete: IncompleteReason | None = None
    error: UpstreamError | None = None
    unknown: str | None = None
    """A finish reason that is not in the table."""


def decide_outcome(end: AnswerEnd) -> Outcome:
    """Decide how an answer that has ended ends its response."""
    if not end.finish_reason:
        if end.done and end.has_output:
            return Outcome()
        what = "without an answer" if end.done else "before the answer was complete"
        return Outcome(error=UpstreamError(f"The provider ended its stream {what}.", status=502))
    reason = end.finish_reason[:_MAX_WORD]
    meaning, known = meaning_of(reason)
    unknown = None if known else reason
    match meaning:
        case "completed" if end.says_more or _CALL_WORDS.isdisjoint(_words_in(reason)):
            return Outcome()
        case "completed":  # the call was lost on its way; completed, an agent would take its task as done
            return Outcome(error=UpstreamError(f"The provider stopped with '{reason}', but sent no call.", status=502))
        case "content_filter":
            return Outcome("content_filter", unknown=unknown)
        case "context" | "max_output_tokens":
            if not end.has_output and (meaning == "context" or _prompt_filled_context(end.usage)):
                return Outcome(error=context_length_exceeded())
            return Outcome("max_output_tokens", unknown=unknown)
        case None if end.has_output:
            return Outcome(unknown=unknown)
    return Outcome(error=UpstreamError(f"The provider stopped with '{reason}'.", status=502))


def only_forbidden_call(name: str) -> UpstreamError:
    """Return the error for an answer of nothing but calls that `tool_choice` does not allow."""
    message = f"The model called '{shorten(name)}', which tool_choice does not allow, and wrote nothing else."
    return UpstreamError(message, status=502, retry=False)


@lru_cache(maxsize=256)  # providers use a handful of words, each of at most _MAX_WORD characters
def meaning_of(reason: str) -> tuple[Meaning | None, bool]:
    """Return what a finish reason means, and whether the table has it; None: it says nothing."""
    words = list(_words_in(reason))
    for meaning, known in FINISH_WORDS.items():
        if not known.isdisjoint(words):
            return meaning, True
    for meaning, stem in STEMS.items():
        if any(map(stem.search, words)):
            return meaning, False
    return None, False


def _words_in(reason: str) -> Iterator[str]:
    """Yield the parts of a reason as the table writes them."""
    for part in _SEPARATORS.split(reason):
        word = _CAMEL.sub("_", part.strip(" '\"<>")).lower()
        yield _PREFIX.sub("", _SPACES.sub("_", word))


def _prompt_filled_context(usage: ChatUsage | None) -> bool:
    """Whether the provider counted a prompt and no token beside it: there was no room for an answer.

    A total above the prompt means that the model spent on thinking what it was allowed to write (Gemini).
    """
    counts = None if usage is None else read_usage(usage)
    return counts is not None and not counts.output_tokens and counts.total_tokens == counts.input_tokens > 0

"""Token counts: the provider's usage → the response's, and estimates where it counted nothing.

Every member is always there: Codex drops a stream whose details lack `cached_tokens`, LlamaIndex crashes without
usage, and Codex's compaction depends on it. Source: OpenAI API reference, Responses: the response object; Codex CLI
0.169; DeepSeek API docs, Chat completion; Moonshot docs, Chat; Anthropic docs, Prompt caching.
"""

import re
from typing import Final

from msgspec import Struct

from translators.chat.chunks import ChatUsage, CompletionDetails, PromptDetails
from translators.responses.response import InputTokensDetails, OutputTokensDetails, Usage
from translators.wire import Decoder, NotJSON

BYTES_PER_TOKEN: Final = 4
"""Rule of thumb for English text and code; only used when the provider counts nothing."""
TOKENS_PER_ATTACHMENT: Final = 1000
"""Of an image or file that is part of a request as base64: no provider reads its bytes as text. Vision models charge
some 100 to 1,500 tokens for an image."""

_TAIL_BYTES: Final = 16 * 1024
"""Of a stream, in which the usage is looked for: some chunks with all that gateways add."""

_NO_PROMPT_DETAILS: Final = PromptDetails()
_NO_COMPLETION_DETAILS: Final = CompletionDetails()
_BASE64_DATA: Final = re.compile(rb'"data:[^",;]{0,100};base64,[^"]*"')


def read_usage(chat: ChatUsage) -> Usage:
    """Return the provider's counts as the response has them; a missing count is 0 or the sum of the others.

    The response counts cached tokens and thinking as parts of the input and the output. Where the provider counts them
    apart they are added, so that no difference of two counts is negative. Source: xAI docs, Reasoning.
    """
    sent = chat.prompt_tokens or chat.sent or 0
    made = chat.completion_tokens or chat.made or 0
    of_input = chat.prompt_tokens_details or chat.input_tokens_details or _NO_PROMPT_DETAILS
    of_output = chat.completion_tokens_details or chat.output_tokens_details or _NO_COMPLETION_DETAILS
    cached = (
        of_input.cached_tokens or chat.prompt_cache_hit_tokens or chat.cached_tokens or chat.num_cached_tokens
        or chat.cache_read_input_tokens or chat.gemini_cached or 0
    )  # fmt: skip
    written = of_input.cache_write_tokens or chat.cache_creation_input_tokens or 0
    reasoning = of_output.reasoning_tokens or chat.reasoning_tokens or chat.gemini_thinking or 0
    if chat.prompt_tokens is None and chat.gemini_prompt is None and of_input is _NO_PROMPT_DETAILS:
        sent += cached + written  # Anthropic's counts: only what was neither read from a cache nor written to one
    total = chat.gemini_total if chat.total_tokens is None else chat.total_tokens
    if reasoning and (total == sent + made + reasoning or (reasoning > made and (total is None or not made))):
        made += reasoning
    return Usage(
        input_tokens=sent,
        input_tokens_details=InputTokensDetails(min(cached, sent), min(written, max(0, sent - cached))),
        output_tokens=made,
        output_tokens_details=OutputTokensDetails(min(reasoning, made)),
        total_tokens=max(total or 0, sent + made),
    )


def estimate_usage(prompt_bytes: int, output_bytes: int) -> Usage:
    """Return rough counts from sizes in bytes, for a provider that sends no usage."""
    prompt = -(-prompt_bytes // BYTES_PER_TOKEN)
    completion = -(-output_bytes // BYTES_PER_TOKEN)
    return Usage(
        input_tokens=prompt,
        input_tokens_details=InputTokensDetails(0, 0),
        output_tokens=completion,
        output_tokens_details=OutputTokensDetails(0),
        total_tokens=prompt + completion,
    )


def estimate_tokens(body: bytes) -> int:
    """Return a rough number of tokens of a chat request from the bytes of its JSON."""
    attachments = 0
    if b";base64," in body:
        body, attachments = _BASE64_DATA.subn(b"", body)
    return -(-len(body) // BYTES_PER_TOKEN) + attachments * TOKENS_PER_ATTACHMENT


def add_usage(one: Usage, other: Usage) -> Usage:
    """Return the usage of two answers together."""
    details, others = one.input_tokens_details, other.input_tokens_details
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        input_tokens_details=InputTokensDetails(
            details.cached_tokens + others.cached_tokens, details.cache_write_tokens + others.cache_write_tokens
        ),
        output_tokens=one.output_tokens + other.output_tokens,
        output_tokens_details=OutputTokensDetails(
            one.output_tokens_details.reasoning_tokens + other.output_tokens_details.reasoning_tokens
        ),
        total_tokens=one.total_tokens + other.total_tokens,
    )


class _Answer(Struct):
    usage: ChatUsage | None = None


_decode: Final = Decoder(_Answer).decode


class AnswerTokens:
    """Counts the tokens of one forwarded answer from its bytes, as they pass.

    The usage is in the body of a whole answer, and in one of the last chunks of a stream whose client has asked for it.
    Without one the tokens are estimated: of a stream one for each event, since providers send a chunk for each token.
    Source: OpenAI API reference, Chat Completions, Embeddings.
    """

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._events = 0
        self._tail: list[bytes] = []
        self._tail_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes of a stream."""
        self._events += data.count(b"data:")
        self._tail.append(data)
        self._tail_bytes += len(data)
        if self._tail_bytes > 4 * _TAIL_BYTES:
            self._tail = [b"".join(self._tail)[-_TAIL_BYTES:]]
            self._tail_bytes = len(self._tail[0])

    def of_stream(self) -> Usage:
        """Return the usage of the stream so far."""
        for line in reversed(b"".join(self._tail).splitlines()):
            if line.startswith(b"data:") and (usage := _find(line[5:])) is not None:
                return usage
        return self._estimate(self._events)

    def of_whole(self, body: bytes) -> Usage:
        """Return the usage of a whole answer."""
        return _find(body) or self._estimate(0 if b'"embedding"' in body else estimate_tokens(body))

    def _estimate(self, output_tokens: int) -> Usage:
        prompt = estimate_tokens(self._request)
        return Usage(prompt, InputTokensDetails(0, 0), output_tokens, OutputTokensDetails(0), prompt + output_tokens)


def _find(body: bytes) -> Usage | None:
    try:
        usage = _decode(body).usage
    except NotJSON:
        return None
    return None if usage is None else read_usage(usage)

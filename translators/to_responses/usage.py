"""Token counts: the provider's usage → the response's, and estimates where it counted nothing.

Every member is always there: Codex drops a stream whose details lack `cached_tokens`, LlamaIndex crashes without
usage, and Codex's compaction depends on it. Source: OpenAI API reference, Responses: the response object; Codex CLI
0.169; DeepSeek API docs, Chat completion; Moonshot docs, Chat.
"""

import re
from typing import Final

from translators.chat.chunks import ChatUsage
from translators.responses.response import InputTokensDetails, OutputTokensDetails, Usage

BYTES_PER_TOKEN: Final = 4
"""Rule of thumb for English text and code; only used when the provider counts nothing."""
TOKENS_PER_ATTACHMENT: Final = 1000
"""Of a picture or file that is part of a request as base64: no provider reads its bytes as text. Vision models charge
some 100 to 1,500 tokens for a picture."""

_BASE64_DATA: Final = re.compile(rb'"data:[^",;]{0,100};base64,[^"]*"')


def read_usage(chat: ChatUsage) -> Usage:
    """Return the provider's counts as the response has them; a missing count is 0 or the sum of the others."""
    prompt = chat.prompt_tokens or 0
    completion = chat.completion_tokens or 0
    cached = written = None
    if chat.prompt_tokens_details is not None:
        cached = chat.prompt_tokens_details.cached_tokens
        written = chat.prompt_tokens_details.cache_write_tokens
    if cached is None:
        cached = chat.prompt_cache_hit_tokens
    if cached is None:
        cached = chat.cached_tokens
    reasoning = None
    if chat.completion_tokens_details is not None:
        reasoning = chat.completion_tokens_details.reasoning_tokens
    total = chat.total_tokens
    return Usage(
        input_tokens=prompt,
        input_tokens_details=InputTokensDetails(cached or 0, written or 0),
        output_tokens=completion,
        output_tokens_details=OutputTokensDetails(reasoning or 0),
        total_tokens=prompt + completion if total is None else total,
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

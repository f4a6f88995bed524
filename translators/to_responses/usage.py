"""Token counts: the provider's words into ours; an estimate, noted as such, when it sent none.

Every member is always there: Codex drops a stream whose details lack `cached_tokens`, LlamaIndex crashes without
usage, and Codex's compaction depends on it. Mapping: responses-api reference §6.3.
"""

from typing import Final

from translators.chat.chunks import ChatUsage
from translators.responses.response import InputTokensDetails, OutputTokensDetails, Usage

BYTES_PER_TOKEN: Final = 4
"""Rule of thumb for English text and code; only used when the provider counts nothing."""


def to_usage(chat: ChatUsage) -> Usage:
    """Return the provider's counts as ours; what it left out is 0, or follows from what it sent."""
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


def estimated(prompt_bytes: int, output_bytes: int) -> Usage:
    """Return a rough count from sizes, for a provider that sends no usage."""
    prompt = -(-prompt_bytes // BYTES_PER_TOKEN)
    completion = -(-output_bytes // BYTES_PER_TOKEN)
    return Usage(
        input_tokens=prompt,
        input_tokens_details=InputTokensDetails(0, 0),
        output_tokens=completion,
        output_tokens_details=OutputTokensDetails(0),
        total_tokens=prompt + completion,
    )


def added(one: Usage, other: Usage) -> Usage:
    """Return what two answers cost together."""
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

"""Token counts under all their names, and estimates."""

import pytest

from translators.chat.chunks import ChatUsage, CompletionDetails, PromptDetails
from translators.responses.response import Usage
from translators.to_responses.usage import TOKENS_PER_ATTACHMENT, estimate_tokens, estimate_usage, read_usage


def counts(usage: Usage) -> tuple[int, int, int, int, int, int]:
    details = usage.input_tokens_details
    return (
        usage.input_tokens, details.cached_tokens, details.cache_write_tokens,
        usage.output_tokens, usage.output_tokens_details.reasoning_tokens, usage.total_tokens,
    )  # fmt: skip


USAGES = {
    "everything": (
        ChatUsage(9, 7, 16, PromptDetails(4, 2), CompletionDetails(3)), (9, 4, 2, 7, 3, 16)
    ),
    "no details": (ChatUsage(9, 7, 16), (9, 0, 0, 7, 0, 16)),
    "no total": (ChatUsage(9, 7), (9, 0, 0, 7, 0, 16)),
    "a total that is not the sum (xAI)": (ChatUsage(9, 7, 30), (9, 0, 0, 7, 0, 30)),
    "the prompt only": (ChatUsage(prompt_tokens=9), (9, 0, 0, 0, 0, 9)),
    "the answer only": (ChatUsage(completion_tokens=7), (0, 0, 0, 7, 0, 7)),
    "empty details": (ChatUsage(9, 7, 16, PromptDetails(), CompletionDetails()), (9, 0, 0, 7, 0, 16)),
    "cached under DeepSeek's name": (ChatUsage(9, 7, prompt_cache_hit_tokens=4), (9, 4, 0, 7, 0, 16)),
    "cached under Moonshot's name": (ChatUsage(9, 7, cached_tokens=4), (9, 4, 0, 7, 0, 16)),
    "cached under two names": (
        ChatUsage(9, 7, prompt_tokens_details=PromptDetails(4), prompt_cache_hit_tokens=5), (9, 4, 0, 7, 0, 16)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", USAGES)
def test_counts(name: str) -> None:
    chat, expected = USAGES[name]
    assert counts(read_usage(chat)) == expected


@pytest.mark.parametrize(("prompt", "output", "tokens"), [(0, 0, (0, 0)), (1, 4, (1, 1)), (400, 5, (100, 2))])
def test_estimates(prompt: int, output: int, tokens: tuple[int, int]) -> None:
    assert counts(estimate_usage(prompt, output)) == (tokens[0], 0, 0, tokens[1], 0, sum(tokens))


PICTURE = b'{"url":"data:image/png;base64,' + b"A" * 100_000 + b'"}'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", 0),
        (b"abcd", 1),
        (b"abcde", 2),
        (PICTURE, TOKENS_PER_ATTACHMENT + 2),
        (b"[%b,%b]" % (PICTURE, PICTURE), 2 * TOKENS_PER_ATTACHMENT + 5),
        (b'"say ;base64, and go on"', 6),
    ],
)
def test_tokens(body: bytes, expected: int) -> None:
    assert estimate_tokens(body) == expected

"""Token counts under all their names, and estimates."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.chat.chunks import ChatUsage, CompletionDetails, PromptDetails
from translators.responses.response import Usage
from translators.to_responses.deltas import read_chunk, usage_of
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
    "promptTokens": (ChatUsage(camel_prompt=9, camel_completion=7, total_tokens=16), (9, 0, 0, 7, 0, 16)),
    "no total": (ChatUsage(9, 7), (9, 0, 0, 7, 0, 16)),
    "a total that is not the sum (Gemini)": (ChatUsage(9, 7, 30), (9, 0, 0, 7, 0, 30)),
    "the prompt only": (ChatUsage(prompt_tokens=9), (9, 0, 0, 0, 0, 9)),
    "the answer only": (ChatUsage(completion_tokens=7), (0, 0, 0, 7, 0, 7)),
    "empty details": (ChatUsage(9, 7, 16, PromptDetails(), CompletionDetails()), (9, 0, 0, 7, 0, 16)),
    "cached under DeepSeek's name": (ChatUsage(9, 7, prompt_cache_hit_tokens=4), (9, 4, 0, 7, 0, 16)),
    "cached under Moonshot's name": (ChatUsage(9, 7, cached_tokens=4), (9, 4, 0, 7, 0, 16)),
    "cached under two names": (
        ChatUsage(9, 7, prompt_tokens_details=PromptDetails(4), prompt_cache_hit_tokens=5), (9, 4, 0, 7, 0, 16)
    ),
    "cached under two names, 0 under the first": (
        ChatUsage(9, 7, prompt_tokens_details=PromptDetails(0), prompt_cache_hit_tokens=5), (9, 5, 0, 7, 0, 16)
    ),
    "cached under Mistral's name": (ChatUsage(9, 7, num_cached_tokens=4), (9, 4, 0, 7, 0, 16)),
    "more cached than sent (Mistral)": (ChatUsage(9, 7, num_cached_tokens=64), (9, 9, 0, 7, 0, 16)),
    "thinking counted apart (xAI)": (
        ChatUsage(161, 8, 352, completion_tokens_details=CompletionDetails(183)), (161, 0, 0, 191, 183, 352)
    ),
    "less thinking than answer, counted apart": (
        ChatUsage(9, 7, 19, completion_tokens_details=CompletionDetails(3)), (9, 0, 0, 10, 3, 19)
    ),
    "more thinking than answer, no total": (
        ChatUsage(9, 7, completion_tokens_details=CompletionDetails(8)), (9, 0, 0, 15, 8, 24)
    ),
    "more thinking than answer, a total without it": (
        ChatUsage(9, 7, 16, completion_tokens_details=CompletionDetails(8)), (9, 0, 0, 7, 7, 16)
    ),
    "thinking only, in no total": (
        ChatUsage(9, 0, 9, completion_tokens_details=CompletionDetails(8)), (9, 0, 0, 8, 8, 17)
    ),
    "thinking beside the details (SGLang)": (ChatUsage(9, 7, 16, reasoning_tokens=3), (9, 0, 0, 7, 3, 16)),
    "a total below its parts": (ChatUsage(9, 7, 0), (9, 0, 0, 7, 0, 16)),
    "the names of the Responses API": (
        ChatUsage(
            input_tokens=9, output_tokens=7, total_tokens=16,
            input_tokens_details=PromptDetails(4, 2), output_tokens_details=CompletionDetails(3),
        ),
        (9, 4, 2, 7, 3, 16),
    ),
    "Anthropic's names": (
        ChatUsage(input_tokens=9, output_tokens=7, cache_read_input_tokens=4, cache_creation_input_tokens=2),
        (15, 4, 2, 7, 0, 22),
    ),
    "Anthropic's names of parts beside OpenAI's": (
        ChatUsage(9, 7, 16, cache_read_input_tokens=4, cache_creation_input_tokens=2), (9, 4, 2, 7, 0, 16)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", USAGES)
def test_counts(name: str) -> None:
    chat, expected = USAGES[name]
    assert counts(read_usage(chat)) == expected


ODD_COUNTS = st.one_of(st.none(), st.integers(-5, 30), st.sampled_from(["7", 2.0, 2.5, "x", [], {}, True, 2**70]))
DETAILS = st.dictionaries(st.sampled_from([*CompletionDetails.__struct_fields__, *PromptDetails.__struct_fields__]),
                          ODD_COUNTS)
USAGE_MEMBERS = st.fixed_dictionaries(
    {},
    optional={name: DETAILS if name.endswith("_details") else ODD_COUNTS for name in ChatUsage.__struct_fields__},
)


@given(USAGE_MEMBERS)
def test_no_difference_of_two_counts_is_negative(members: dict[str, Any]) -> None:
    usage = usage_of(read_chunk(json.dumps({"choices": [], "usage": members}).encode()))
    if usage is not None:
        sent, cached, written, made, reasoning, total = counts(read_usage(usage))
        assert min(cached, written, reasoning) >= 0
        assert cached + written <= sent
        assert reasoning <= made
        assert sent + made <= total


@pytest.mark.parametrize(("prompt", "output", "tokens"), [(0, 0, (0, 0)), (1, 4, (1, 1)), (400, 5, (100, 2))])
def test_estimates(prompt: int, output: int, tokens: tuple[int, int]) -> None:
    assert counts(estimate_usage(prompt, output)) == (tokens[0], 0, 0, tokens[1], 0, sum(tokens))


IMAGE = b'{"url":"data:image/png;base64,' + b"A" * 100_000 + b'"}'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", 0),
        (b"abcd", 1),
        (b"abcde", 2),
        (IMAGE, TOKENS_PER_ATTACHMENT + 2),
        (b"[%b,%b]" % (IMAGE, IMAGE), 2 * TOKENS_PER_ATTACHMENT + 5),
        (b'"say ;base64, and go on"', 6),
    ],
)
def test_tokens(body: bytes, expected: int) -> None:
    assert estimate_tokens(body) == expected


@pytest.mark.parametrize("names", [("promptTokens", "completionTokens"), ("inputTokens", "outputTokens")])
def test_counts_in_camel_case(names: tuple[str, str]) -> None:
    usage = usage_of(read_chunk(json.dumps({"choices": [], "usage": dict(zip(names, (9, 7), strict=True))}).encode()))
    assert usage is not None
    assert counts(read_usage(usage)) == (9, 0, 0, 7, 0, 16)

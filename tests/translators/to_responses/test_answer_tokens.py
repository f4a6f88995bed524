"""The tokens of a forwarded answer: the provider's counts wherever they are, else an estimate."""

import json

import pytest

from tests.support import chat
from translators.to_responses.usage import AnswerTokens


@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
def test_the_usage_of_a_stream_is_found_in_any_split(size: int) -> None:
    stream = chat.text(*["word"] * 1000) + chat.end()
    tokens = AnswerTokens(b"{}")
    for at in range(0, len(stream), size):
        tokens.feed(stream[at : at + size])
    assert tokens.of_stream().total_tokens == 16


def test_the_last_usage_counts() -> None:
    tokens = AnswerTokens(b"{}")
    tokens.feed(chat.chunk(usage={"prompt_tokens": 1}) + chat.chunk(usage={"prompt_tokens": 5}) + chat.DONE)
    assert tokens.of_stream().input_tokens == 5


def test_without_usage_events_are_counted() -> None:
    tokens = AnswerTokens(b"x" * 400)
    tokens.feed(chat.text(*"abcdefgh") + b"data: {nothing\n\n")
    usage = tokens.of_stream()
    assert (usage.input_tokens, usage.output_tokens) == (100, 9)


@pytest.mark.parametrize("usage", [None, 5, {}])
def test_a_whole_answer_without_usage(usage: object) -> None:
    body = json.dumps({**chat.completion("x" * 400), "usage": usage}).encode()
    assert AnswerTokens(b"x").of_whole(body).output_tokens > (50 if usage != {} else -1)


def test_embeddings_have_no_output() -> None:
    body = b'{"data":[{"embedding":[0.1,0.2]}],"usage":null}'
    assert AnswerTokens(b"x" * 40).of_whole(body).total_tokens == 10

"""The forms in which providers send parts of an answer, and what is read out of them."""

import json

import pytest

from translators.chat.chunks import ChatUsage, Chunk, Delta, FunctionDelta, ToolCallDelta
from translators.errors import UpstreamError
from translators.reasoning.fields import read_thinking
from translators.to_responses.deltas import (
    arguments_of,
    calls_of,
    images_of,
    pieces_of,
    read_chunk,
    usage_of,
)


def test_content_that_is_no_string() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}, "b", {"type": "text", "text": "c"},
             {"type": "refusal", "refusal": "d"}, {"type": "image_url", "image_url": {"url": "e"}},
             {"type": "image_url", "image_url": "f"}, {"type": "reference", "reference_ids": [1]}, 5]  # fmt: skip
    assert list(pieces_of(parts)) == [
        ("reasoning", "a"), ("text", "b"), ("text", "c"), ("refusal", "d"), ("image", "e"), ("image", "f"),
        ("other", ""),
    ]  # fmt: skip
    assert list(pieces_of({"type": "text", "text": "c"})) == [("text", "c")]
    assert list(pieces_of({"city": "Paris"})) == [("text", '{"city":"Paris"}')]


def test_images() -> None:
    payload = b'{"choices":[{"delta":{"images":[{"image_url":{"url":"a"},"index":0},{"image_url":"b"},{}]}}]}'
    chunk = read_chunk(payload)
    assert chunk.choices is not None
    assert chunk.choices[0].delta is not None
    assert images_of(chunk.choices[0].delta) == ["a", "b", ""]


USAGES = {
    b"{}": None,
    b'{"usage":null}': None,
    b'{"usage":{"prompt_tokens":null,"completion_tokens":null}}': None,
    b'{"usage":{"total_tokens":5}}': None,
    b'{"usage":{"prompt_tokens":5}}': ChatUsage(prompt_tokens=5),
    b'{"x_groq":{"usage":{"prompt_tokens":5}}}': ChatUsage(prompt_tokens=5),
    b'{"usage":{"prompt_tokens":"5","completion_tokens":7.0}}': ChatUsage(prompt_tokens=5, completion_tokens=7),
    b'{"usage":{"prompt_tokens":-5,"completion_tokens":7}}': ChatUsage(completion_tokens=7),
}


@pytest.mark.parametrize("payload", USAGES)
def test_usage(payload: bytes) -> None:
    assert usage_of(read_chunk(payload)) == USAGES[payload]


ARGUMENTS = {
    "": FunctionDelta(),
    '{"a":1}': FunctionDelta(arguments='{"a":1}'),
    '{"a":2}': FunctionDelta(arguments={"a": 2}),
    '{"a":3}': FunctionDelta(parameters={"a": 3}),
    "[1]": FunctionDelta(arguments=[1]),
}


@pytest.mark.parametrize("expected", ARGUMENTS)
def test_arguments(expected: str) -> None:
    assert arguments_of(ARGUMENTS[expected]) == expected


def call(index: int | None, name: str | None, id: str | None = None) -> ToolCallDelta:
    return ToolCallDelta(index=index, id=id, function=FunctionDelta(name))


CALLS = {
    "counted": ([call(0, "f"), call(1, "g")], False, [0, 1]),
    "not counted": ([call(None, "f"), call(None, "f")], False, [0, 1]),
    "all at index 0": ([call(0, "f"), call(0, "f")], False, [0, 1]),
    "all at index 0, with ids": ([call(0, "f", "a"), call(0, "f", "b")], False, [0, 0]),
    "pieces of one call": ([call(0, "f"), call(0, None)], False, [0, 0]),
    "a whole message": ([call(7, "f", "a"), call(7, "f", "a")], True, [0, 1]),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_of_one_delta(name: str) -> None:
    calls, whole, indexes = CALLS[name]
    assert [found.index for found in calls_of(Delta(tool_calls=calls), whole=whole)] == indexes


def test_a_call_by_itself_and_the_legacy_one() -> None:
    assert calls_of(Delta(tool_calls=call(3, "f")), whole=False) == [call(3, "f")]
    function = FunctionDelta("f", "{}")
    assert calls_of(Delta(function_call=function), whole=False) == [ToolCallDelta(index=0, function=function)]
    assert calls_of(Delta(function_call=FunctionDelta("", "")), whole=False) == []


def test_an_odd_member_costs_only_itself() -> None:
    chunk = read_chunk(
        b'{"choices":[5,{"index":"0","delta":{"content":"a","refusal":7,"tool_calls":[null,{"id":1,"index":{}}]},'
        b'"finish_reason":[],"logprobs":{"content":[{"token":7,"logprob":-1}]}}],"usage":"none","service_tier":4} x'
    )
    assert chunk.choices is not None
    choice = chunk.choices[0]
    assert (choice.index, choice.finish_reason, chunk.usage, chunk.service_tier) == (0, None, None, None)
    assert choice.delta == Delta(content="a", tool_calls=[ToolCallDelta(id=1)])
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert [(token.token, token.logprob) for token in choice.logprobs.content] == [(None, -1.0)]


def test_half_a_surrogate_pair_is_replaced() -> None:
    chunk = read_chunk(rb'{"choices":[{"delta":{"content":"\ud83d\ude00 \ud83d"}}]}')
    assert chunk.choices is not None
    assert chunk.choices[0].delta == Delta(content="😀 �")


@pytest.mark.parametrize("payload", [b"", b"x", b"5", b'"a"', b"[]", b"[5]", b"{", b"[" * 100_000])
def test_what_is_no_chunk(payload: bytes) -> None:
    with pytest.raises(UpstreamError, match="not a chat completion"):
        read_chunk(payload)


def test_a_chunk_that_is_null_says_nothing() -> None:
    assert read_chunk(b" null ") == Chunk()


@pytest.mark.parametrize("thinking", [["Hm"], [{"type": "text", "text": "Hm"}], {"text": "Hm"}])
def test_thinking_that_is_no_string(thinking: object) -> None:
    chunk = read_chunk(json.dumps({"choices": [{"index": 0, "delta": {"reasoning_content": thinking}}]}).encode())
    assert chunk.choices
    assert chunk.choices[0].delta is not None
    assert read_thinking(chunk.choices[0].delta) == "Hm"

"""Chunks that are alike are read as each alone would be: the answer does not depend on how many come in one read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.stream_harness import StreamHarness
from translators.chat.alike import MIN_BYTES, AlikeChunks, AlikeDecoder
from translators.chat.chunks import Chunk, decode_chunk
from translators.responses.tools import CustomTool
from translators.to_responses.expectations import Limits
from translators.tools.names import ToolNames

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"q": {}}}}}
ID = "x" * 200
"""As long as what most providers repeat in each chunk: `MANY` are enough to look for some that are alike."""
MANY = 20
SPECIAL = ["", "<", "[", "<think>", "{", "}", '"', "\\", ' \\"', "\n", "é", "😀", '","', '"}', '"} ', "null"]


def chunk(choice: Any, *, is_ascii: bool = False, **more: str) -> bytes:
    return json.dumps({"id": ID, "choices": [{"index": 0} | choice], **more}, ensure_ascii=is_ascii).encode()


def text(piece: str) -> Any:
    return {"delta": {"content": piece}}


def in_call(function: dict[str, str], index: int = 0, **members: str) -> Any:
    return {"delta": {"tool_calls": [{"index": index, "function": function, **members}]}}


def arguments(piece: str, index: int = 0) -> Any:
    return in_call({"arguments": piece}, index)


def call(index: int = 0) -> Any:
    return in_call({"name": "look", "arguments": '{"q":"'}, index, id=f"call_{index}")


RUNS: dict[str, Any] = {
    "text": text,
    "thinking": lambda piece: {"delta": {"reasoning_content": piece}},
    "thinking of others": lambda piece: {"delta": {"reasoning": piece, "content": None}},
    "arguments": arguments,
    "arguments of the second call": lambda piece: arguments(piece, 1),
    "text and thinking": lambda piece: {"delta": {"content": piece, "reasoning": "so"}},
    "text twice": lambda piece: {"delta": {"content": piece, "reasoning": piece}},
    "another choice": lambda piece: {"index": 1, "delta": {"content": piece}},
}


@given(st.sampled_from(sorted(RUNS)), st.lists(st.sampled_from([*SPECIAL, "ab"]) | st.text(max_size=3)), st.booleans())
def test_they_are_the_chunks_of_their_payloads(run: str, pieces: list[str], is_ascii: bool) -> None:
    decoder = AlikeDecoder()
    payloads = [chunk(RUNS[run](piece), is_ascii=is_ascii) for piece in ["ab", *pieces, *["cd"] * MANY]] + [b"[DONE]"]
    for _ in range(2):  # the second time with the pattern of the first
        some, rest = decoder.decode(as_events(payloads))
        found = [each for one in some for each in chunks_in(one)]
        assert found == [decode_chunk(each) for each in payloads[: len(found)]]
        assert rest == as_events(payloads[len(found) :])


def as_events(payloads: list[bytes]) -> bytes:
    return b"".join([b"data: %b\n\n" % payload for payload in payloads])


def chunks_in(some: Chunk | AlikeChunks) -> list[Chunk]:
    """Return the chunks of some that are alike, after a check of their pieces."""
    if isinstance(some, Chunk):
        return [some]
    for one, piece in zip(some.chunks(), some.pieces, strict=True):
        alone = RUNS["arguments"](piece) if isinstance(some.place, int) else {"delta": {some.place: piece}}
        expected = decode_chunk(chunk(alone))
        if isinstance(some.place, int):
            expected.choices[0].delta.tool_calls[0].index = some.place  # type: ignore[index, union-attr]
        assert one == expected
    return list(some.chunks())


def test_those_of_one_read_are_alike() -> None:
    texts = [f"word {count} <" for count in range(MANY)]
    end = as_events([chunk({"delta": {}, "finish_reason": "stop"}), b"[DONE]"])
    some, rest = AlikeDecoder().decode(as_events([chunk(text(each)) for each in texts]) + end)
    assert rest == end
    alike = some[1]
    assert isinstance(alike, AlikeChunks)
    assert alike.pieces == texts[1:]


@pytest.mark.parametrize(
    "odd",
    [
        [b'"a","b"'],
        [b'"a'],
        [b"null"],
        [b'""'],
        [b'"a" '],
        [b'"\\ud83d"', b'"\\ude00"'],
        [b'"a\\"', b'","b"'],
        [b'"\xff"'],
        [b'"a"\n'],
        [b'"a"\n\n: still there'],
        [b'"a"}\n\ndata: "b"'],
    ],
)
def test_other_strings_are_not_taken_for_pieces(odd: list[bytes]) -> None:
    whole = [chunk(text("ab"))] * MANY
    assert_read_alike([*whole, *(chunk(text("@")).replace(b'"@"', string) for string in odd), *whole])


@pytest.mark.parametrize("choice", [b'"index":0,"delta":{"content":"ab"}', b'"delta":{"content":"ab"},"index":0'])
def test_a_chunk_that_differs_before_or_behind_its_text_is_not_alike(choice: bytes) -> None:
    whole = b'{"id":"%b","choices":[{%b}]}' % (ID.encode(), choice)
    other = whole.replace(b'"index":0', b'"index":1')
    for count in (1, MANY):
        assert_read_alike([whole] * MANY, [*[whole] * count, other, *[whole] * MANY])


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("run", RUNS)
def test_one_read_gives_the_events_of_many(run: str, special: str) -> None:
    opening = [call(), call(1)] if "call" in run else [call()] if run == "arguments" else [text("Hi")]
    for position in (0, 5, 19):
        pieces = ["ab"] * 20
        pieces[position] = special
        assert_read_alike([chunk(choice) for choice in [*opening, *map(RUNS[run], pieces)]])


@pytest.mark.parametrize("run", RUNS)
def test_text_that_is_held_back_goes_before_what_comes_in_the_next_read(run: str) -> None:
    whole = [chunk(RUNS[run]("ab"))] * 20
    assert_read_alike([chunk(call()), *whole], [chunk(text("<"))], whole, [chunk(text("think>"))])
    assert_read_alike([chunk(text("Hi")), *whole], [chunk(text("["))], whole)


def test_another_call_may_go_on_in_the_next_read() -> None:
    second = [chunk(arguments("ab", 1))] * 20
    assert_read_alike([chunk(call()), chunk(call(1)), *second], [chunk(arguments("cd"))], second)


def test_the_input_of_a_custom_tool_is_read_from_alike_pieces_too() -> None:
    pieces = ['{"input":"', *["ab"] * 20, '"}']
    header = in_call({"name": "look", "arguments": ""}, id="call_0")
    assert_read_alike(
        [chunk(choice) for choice in [header, *map(arguments, pieces)]], names=ToolNames([CustomTool(name="look")])
    )


def test_an_answer_ends_at_the_limit() -> None:
    for run in ("text", "thinking", "arguments"):
        choices = [*[call()][: run == "arguments"], *map(RUNS[run], ["ab"] * 20)]
        assert_read_alike([chunk(choice) for choice in choices], limits=Limits(30))


def assert_read_alike(*reads: list[bytes], **options: Any) -> None:
    """Assert that payloads in these reads give what each gives in a read of its own."""
    blocks = [[as_events([payload]) for payload in payloads] for payloads in reads]
    assert max(len(b"".join(block)) for block in blocks) >= MIN_BYTES
    for functions in ([], [TOOL]):
        few = StreamHarness(functions=functions, model="m", **options)
        many = StreamHarness(functions=functions, model="m", **options)
        few.read(map(b"".join, blocks))
        many.read(block for each in blocks for block in each)
        assert few.events == many.events
        assert few.notes == many.notes

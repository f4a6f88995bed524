"""The SSE decoder: pieces do not matter, nothing but UpstreamError is raised, an event is told with its blank line."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from translators.errors import UpstreamError
from translators.to_responses.sse import SSEDecoder

PARTS = [
    b"data: ", b"data:", b"error: ", b"event: error", b": comment", b"id: 1", b"\n", b"\r\n", b"\r", b"\n\n",
    b"\r\n\r\n", b"{}", b'{"a":"}"}', b"[1]", b"[DONE]", b"{", b"}", b" ", b"\t", b"\xef\xbb\xbf", b"\xff",
    "é".encode(), b"data",
]  # fmt: skip
streams = st.lists(st.sampled_from(PARTS) | st.binary(max_size=3), max_size=30).map(b"".join)


def decoded(pieces: list[bytes]) -> list[bytes]:
    decoder = SSEDecoder()
    return [payload for piece in pieces for payload in decoder.feed(piece)] + decoder.flush()


@given(streams, st.data())
@example(b"data: {}\r\n\r\ndata: {}\r\r", None)
def test_any_split_equals_the_whole(stream: bytes, data: st.DataObject | None) -> None:
    whole = decoded([stream])
    assert decoded([stream[at : at + 1] for at in range(len(stream))]) == whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8))) if data else [3, 8, 9]
    assert decoded([stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]) == whole


payloads = st.sampled_from([b"{}", b'{"a":1}', b"[DONE]", b'{"text":"\\n\\n data: {}"}', '{"é":"日本"}'.encode()])


@given(st.lists(payloads), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.sampled_from([b"data: ", b"data:", b"error: "]))
def test_each_payload_is_told_with_its_blank_line(every: list[bytes], end: bytes, field: bytes) -> None:
    decoder = SSEDecoder()
    for payload in every:
        block = b": wait" + end * 2 + b"event: x" + end + field + payload + end + end
        told = [found for at in range(len(block)) for found in decoder.feed(block[at : at + 1])]
        assert told == [payload]
    assert decoder.flush() == []


@given(st.binary(max_size=200), st.integers(1, 60), st.integers(1, 9))
def test_a_long_event_is_refused_and_nothing_else(stream: bytes, limit: int, size: int) -> None:
    decoder = SSEDecoder(max_bytes=limit)
    try:
        for at in range(0, len(stream), size):
            decoder.feed(stream[at : at + size])
    except UpstreamError:
        assert len(stream) > limit
    assert sum(map(len, decoder.flush())) <= limit + size


def test_what_waits_for_a_blank_line_has_a_limit() -> None:
    decoder = SSEDecoder(max_bytes=10)
    with pytest.raises(UpstreamError, match="more than 10 bytes"):
        decoder.feed(b"data: {12345")

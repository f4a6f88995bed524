"""The framing of HTTP bodies: whatever the pieces of the connection, the same body, and its end where it is."""

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.upstream.http.framing import ChunkedBody, CompressedBody, Framing, SizedBody, UnsizedBody
from translators.errors import UpstreamError


def fed(framing: Framing, data: bytes, cuts: list[int]) -> bytes:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return b"".join(framing.feed(data[start:end]) for start, end in pairwise(places) if end > start)


def chunked(chunks: list[bytes], form: bytes = b"%x", trailers: bytes = b"") -> bytes:
    lines = [b"%b\r\n%b\r\n" % (form % len(chunk), chunk) for chunk in chunks]
    return b"".join(lines) + b"0\r\n" + trailers + b"\r\n"


CHUNKS = st.lists(st.binary(min_size=1, max_size=40) | st.text("\r\n0a", min_size=1).map(str.encode), max_size=8)


@given(
    chunks=CHUNKS,
    form=st.sampled_from([b"%x", b"%X", b"%03x", b"%x;name=value"]),
    trailers=st.sampled_from([b"", b"X-Sum: 1\r\n", b"A: b\r\nC: d\r\n"]),
    cuts=st.lists(st.integers(min_value=0), max_size=12),
)
def test_a_chunked_body_is_its_chunks(chunks: list[bytes], form: bytes, trailers: bytes, cuts: list[int]) -> None:
    body = ChunkedBody()
    assert fed(body, chunked(chunks, form, trailers), cuts) == b"".join(chunks)
    assert body.over
    assert not body.overrun


@given(chunks=CHUNKS, behind=CHUNKS)
def test_what_follows_the_last_chunk_is_no_part_of_the_body(chunks: list[bytes], behind: list[bytes]) -> None:
    body = ChunkedBody()
    assert body.feed(chunked(chunks) + chunked(behind)) == b"".join(chunks)
    assert body.over
    assert body.overrun


@given(chunks=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4), missing=st.integers(1, 4))
def test_a_chunked_body_that_was_cut_is_not_over(chunks: list[bytes], missing: int) -> None:
    body = ChunkedBody()
    body.feed(chunked(chunks)[:-missing])
    assert not body.over


@given(cuts=st.lists(st.integers(min_value=0), max_size=12), trailers=st.sampled_from([b"", b"0: \r\n"]))
def test_what_looks_like_the_last_chunk_is_not_it_within_another(cuts: list[int], trailers: bytes) -> None:
    body, end = ChunkedBody(), b"0\r\n\r\n"
    assert fed(body, chunked([end, end], trailers=trailers), cuts) == end + end
    assert body.over


@given(data=st.binary(max_size=60), cuts=st.lists(st.integers(min_value=0), max_size=8))
def test_a_sized_body_ends_at_its_length(data: bytes, cuts: list[int]) -> None:
    body = SizedBody(len(data), not data)
    assert fed(body, data + b"the next answer", cuts) == data
    assert body.over


@pytest.mark.parametrize("size", [0, 4])
def test_a_sized_body_knows_what_came_after_it(size: int) -> None:
    body = SizedBody(4)
    body.feed(b"four"[:size])
    body.feed(b"four"[size:])
    assert not body.overrun
    body.feed(b"HTTP/1.1 408")
    assert body.overrun


def test_an_unsized_body_never_knows_its_end() -> None:
    body = UnsizedBody()
    assert body.feed(b"anything") == b"anything"
    assert not body.over


@pytest.mark.parametrize("line", [b"zz\r\n", b"\r\n", b"-5\r\nhello\r\n", b"1" * 5000])
def test_what_is_no_chunk_is_no_http(line: bytes) -> None:
    with pytest.raises(UpstreamError, match="not valid HTTP"):
        ChunkedBody().feed(line)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_body_or_an_upstream_error(data: bytes) -> None:
    try:
        ChunkedBody().feed(data)
    except UpstreamError:
        pass


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(min_value=0), max_size=8), gzipped=st.booleans())
def test_a_compressed_body_is_read_as_it_comes(data: bytes, cuts: list[int], gzipped: bool) -> None:
    body = gzip.compress(data) if gzipped else zlib.compress(data)
    compressed = CompressedBody(SizedBody(len(body)))
    assert fed(compressed, body, cuts) == data
    assert compressed.over
    assert not compressed.overrun


@given(
    pieces=st.lists(st.binary(max_size=50), min_size=1, max_size=5),
    cuts=st.lists(st.integers(min_value=0), max_size=8),
    padding=st.sampled_from([b"", bytes(8)]),
)
def test_pieces_that_are_compressed_one_by_one(pieces: list[bytes], cuts: list[int], padding: bytes) -> None:
    body = b"".join(map(gzip.compress, pieces)) + padding
    compressed = CompressedBody(SizedBody(len(body)))
    assert fed(compressed, body, cuts) == b"".join(pieces)
    assert compressed.over


def test_members_that_unfold_to_too_much_together() -> None:
    body = gzip.compress(bytes(9 * 1024 * 1024)) * 2
    with pytest.raises(UpstreamError):
        CompressedBody(SizedBody(len(body))).feed(body)


@pytest.mark.parametrize("body", [b"plainly not compressed", zlib.compress(bytes(17 * 1024 * 1024))])
def test_what_unfolds_to_nothing_or_too_much(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        CompressedBody(SizedBody(len(body))).feed(body)

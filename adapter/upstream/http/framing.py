"""How the end of an HTTP/1.1 body is known: chunks, a length, or the end of the connection.

`feed` takes bytes of the connection and returns those of the body; `over` tells that the body is complete. Chunked
bodies are what every streaming provider sends, so their way is short: usually one chunk is one read. RFC 9112 §7.1.
"""

import zlib
from typing import Final

from translators.errors import UpstreamError

_LONGEST_SIZE_LINE: Final = 4096
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
"""zlib's way to say: whichever of the two the first bytes are."""
_MOST_AT_ONCE: Final = 16 * 1024 * 1024
"""Bytes that one read may unfold to."""


class ChunkedBody:
    """`Transfer-Encoding: chunked`; trailers are read over."""

    ends_with_connection = False
    __slots__ = ("_held", "_missing", "_trailers", "over")

    def __init__(self) -> None:
        self.over = False
        self._held = b""
        """The begun line of a chunk's size."""
        self._missing = 0
        """Bytes of the current chunk that are to come, with its line end."""
        self._trailers = False

    def feed(self, data: bytes) -> bytes:
        if not (self._missing or self._held or self._trailers):
            end = data.find(b"\r\n", 0, 20)
            if end > 0 and _size(data[:end]) == len(data) - end - 4 > 0:
                return data[end + 2 : -2]  # one read, one chunk
        return self._feed(data)

    def _feed(self, data: bytes) -> bytes:
        if self._held:
            data = self._held + data
            self._held = b""
        body: list[bytes] = []
        position = 0 if self._missing or self._trailers else _whole_chunks(data, body)
        while position < len(data) and not self.over:
            if self._missing:
                position = self._take(data, position, body)
                continue
            end = data.find(b"\r\n", position)
            if end < 0:
                self._held = data[position:]
                if len(self._held) > _LONGEST_SIZE_LINE:
                    raise UpstreamError("The provider's answer is not valid HTTP.")
                break
            self._line(data[position:end])
            position = end + 2
        return body[0] if len(body) == 1 else b"".join(body)

    def _take(self, data: bytes, position: int, body: list[bytes]) -> int:
        end = min(position + self._missing, len(data))
        self._missing -= end - position
        payload_end = end - max(0, 2 - self._missing)  # without what is here of the chunk's line end
        if payload_end > position:
            body.append(data[position:payload_end])
        return end

    def _line(self, line: bytes) -> None:
        if self._trailers:
            self.over = not line
            return
        size = _size(line.split(b";", 1)[0].strip())
        if size is None:
            raise UpstreamError("The provider's answer is not valid HTTP.")
        if size:
            self._missing = size + 2
        else:
            self._trailers = True


def _whole_chunks(data: bytes, body: list[bytes]) -> int:
    """Take the plain chunks at the beginning of data that are there to their end; return the position behind them."""
    position = 0
    while (end := data.find(b"\r\n", position, position + 20)) > 0:
        size = _size(data[position:end])
        if not size or end + size + 4 > len(data):
            break
        body.append(data[end + 2 : end + 2 + size])
        position = end + size + 4
    return position


def _size(line: bytes) -> int | None:
    """Return the size in a chunk's first line; None if it is none. `int` alone would take signs and underscores."""
    try:
        return int(line, 16) if line.isalnum() else None
    except ValueError:
        return None


class SizedBody:
    """`Content-Length`."""

    ends_with_connection = False
    __slots__ = ("_missing", "over")

    def __init__(self, length: int) -> None:
        self._missing = length
        self.over = length == 0

    def feed(self, data: bytes) -> bytes:
        data = data[: self._missing]
        self._missing -= len(data)
        self.over = self._missing == 0
        return data


class UnsizedBody:
    """Neither: the body ends with the connection, so nobody can tell whether it is whole."""

    over = False
    ends_with_connection = True

    def feed(self, data: bytes) -> bytes:
        return data


class Inflated:
    """A body within another's framing that is compressed (gzip or zlib), although nobody asked for that."""

    __slots__ = ("_framing", "_inflater")

    def __init__(self, framing: ChunkedBody | SizedBody | UnsizedBody) -> None:
        self._framing = framing
        self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)

    @property
    def over(self) -> bool:
        return self._framing.over

    @property
    def ends_with_connection(self) -> bool:
        return self._framing.ends_with_connection

    def feed(self, data: bytes) -> bytes:
        try:
            body = self._inflater.decompress(self._framing.feed(data), _MOST_AT_ONCE)
        except zlib.error:
            raise UpstreamError("The provider's answer is not compressed as it says.") from None
        if self._inflater.unconsumed_tail:
            raise UpstreamError("The provider's answer is larger than this adapter's limits allow.")
        return body


Framing = ChunkedBody | SizedBody | UnsizedBody | Inflated

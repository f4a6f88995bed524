"""The framing of an HTTP/1.1 body, which says where it ends: chunks, a length, or the end of the connection.

`feed` takes bytes from the connection and returns those of the body; `over`: the body is complete; `overrun`: more has
come with its end, to which no request belongs, so the connection must not be used again. Every streaming provider sends
chunked bodies, so what most of them send has a fast path: one read is one chunk, or all of it is chunks without a line
end in them.
Source: RFC 9112 §6, §7.1.
"""

import re
import zlib
from typing import ClassVar, Final

from msgspec import Struct

from translators.errors import UpstreamError, answer_too_large

_MAX_SIZE_LINE_BYTES: Final = 4096
"""Of the line with a chunk's size and extensions, which no provider sends."""
_LAST_CHUNK: Final = b"0\r\n\r\n"
"""As it mostly comes: whole, and without trailers."""
_LINE_END: Final = re.compile(rb"\r\n")
"""`re` splits at two bytes in 0.6 of the time that `bytes.split` needs."""
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
"""Window bits with which zlib detects either format. Source: Python docs, zlib: decompress."""
_GZIP_MAGIC: Final = b"\x1f"
"""The first byte of a member, which may come by itself."""
_MAX_INFLATED_BYTES: Final = 16 * 1024 * 1024
"""From one read of 64 KB, so that a compression bomb (1 : 1000) cannot fill the memory."""


def invalid_http() -> UpstreamError:
    return UpstreamError("The provider's answer is not valid HTTP.", cause="broken")


class ChunkedBody(Struct, eq=False):
    """`Transfer-Encoding: chunked`; trailers are ignored."""

    ends_with_connection: ClassVar = False
    over: bool = False
    overrun: bool = False
    _line: bytes = b""
    """The incomplete line with a chunk's size."""
    _missing: int = 0
    """Bytes of the current chunk still to come, with its line end."""
    _trailers: bool = False

    def feed(self, data: bytes) -> bytes:
        if not (self._missing or self._line or self._trailers):
            end = data.find(b"\r\n", 0, 20)
            size = len(data) - end - 4
            if size > 0 and data[:end] == b"%x" % size:
                return data[end + 2 : -2]  # one read, one chunk
        return self._feed(data)

    def _feed(self, data: bytes) -> bytes:
        if self._line:
            data = self._line + data
            self._line = b""
        body: list[bytes] = []
        position = self._take(data, 0, body) if self._missing else 0
        if not (self._missing or self._trailers):
            position = _whole_chunks(data, position, body)
            if data.startswith(_LAST_CHUNK, position):
                self.over = True
                position += len(_LAST_CHUNK)
        while position < len(data) and not self.over:
            if self._missing:
                position = self._take(data, position, body)
                continue
            end = data.find(b"\r\n", position)
            if end < 0:
                self._line = data[position:]
                if len(self._line) > _MAX_SIZE_LINE_BYTES:
                    raise invalid_http()
                break
            self._read_line(data[position:end])
            position = end + 2
        self.overrun = self.over and position < len(data)
        return body[0] if len(body) == 1 else b"".join(body)

    def _take(self, data: bytes, position: int, body: list[bytes]) -> int:
        end = min(position + self._missing, len(data))
        self._missing -= end - position
        payload_end = end - max(0, 2 - self._missing)  # without the part of the chunk's line end that is here
        if payload_end > position:
            body.append(data[position:payload_end])
        return end

    def _read_line(self, line: bytes) -> None:
        if self._trailers:
            self.over = not line
            return
        size = _size(line.split(b";", 1)[0].strip())
        if size is None:
            raise invalid_http()
        if size:
            self._missing = size + 2
        else:
            self._trailers = True


def _whole_chunks(data: bytes, position: int, body: list[bytes]) -> int:
    """Append the complete chunks that begin at `position` to `body`; return the position after them.

    Appends all or none: none if a size has another form than providers give it, or a chunk has line ends in it.
    """
    lines = _LINE_END.split(data[position:])
    chunks = lines[1:-1:2]
    if chunks and not chunks[-1]:
        chunks.pop()  # the last chunk of all, which is empty
    count = len(chunks)
    if not all(chunks) or b"%b " * count % (*lines[: 2 * count : 2],) != b"%x " * count % (*map(len, chunks),):
        return position
    body += chunks
    return len(data) - len(b"\r\n".join(lines[2 * count :]))


def _size(line: bytes) -> int | None:
    """Return the size in a chunk's first line; None: invalid. `int` alone would accept signs and underscores."""
    try:
        return int(line, 16) if line.isalnum() else None
    except ValueError:
        return None


class SizedBody(Struct, eq=False):
    """`Content-Length`."""

    ends_with_connection: ClassVar[bool] = False

    _missing: int
    over: bool = False
    overrun: bool = False

    def feed(self, data: bytes) -> bytes:
        self.overrun = len(data) > self._missing
        data = data[: self._missing]
        self._missing -= len(data)
        self.over = self._missing == 0
        return data


class UnsizedBody:
    """Neither: the body ends with the connection, so whether it is complete cannot be known."""

    over = False
    overrun = False
    ends_with_connection = True

    def feed(self, data: bytes) -> bytes:
        return data


class CompressedBody:
    """A compressed body (gzip or zlib) in another framing. The adapter asks for none, but some gateways send it.

    One that compresses each piece by itself sends several members of gzip. What else follows a member is ignored.
    Source: RFC 1952 §2.2.
    """

    __slots__ = ("_framing", "_inflater")

    def __init__(self, framing: ChunkedBody | SizedBody | UnsizedBody) -> None:
        self._framing = framing
        self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)

    @property
    def over(self) -> bool:
        return self._framing.over

    @property
    def overrun(self) -> bool:
        return self._framing.overrun

    @property
    def ends_with_connection(self) -> bool:
        return self._framing.ends_with_connection

    def feed(self, data: bytes) -> bytes:
        data = self._framing.feed(data)
        pieces: list[bytes] = []
        room = _MAX_INFLATED_BYTES
        while data and (not self._inflater.eof or data.startswith(_GZIP_MAGIC)):
            if self._inflater.eof:
                self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
            try:
                piece = self._inflater.decompress(data, room)
            except zlib.error:
                raise UpstreamError("The provider's answer is not compressed as its headers say.") from None
            room -= len(piece)
            if self._inflater.unconsumed_tail or not room:
                raise answer_too_large(retry=True)
            pieces.append(piece)
            data = self._inflater.unused_data
        return b"".join(pieces)


Framing = ChunkedBody | SizedBody | UnsizedBody | CompressedBody

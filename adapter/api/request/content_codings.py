"""Compressed request bodies: zstd, gzip and deflate, one coding at a time.

A few bytes can decode to gigabytes, so a body is decoded in slices that are small enough for their coding's highest
ratio, and the decoding ends when the limit is passed: what lies beyond is never in memory. The window of a zstd frame,
which its header reserves, is limited as HTTP has it. A body may consist of several frames (gzip: members).
Codex sends zstd when it is logged in with ChatGPT.
Source: RFC 9110 §8.4.1; RFC 8878 §3.1; RFC 9659; RFC 1952 §2.2; openai/codex#41662.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

from zstandard import ZstdDecompressor, ZstdError

from adapter.event_loop.turn import await_next_turn
from translators.errors import RequestError, shorten

ACCEPTED: Final = "zstd, gzip, deflate"
"""As the header Accept-Encoding lists them."""

_MAX_WINDOW_BYTES: Final = 8 << 20
"""Source: RFC 9659 §3."""
_MAX_FRAMES: Final = 1000
"""Of one body. Compressors that work in parallel make some dozens; millions of empty ones would cost seconds."""
_WORK_BETWEEN_PAUSES: Final = 1 << 20
"""Decoded bytes after which other requests get their turn, or as much work that decodes to nothing."""
_WORK_OF_ENCODED_BYTE: Final = 16
_WORK_OF_FRAME: Final = 1 << 15


class TooLarge(Exception):
    """A body decodes to more bytes than allowed."""


class _Decoder(Protocol):
    """One frame. zlib and zstandard share these members."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: memoryview, /) -> bytes: ...


class _Coding(NamedTuple):
    slice_bytes: int
    """Of the encoded body, which decodes to 8 MB at most."""
    open_frame: Callable[[memoryview], _Decoder]
    """Return the decoder of the frame that begins with these bytes."""


def _open_zstd(_: memoryview) -> _Decoder:
    return ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES).decompressobj()


def _open_gzip(_: memoryview) -> _Decoder:
    return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)


def _open_deflate(start: memoryview) -> _Decoder:
    """Some clients leave out the zlib header. Source: RFC 9110 §8.4.1.2; RFC 1950 §2.2."""
    has_header = len(start) > 1 and start[0] & 15 == 8 and (start[0] << 8 | start[1]) % 31 == 0
    return zlib.decompressobj(wbits=zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


_GZIP: Final = _Coding(4 << 10, _open_gzip)  # deflate decodes to 1,032 times as much at most. Source: zlib
_CODINGS: Final[Mapping[str, _Coding]] = {
    "zstd": _Coding(256, _open_zstd),  # 4 bytes decode to 128 KB at most. Source: RFC 8878 §3.1.1.2
    "gzip": _GZIP,
    "x-gzip": _GZIP,
    "deflate": _Coding(4 << 10, _open_deflate),
}


def check_coding(encoding: str) -> None:
    """Raise RequestError (415) for a Content-Encoding that is not exactly one known coding."""
    if encoding not in _CODINGS:
        raise RequestError(
            f"Unsupported content encoding '{shorten(encoding)}'. Send the body uncompressed, or with one of "
            f"{ACCEPTED}.",
            code="unsupported_content_encoding",
            status=415,
        )


def decode_body(body: bytes, encoding: str, max_bytes: int, count: Callable[[int], None]) -> bytes:
    """Return a body decoded; raise TooLarge, or RequestError (400) if it is broken or ends early.

    `count` gets the size of each decoded piece, and may raise.
    """
    coding = _CODINGS[encoding]
    view = memoryview(body)
    pieces: list[bytes] = []
    size = position = frames = work = 0
    decoder: _Decoder | None = None
    while position < len(view):
        data = view[position : position + coding.slice_bytes]
        if decoder is None:
            frames += 1
            if frames > _MAX_FRAMES:
                raise _invalid(encoding, f"it has more than {_MAX_FRAMES} frames")
            decoder = coding.open_frame(data)
            work += _WORK_OF_FRAME
        try:
            piece = decoder.decompress(data)
        except (zlib.error, ZstdError) as error:
            raise _invalid(encoding, str(error)) from None
        size += len(piece)
        if size > max_bytes:
            raise TooLarge
        count(len(piece))
        pieces.append(piece)
        position += len(data)
        if decoder.eof:
            position -= len(decoder.unused_data)
            decoder = None
        work += len(piece) + len(data) * _WORK_OF_ENCODED_BYTE
        if work >= _WORK_BETWEEN_PAUSES:
            work = 0
            await_next_turn()
    if decoder is not None:
        raise _invalid(encoding, "it ends early")
    return b"".join(pieces)


def _invalid(encoding: str, reason: str) -> RequestError:
    return RequestError(
        f"The request body could not be decoded as '{encoding}': {reason}.", code="invalid_content_encoding"
    )

"""Contents as the spool has them: cut to what a person can use, free of secrets, packed and compressed.

Base64 of images and files is replaced by its size and digest, sealed reasoning cut to its first characters. Secrets
become asterisks, as many as they have characters, so that every length stays right.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec
import zstandard
from msgspec import Struct

from adapter.telemetry.inspector.recording import Contents
from translators.wire import encode

_LONG_BYTES: Final = 2048
_BASE64: Final = re.compile(rb"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/=_-]{%d,}" % _LONG_BYTES)
"""Of images, audio and files: no word of a text is as long."""
_SAMPLE_BYTES: Final = 64
_SAMPLE: Final = re.compile(rb"[A-Za-z0-9+/=_-]{%d}" % _SAMPLE_BYTES)
_SEALED: Final = re.compile(rb'("encrypted_content":\s*"[^"\\]{16})[^"]+')
_CREDENTIALS: Final = {
    b'"authorization"': re.compile(rb'("authorization"\s*:\s*")((?:[^"\\]|\\.)*)'),
    b'"headers"': re.compile(rb'("headers"\s*:\s*\{)((?:\s*+"(?:[^"\\]|\\.)*+"\s*+[:,]?)*+)'),
    b'_url"': re.compile(
        rb'("(?:server|file)_url"\s*:\s*"(?:(?i:https?):(?:\\?/){2}[^/"?#@\\]*+(?=[/"?#\\]))?)((?:[^"\\]|\\.)*)'
    ),
}
"""Members of tools and files → what finds their values."""
_VALUE: Final = re.compile(rb'(:\s*")((?:[^"\\]|\\.)*)')
_BEARER: Final = re.compile(rb"(?i)(bearer +)([A-Za-z0-9._~+/=-]{16,})")
CUT: Final = b"[left out by the inspector: "
"""Begins what is in the place of base64."""
_compressor: Final = zstandard.ZstdCompressor(level=3)
_AT_ONCE: Final = 1 << 20
"""Bytes, about, that are compressed at once."""
_decompress: Final = zstandard.ZstdDecompressor().decompress
_encode: Final = msgspec.msgpack.Encoder().encode


class Part(Struct, array_like=True, omit_defaults=True):
    """Some of the contents of an exchange, in the order in which they came."""

    request: bytes | None = None
    """The request's body."""
    chats: list[tuple[int, bytes]] = []
    """Number of the attempt, and its chat request."""
    chunks: list[tuple[int, list[float], list[int], bytes]] = []
    """Number of the attempt, when bytes came, how many each time, and all of them."""
    error_bodies: list[tuple[int, bytes]] = []
    """Number of the attempt, and the body of its error."""
    events: list[bytes] = []
    """JSON of pairs: when, and the events of one batch."""
    response: bytes | None = None
    """JSON of the response, if it was not sent as events."""


_decode: Final = msgspec.msgpack.Decoder(Part).decode


def pack(contents: Contents, mask: Callable[[bytes], bytes]) -> bytes:
    """Return contents as a part, without the secrets that `mask` finds; `compress` it."""
    part = Part(
        None if contents.request is None else _hide_credentials(_cut(contents.request)),
        [(number, _cut(json)) for number, json in contents.chats],
        [
            (number, came.times, list(map(len, came.data)), b"".join(came.data))
            for number, came in contents.chunks.items()
        ],
        contents.error_bodies,
        [_cut(b"[%b]" % b",".join(contents.events))] if contents.events else [],
        None if contents.response is None else _cut(encode(contents.response)),
    )
    return mask_tokens(mask(_encode(part)))


def compress(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield parts as the spool has them.

    Many are compressed at once: after each call the event loop's thread runs, and this one waits for its turn.
    """
    some: list[bytes] = []
    size = 0
    for part in parts:
        some.append(part)
        size += len(part)
        if size >= _AT_ONCE:
            yield from _compress(some)
            some, size = [], 0
    if some:
        yield from _compress(some)


def _compress(parts: list[bytes]) -> list[bytes]:
    compressed = _compressor.multi_compress_to_buffer([*parts])
    return [compressed[number].tobytes() for number in range(len(parts))]


def unpack(parts: Iterable[bytes]) -> Part:
    """Return the contents of an exchange from its parts."""
    whole = Part(chats=[], chunks=[], error_bodies=[], events=[])
    for packed in parts:
        part = _decode(_decompress(packed))
        whole.request = whole.request if part.request is None else part.request
        whole.response = whole.response if part.response is None else part.response
        whole.chats += part.chats
        whole.error_bodies += part.error_bodies
        whole.events += part.events
        whole.chunks += part.chunks
    return whole


def mask_tokens(data: bytes) -> bytes:
    """Return data with every token after `Bearer` masked, whatever it gives access to."""
    if b"earer " not in data and b"EARER " not in data:
        return data
    return _BEARER.sub(lambda found: found[1] + b"*" * len(found[2]), data)


def _cut(json: bytes) -> bytes:
    if b'"encrypted_content"' in json:
        json = _SEALED.sub(rb"\1...", json)
    return _BASE64.sub(_describe, json) if _may_have_base64(json) else json


def _may_have_base64(json: bytes) -> bool:
    """Whether there may be a long run of base64, which would cover a whole sample: a quick look."""
    samples = range(0, len(json) - _SAMPLE_BYTES, _LONG_BYTES - _SAMPLE_BYTES)
    return any(_SAMPLE.match(json, at) for at in samples)


def _hide_credentials(request: bytes) -> bytes:
    """Mask what a request says of tool servers and files: credentials, headers, and paths of URLs."""
    for name, pattern in _CREDENTIALS.items():
        if name in request:
            request = pattern.sub(_mask_values, request)
    return request


def _mask_values(found: re.Match[bytes]) -> bytes:
    """Return a member with asterisks for its value; of an object, for the values of its members."""
    before, value = found.groups()
    if not before.endswith(b"{"):
        return bytes(before + b"*" * len(value))
    return bytes(before + _VALUE.sub(lambda found: found[1] + b"*" * len(found[2]), value))


def _describe(found: re.Match[bytes]) -> bytes:
    digest = hashlib.sha256(found[0]).hexdigest()[:8]
    return b"%b%d characters, sha256 %b]" % (CUT, len(found[0]), digest.encode())

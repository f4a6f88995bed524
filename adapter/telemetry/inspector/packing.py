"""Recordings as the spool has them: many together, contents cut to what a person can use, all of it free of secrets.

One search for secrets, one compression and one row is enough for hundreds of short exchanges, which are much alike.
Base64 of images and files is replaced by its size and digest, sealed reasoning cut to its first characters. Secrets
become asterisks, as many as they have characters, so that every length stays right.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

import msgspec
import zstandard
from msgspec import Struct

from adapter.telemetry.inspector.recording import Contents, Taken
from adapter.telemetry.masks import contains
from translators.wire import encode

_LONG_BYTES: Final = 2048
_BASE64_BYTES: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-"
_BASE64: Final = re.compile(rb"(?<![%b])[%b]{%d,}" % (_BASE64_BYTES, _BASE64_BYTES, _LONG_BYTES))
"""Of images, audio and files: no word of a text is as long."""
_STEP: Final = 32
"""Between two bytes that are looked at first."""
_SAMPLES: Final = b"A" * (_LONG_BYTES // _STEP)
_AS_SAMPLES: Final = bytes(65 if byte in _BASE64_BYTES else 32 for byte in range(256))
"""What a byte of a sample says: whether it is base64."""
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
CUT: Final = b"[left out by the inspector: "
"""Begins what is in the place of base64."""
_compressor: Final = zstandard.ZstdCompressor(level=1)
_AT_ONCE: Final = 1 << 19
"""Bytes, about, that are compressed at once, and of a group: they stay in the processor's cache."""
decompress: Final = zstandard.ZstdDecompressor().decompress
_encode: Final = msgspec.msgpack.Encoder().encode


class Mask(Protocol):
    """Returns data without the server's secrets, the caller's key, if there is one, and what gives access elsewhere.

    Each is replaced by as many characters.
    """

    def __call__(self, data: bytes, bearer: str | None) -> bytes: ...


class Part(Struct):
    """Some of the contents of an exchange, in the order in which they came."""

    request: bytes | None = None
    """The request's body."""
    chats: list[tuple[int, bytes]] = []
    """Number of the attempt, and its chat request."""
    chunks: list[tuple[int, list[float], list[int], bytes]] = []
    """Number of the attempt, when bytes came, how many each time, and all of them."""
    error_bodies: list[tuple[int, bytes]] = []
    """Number of the attempt, and the body of its error."""
    events: list[tuple[list[float], list[int], bytes]] = []
    """When events went to the client, how many bytes each time, and all of them, as in `Contents`."""
    response: bytes | None = None
    """JSON of the response, if it was not sent as events."""


class _Layout(Struct, array_like=True):
    """The sizes of a part's texts, which follow each other in those of its group, each with a line's end."""

    id: str
    """Of the recording."""
    request: int | None = None
    chats: list[tuple[int, int]] = []
    chunks: list[tuple[int, list[float], list[int]]] = []
    error_bodies: list[tuple[int, int]] = []
    events: tuple[list[float], list[int]] | None = None
    response: int | None = None


_decode: Final = msgspec.msgpack.Decoder(list[_Layout]).decode


class _OfCaller:
    """What a group has of the recordings with one caller's key."""

    __slots__ = ("heads", "layouts", "texts")

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.layouts: list[_Layout] = []
        self.texts: list[bytes] = []


class Group:
    """Recordings that share a row."""

    def __init__(self, first: Taken, apart: Taken | None = None) -> None:
        self.apart = apart
        """The recording, if it has the row for itself."""
        self.at = first.at
        self.number = 0
        self.has_contents = False
        self._size = 0
        self._by_bearer: dict[str | None, _OfCaller] = {}
        self.add(first)

    def add(self, one: Taken) -> None:
        """Add what is new of a recording."""
        contents = one.contents
        own = self._by_bearer.get(one.bearer)
        if own is None:
            own = self._by_bearer[one.bearer] = _OfCaller()
        own.heads.append(one.head)
        self.number += 1
        self._size += len(one.head)
        if contents is not None:
            self.has_contents = True
            known = len(own.texts)
            own.layouts.append(_lay_out(one.id, contents, own.texts))
            self._size += sum(map(len, own.texts[known:]))

    @property
    def is_full(self) -> bool:
        return self._size >= _AT_ONCE

    def pack(self, mask: Mask) -> Iterator[bytes]:
        """Yield a line of JSON for each recording; if there are contents, their layouts, too, and their texts.

        Secrets are masked.
        """
        callers = self._by_bearer.items()
        yield b"\n".join([mask(b"\n".join(own.heads), bearer) for bearer, own in callers])
        if self.has_contents:
            yield _encode([one for _, own in callers for one in own.layouts])
            yield b"\n".join([mask(b"\n".join(own.texts), bearer) for bearer, own in callers if own.texts])


def compress(packed: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what is packed as the spool has it.

    Many are compressed at once: after each call the event loop's thread runs, and this one waits for its turn.
    """
    some: list[bytes] = []
    size = 0
    for one in packed:
        some.append(one)
        size += len(one)
        if size >= _AT_ONCE:
            yield from _compress(some)
            some, size = [], 0
    if some:
        yield from _compress(some)


def _compress(packed: list[bytes]) -> list[bytes]:
    compressed = _compressor.multi_compress_to_buffer([*packed])
    return [compressed[number].tobytes() for number in range(len(packed))]


def unpack(layouts: bytes, texts: bytes) -> Iterator[tuple[str, Part]]:
    """Yield the contents that a group has, with the ids of the recordings."""
    data = decompress(texts)
    at = 0

    def take(size: int) -> bytes:
        nonlocal at
        begin, at = at, at + size + 1
        return data[begin : begin + size]

    for layout in _decode(decompress(layouts)):
        yield layout.id, Part(
            None if layout.request is None else take(layout.request),
            [(number, take(size)) for number, size in layout.chats],
            [(number, times, sizes, take(sum(sizes))) for number, times, sizes in layout.chunks],
            [(number, take(size)) for number, size in layout.error_bodies],
            [] if layout.events is None else [(*layout.events, take(sum(layout.events[1])))],
            None if layout.response is None else take(layout.response),
        )


def join_parts(parts: Iterable[Part]) -> Part:
    """Return the contents of an exchange from its parts."""
    whole = Part(chats=[], chunks=[], error_bodies=[], events=[])
    for part in parts:
        whole.request = whole.request if part.request is None else part.request
        whole.response = whole.response if part.response is None else part.response
        whole.chats += part.chats
        whole.error_bodies += part.error_bodies
        whole.events += part.events
        whole.chunks += part.chunks
    return whole


def _lay_out(id: str, contents: Contents, texts: list[bytes]) -> _Layout:
    """Append the texts of contents, cut to what a person can use, to those of the group; return where they are."""
    layout, put = _Layout(id), texts.append
    if contents.request is not None:
        put(request := _hide_credentials(_cut(contents.request)))
        layout.request = len(request)
    for number, json in contents.chats:
        put(json := _cut(json))
        layout.chats.append((number, len(json)))
    for number, came in contents.chunks.items():
        put(b"".join(came.data))  # as one text: a secret may be in two of them
        layout.chunks.append((number, came.times, [*map(len, came.data)]))
    for number, body in contents.error_bodies:
        put(body)
        layout.error_bodies.append((number, len(body)))
    if (sent := contents.events) is not None:
        data, whole = sent.data, b"".join(sent.data)
        if (cut := _cut(whole)) is not whole:
            data = [_cut(piece) for piece in data]
            cut = b"".join(data)
        put(cut)
        layout.events = sent.times, [*map(len, data)]
    if contents.response is not None:
        put(response := _cut(encode(contents.response)))
        layout.response = len(response)
    return layout


def _cut(json: bytes) -> bytes:
    """Return JSON without what is long and means nothing to a person; mostly that is the same object."""
    if contains(json, b'"encrypted_content"'):
        json = _SEALED.sub(rb"\1...", json)
    return _BASE64.sub(_describe, json) if _may_have_base64(json) else json


def _may_have_base64(json: bytes) -> bool:
    """Whether there may be a long run of base64, which would have so many samples: a quick look."""
    return len(json) >= _LONG_BYTES and contains(json[::_STEP].translate(_AS_SAMPLES), _SAMPLES)


def _hide_credentials(request: bytes) -> bytes:
    """Mask what a request says of tool servers and files: credentials, headers, and paths of URLs."""
    for name, pattern in _CREDENTIALS.items():
        if contains(request, name):
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

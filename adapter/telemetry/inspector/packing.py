"""Recordings as the spool has them: many together, all of it free of secrets.

What ends is put into groups in the event loop, some dozens at a time, and from then on is a few long texts: many small
objects that wait to be written would cost more. One search for secrets, one compression and one row is enough for
hundreds of short exchanges, which are much alike. Secrets become asterisks, as many as they have characters, so that
every length stays right.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, Protocol

import msgspec
import zstandard
from msgspec import Struct

from adapter.telemetry.inspector.cuts import cut, may_be_cut, names_credentials
from adapter.telemetry.inspector.heads import Origin, Step, is_over
from adapter.telemetry.inspector.recording import CHAT, CHUNK, ERROR, EVENT, REQUEST, Piece, Recording

_LONG_LINE_BYTES: Final = 4096
"""Of a line: callers and providers choose the length of names and messages, and lists have thousands of lines."""
_MAX_CHARACTERS: Final = 1000
"""Of a text in a longer line."""
_HUGE_LINE_BYTES: Final = 1 << 16
"""On average of the lines that wait together to be written."""
_MAX_WAITING_CHARACTERS: Final = 1 << 14
"""Of a text in longer ones, in which secrets are still to be masked: one that is cut in two begins so late that nothing
of it remains."""
LINES_LEVEL: Final = -5
"""Of zstd, for lines: they are small whatever the level, and this one takes half the time."""
CONTENTS_LEVEL: Final = 1
_AT_ONCE: Final = 1 << 19
"""Bytes, about, that are compressed at once, and of a group: they stay in the processor's cache."""
_LITTLE: Final = 1 << 17
"""Bytes of a group to which more is added the next time: a larger one is one text, which need not be copied again."""
decompress: Final = zstandard.ZstdDecompressor().decompress
_encode_lines: Final = msgspec.json.Encoder().encode_lines
_any_steps: Final = msgspec.json.Decoder(list[list[Any]])
_text_of: Final = itemgetter(0, 1)
"""What pieces of one text have in common."""


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
    """The pieces of a recording's contents, which follow each other in the texts of its group."""

    id: str
    pieces: list[tuple[int, int, float, int]]
    """Kind, attempt and time of each, and its size. After those of one text, which a secret may cross, a line ends."""


_decode_lines: Final = msgspec.json.Decoder(_Layout).decode_lines


class _OfCaller:
    """What a group has of the recordings with one caller's key."""

    __slots__ = ("data", "layouts", "lines", "shapes", "steps", "texts", "to_cut")

    def __init__(self) -> None:
        self.steps: list[list[Step]] = []
        """Of each recording."""
        self.shapes: list[_Layout] = []
        self.data: list[bytes] = []
        """Pieces, and ends of lines. These three are empty again when the group is settled."""
        self.lines: list[bytes] = []
        self.layouts: list[bytes] = []
        self.texts: list[bytes] = []
        self.to_cut = False
        """A request may have credentials of tool servers and files."""

    def add_contents(self, id: str, contents: list[Piece]) -> int:
        """Add what is new of the contents of a recording, in any order; return their size."""
        contents.sort(key=_text_of)
        pieces, data, size = [], self.data, 0
        text = contents[0][:2]
        for kind, number, time, piece in contents:
            if (kind, number) != text:
                text = kind, number
                data.append(b"\n")
            data.append(piece)
            pieces.append((kind, number, time, len(piece)))
            size += len(piece)
        data.append(b"\n")
        self.shapes.append(_Layout(id, pieces))
        if contents[0][0] == REQUEST:
            self.to_cut = self.to_cut or names_credentials(contents[0][3])
        return size

    def settle(self) -> int:
        """Make a few texts of what has been added; return the size of the lines."""
        steps, self.steps = self.steps, []
        try:
            lines = _encode_lines(steps)
        except UnicodeEncodeError:  # half of a surrogate pair, which no UTF-8 has; a request must not fail for it
            lines = _encode_lines(_with_texts(steps, _without_halves))
        if len(lines) > _HUGE_LINE_BYTES * len(steps):
            lines = _encode_lines(_with_texts(_any_steps.decode_lines(lines), _shorten_waiting))
        self.lines.append(lines)
        if self.shapes:
            self.layouts.append(_encode_lines(self.shapes))
            self.texts.append(b"".join(self.data))
            self.shapes, self.data = [], []
        return len(self.lines[-1])

    def pack_contents(self, bearer: str | None, mask: Mask) -> tuple[bytes, bytes]:
        """Return the layouts and the texts, these with secrets masked and without what is left out.

        They are masked first: a secret of which something is left out would not be found.
        """
        layouts, texts = b"".join(self.layouts), mask(b"".join(self.texts), bearer)
        if not (self.to_cut or may_be_cut(texts)):
            return layouts, texts
        at, shapes, data = 0, _decode_lines(layouts), []
        for shape in shapes:
            pieces = []
            for (kind, number), text in groupby(shape.pieces, _text_of):
                for *_, time, size in text:
                    data.append(cut(kind, texts[at : at + size]))
                    pieces.append((kind, number, time, len(data[-1])))
                    at += size
                data.append(b"\n")
                at += 1
            shape.pieces = pieces
        return _encode_lines(shapes), b"".join(data)


class Group:
    """Recordings that share a row."""

    __slots__ = ("_by_bearer", "at", "has_contents", "id", "is_last", "number", "origin", "part", "size")

    def __init__(self, first: Recording, origin: Origin) -> None:
        """`first`: one of them, which is still to be added. `origin`: of all of them, unless it has its own."""
        self.origin = first.origin or origin
        self.at = self.origin.epoch + first.began
        self.id = None if first.origin is None else first.id
        """Of the recording, if it has the row for itself."""
        self.part = first.parts
        """Which of its contents then are in the group."""
        self.is_last = is_over(first.steps)
        """Its exchange is over."""
        self.number = 0
        self.has_contents = False
        self.size = 0
        self._by_bearer: dict[str | None, _OfCaller] = {}

    def add(self, recording: Recording) -> None:
        """Add what is new of a recording; `settle` the group soon."""
        contents = recording.take()
        own = self._by_bearer.get(recording.bearer)
        if own is None:
            own = self._by_bearer[recording.bearer] = _OfCaller()
        own.steps.append(recording.steps)
        if contents:
            self.size += own.add_contents(recording.id, contents)
        self.number += 1

    def settle(self) -> None:
        """Make a few texts of what has been added."""
        for own in self._by_bearer.values():
            if own.steps:
                self.size += own.settle()
                self.has_contents = self.has_contents or bool(own.texts)

    def pack_lines(self, mask: Mask) -> bytes:
        """Return a line of JSON for each recording, its steps; secrets are masked."""
        callers = self._by_bearer.items()
        return b"".join([_mask_lines(b"".join(own.lines), bearer, mask) for bearer, own in callers])

    def pack_contents(self, mask: Mask) -> tuple[bytes, bytes]:
        """Return the layouts and the texts of the contents; secrets are masked."""
        packed = [own.pack_contents(bearer, mask) for bearer, own in self._by_bearer.items()]
        return b"".join([layouts for layouts, _ in packed]), b"".join([texts for _, texts in packed])


def gather(recordings: Iterable[Recording], groups: list[Group], origin: Origin) -> None:
    """Add what is new of recordings to the last of some groups, or to new ones; each that is apart has its own."""
    changed: list[Group] = []
    last: Group | None = None
    group = groups[-1] if groups and groups[-1].size < _LITTLE and groups[-1].origin == origin else None
    for recording in recordings:
        if group is None or recording.origin is not None or group.id is not None or group.size >= _AT_ONCE:
            group = Group(recording, origin)
            groups.append(group)
        if group is not last:
            changed.append(group)
            last = group
        group.add(recording)
    for group in changed:
        group.settle()


def compress(packed: Iterable[bytes], level: int) -> Iterator[bytes]:
    """Yield what is packed as the spool has it.

    Many are compressed at once: after each call the event loop's thread runs, and this one waits for its turn.
    """
    compressor = zstandard.ZstdCompressor(level)
    some: list[bytes] = []
    size = 0
    for one in packed:
        some.append(one)
        size += len(one)
        if size >= _AT_ONCE:
            yield from _compress(some, compressor)
            some, size = [], 0
    if some:
        yield from _compress(some, compressor)


def _compress(packed: list[bytes], compressor: zstandard.ZstdCompressor) -> list[bytes]:
    compressed = compressor.multi_compress_to_buffer([*packed])
    return [compressed[number].tobytes() for number in range(len(packed))]


def unpack(layouts: bytes, texts: bytes) -> Iterator[tuple[str, Part]]:
    """Yield the contents that a group has, with the ids of the recordings."""
    data, at = decompress(texts), 0
    for layout in _decode_lines(decompress(layouts)):
        part = Part(chats=[], chunks=[], error_bodies=[], events=[])
        for (kind, number), pieces in groupby(layout.pieces, _text_of):
            _, _, times, sizes = map(list, zip(*pieces, strict=True))
            begin, end = at, at + sum(sizes)
            text, at = data[begin:end], end + 1
            if kind == REQUEST:
                part.request = text
            elif kind == CHAT:
                part.chats.append((number, text))
            elif kind == CHUNK:
                part.chunks.append((number, times, sizes, text))
            elif kind == ERROR:
                part.error_bodies.append((number, text))
            elif kind == EVENT:
                part.events.append((times, sizes, text))
            else:
                part.response = text
        yield layout.id, part


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


def _mask_lines(lines: bytes, bearer: str | None, mask: Mask) -> bytes:
    """Return lines of JSON with secrets masked in their texts, and nowhere else; then long texts are shortened.

    Callers may have any key, also one that is the name of a member, or digits of a number: readers could not read on.
    """

    @cache
    def masked(text: str) -> str:
        return mask(text.encode(), bearer).decode("utf-8", "replace")

    if mask(lines, bearer) != lines:  # mostly not
        lines = _encode_lines(_with_texts(_any_steps.decode_lines(lines), masked))
    if not _may_have_long_line(lines):
        return lines
    return b"".join([
        _encode_lines(_with_texts([_any_steps.decode(line)], _shorten)) if _has_long_text(line) else line
        for line in lines.splitlines(keepends=True)
    ])  # fmt: skip


def _may_have_long_line(lines: bytes) -> bool:
    """Whether one may be so long: it would go through all of two blocks. Without a look at each line."""
    block = _LONG_LINE_BYTES // 2
    return any(lines.find(b"\n", at, at + block) < 0 for at in range(0, len(lines) - block, block))


def _has_long_text(line: bytes) -> bool:
    """Return whether a line has texts to be shortened; most that are long have many notes."""
    if len(line) <= _LONG_LINE_BYTES:
        return False
    return max(map(len, line.replace(b'\\"', b"__").split(b'"'))) > _MAX_CHARACTERS


def _with_texts(lines: Sequence[Sequence[Sequence[Any]]], change: Callable[[str], str]) -> list[list[list[Any]]]:
    """Return the steps of recordings with all texts changed, except for words that readers know.

    Those are the names of steps, and what was done: with contents, and according to notes.
    """
    return [
        [[name, *(values if name == "contents" else _with_changed(values, change))] for name, *values in steps]
        for steps in msgspec.to_builtins(lines)
    ]


def _with_changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: one if name == "action" else _with_changed(one, change) for name, one in value.items()}
    return [_with_changed(one, change) for one in value] if isinstance(value, (list, tuple)) else value


def _without_halves(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _shorten_waiting(text: str) -> str:
    return text[:_MAX_WAITING_CHARACTERS]


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"

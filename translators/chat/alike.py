"""Chunks that are alike: the same bytes but for one string.

Most chunks of a stream bring a piece of text, of thinking or of a call's arguments, and repeat all else. Where many
come in one read, a `ChunkPattern` is learned from one of them: the bytes of its event before and behind its string. An
event with the same bytes around another JSON string can bring nothing but another piece in the same place. So the
events behind it are split at these bytes, only the strings between them are decoded, all at once, and the stream
machine need not look at the members of each chunk.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from msgspec import DecodeError, Struct

from translators.chat.chunks import Choice, Chunk, Delta, FunctionDelta, ToolCallDelta, decode_chunk
from translators.wire import Decoder, NotJSON, encode

Place: TypeAlias = str | int
"""Where a delta has its piece: the name of a text member, or the index of the call whose arguments it continues."""

MIN_BYTES: Final = 4096
"""Of the events of one read among which it pays to look for chunks that are alike."""
_MIN_EVENTS: Final = 10
"""In the first `MIN_BYTES`; of longer events, a read has too few."""
_MAX_STARTS: Final = 4
"""Events from which a read may begin to be alike: those before them have the role, and the name of a call."""
_FIELD: Final = b"data: "
_BLANK_LINE: Final = b"\n\n"
_TEXTS: Final = ("content", "reasoning_content", "reasoning")
_decode_strings: Final = Decoder(list[str]).decode


class ChunkPattern(Struct, frozen=True, gc=False):
    """What events have around the string of a piece."""

    place: Place
    head: bytes
    tail: bytes
    """With the blank line."""

    def first_of(self, events: bytes) -> "tuple[AlikeChunks, bytes] | None":
        """Return the chunks of events up to one that does not fit, and the other events; None if none fits.

        Raises NotJSON.
        """
        head, tail = self.head, self.tail
        if not events.startswith(head):
            return None
        end = events.rfind(tail) + len(tail)  # without a tail, too early for any chunk to fit
        start, stop = len(head) - len(_FIELD), len(_BLANK_LINE) - len(tail)
        payloads = events[len(_FIELD) : end - len(_BLANK_LINE)].split(_BLANK_LINE + _FIELD)
        strings = [payload[start:stop] for payload in payloads]
        if events[:end] != b"%b%b%b" % (head, (tail + head).join(strings), tail):  # one of them does not fit
            around = head[len(_FIELD) :], tail[: -len(_BLANK_LINE)]
            strings = list(_fitting(payloads, *around))
            end = sum(map(len, strings)) + len(strings) * len(head + tail)
        if not strings:
            return None
        # JSON has no line end in a string, so none of these runs into the next: if as many come out, each is one string
        joined = b"\n,".join(strings)
        pieces = _decode_strings(b"[%b]" % joined)
        if len(pieces) != len(strings) or joined.count(b"\n") >= len(strings):
            raise DecodeError
        return AlikeChunks(self, pieces, strings), events[end:]

    def chunk(self, string: bytes) -> Chunk:
        """Return the chunk with a string."""
        return decode_chunk(b"%b%b%b" % (self.head[len(_FIELD) :], string, self.tail))


class AlikeChunks(Struct, frozen=True, gc=False):
    """Chunks that bring one piece each, in the same place, and nothing else."""

    _pattern: ChunkPattern
    pieces: list[str]
    _strings: list[bytes]
    """The pieces as JSON."""

    @property
    def place(self) -> Place:
        return self._pattern.place

    def chunks(self, start: int = 0) -> Iterator[Chunk]:
        """Return the chunks themselves, from one on."""
        return map(self._pattern.chunk, self._strings[start:])


class AlikeDecoder(Struct, eq=False):
    """Finds the chunks that are alike in one stream."""

    _pattern: ChunkPattern | None = None

    def decode(self, events: bytes) -> tuple[list[Chunk | AlikeChunks], bytes]:
        """Return the chunks of the first events, up to the end of those that are alike, and the other events.

        An event that is odd or whose chunk has no choices is among the others.
        """
        chunks: list[Chunk | AlikeChunks] = []
        if events.count(_BLANK_LINE, 0, MIN_BYTES) < _MIN_EVENTS:
            return chunks, events
        pattern = self._pattern
        try:
            for _ in range(_MAX_STARTS):
                if pattern is not None and (found := pattern.first_of(events)) is not None:
                    self._pattern = pattern
                    alike, events = found
                    chunks.append(alike)
                    break
                event, _, rest = events.partition(_BLANK_LINE)
                if not event.startswith(_FIELD) or b"\n" in event:
                    break
                payload = event[len(_FIELD) :]
                chunk = decode_chunk(payload)
                if not chunk.choices:
                    break
                chunks.append(chunk)
                events = rest
                place, piece = _find_piece(chunk.choices[0].delta)
                pattern = _learn(payload, chunk.choices[0], place, piece) if piece else None
        except NotJSON:
            pass
        return chunks, events


def _fitting(payloads: Iterable[bytes], head: bytes, tail: bytes) -> Iterator[bytes]:
    """Yield what payloads have between a head and a tail, up to the first that has others."""
    for payload in payloads:
        if not (payload.startswith(head) and payload.endswith(tail)):
            return
        yield payload[len(head) : -len(tail)]


def _learn(payload: bytes, choice: Choice, place: Place, piece: str) -> ChunkPattern | None:
    """Return the pattern of a payload with this choice; None if it would bring more than another piece there."""
    if choice.index:
        return None
    other = f"{piece}."
    head, _, tail = payload.partition(encode(piece))
    try:
        chunk = decode_chunk(b"%b%b%b" % (head, encode(other), tail))
    except NotJSON:
        return None  # the piece is written with other escapes
    if chunk != Chunk([Choice(choice.index, _delta(place, other))]):
        return None
    return ChunkPattern(place, _FIELD + head, tail + _BLANK_LINE)


def _find_piece(delta: Delta | None) -> tuple[Place, str]:
    """Return the first piece of a delta, and its place; "" if there is none."""
    if delta is not None:
        for name in _TEXTS:
            if isinstance(text := getattr(delta, name), str) and text:
                return name, text
        for call in delta.tool_calls if isinstance(delta.tool_calls, list) else ():
            if call.index is not None and call.function is not None and isinstance(call.function.arguments, str):
                return call.index, call.function.arguments
    return "", ""


def _delta(place: Place, piece: str) -> Delta:
    """Return a delta that brings a piece and nothing else."""
    if isinstance(place, int):
        return Delta(tool_calls=[ToolCallDelta(place, function=FunctionDelta(arguments=piece))])
    delta = Delta()
    setattr(delta, place, piece)
    return delta

"""Chunks that are alike: the same bytes but for one string.

Most chunks of a stream bring a piece of text, of thinking or of a call's arguments, and repeat all else. Where many
come in one read, a `ChunkPattern` is learned from one of them: the bytes before and behind its string. A payload with
the same bytes around another JSON string can bring nothing but another piece in the same place. So of the payloads
behind it only the strings are decoded, all at once, and the stream machine need not look at the members of each chunk.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

from msgspec import DecodeError, Struct

from translators.chat.chunks import Choice, Chunk, Delta, FunctionDelta, ToolCallDelta, decode_chunk
from translators.wire import Decoder, NotJSON, encode

Place: TypeAlias = str | int
"""Where a delta has its piece: the name of a text member, or the index of the call whose arguments it continues."""

MIN_ALIKE: Final = 16
"""Payloads of one read among which it pays to look for chunks that are alike."""
_MAX_STARTS: Final = 4
"""Payloads from which a read may begin to be alike: those before them have the role, and the name of a call."""
_TEXTS: Final = ("content", "reasoning_content", "reasoning")
_decode_strings: Final = Decoder(list[str]).decode


class AlikeChunks(Struct, frozen=True, gc=False):
    """Chunks that bring one piece each, in the same place, and nothing else."""

    place: Place
    pieces: list[str]
    _payloads: list[bytes]

    def chunks(self, start: int = 0) -> Iterator[Chunk]:
        """Return the chunks themselves, from one on."""
        return map(decode_chunk, self._payloads[start:])


class ChunkPattern(Struct, frozen=True, gc=False):
    """What payloads have around the string of a piece."""

    place: Place
    head: bytes
    tail: bytes

    def first_of(self, payloads: list[bytes]) -> AlikeChunks | None:
        """Return the chunks of payloads up to the first that does not fit; None if none fits. Raise NotJSON."""
        head, tail = self.head, self.tail
        start, end = len(head), -len(tail)
        strings: list[bytes] = []
        for payload in payloads:
            if not (payload.startswith(head) and payload.endswith(tail)):
                break
            strings.append(payload[start:end])
        if not strings:
            return None
        # JSON has no line end in a string, so none of these runs into the next: if as many come out, each is one string
        pieces = _decode_strings(b"[%b]" % b"\n,".join(strings))
        if len(pieces) != len(strings):
            raise DecodeError
        return AlikeChunks(self.place, pieces, payloads[: len(pieces)])


class AlikeDecoder(Struct, eq=False):
    """Finds the chunks that are alike in one stream."""

    _pattern: ChunkPattern | None = None

    def decode(self, payloads: list[bytes]) -> tuple[list[Chunk | AlikeChunks], int]:
        """Return the chunks of the first payloads, up to the end of those that are alike, and the number of payloads.

        A payload that is odd or has no choices is not among them.
        """
        chunks: list[Chunk | AlikeChunks] = []
        pattern = self._pattern
        try:
            for start in range(_MAX_STARTS):
                if pattern is not None and (alike := pattern.first_of(payloads[start:])) is not None:
                    self._pattern = pattern
                    chunks.append(alike)
                    return chunks, start + len(alike.pieces)
                chunk = decode_chunk(payloads[start])
                if not chunk.choices:
                    break
                chunks.append(chunk)
                place, piece = _find_piece(chunk.choices[0].delta)
                pattern = _learn(payloads[start], chunk.choices[0], place, piece) if piece else None
        except NotJSON:
            pass
        return chunks, len(chunks)


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
    return ChunkPattern(place, head, tail) if chunk == Chunk([Choice(choice.index, _delta(place, other))]) else None


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

"""The body of a provider's answer → events, whatever form the provider chose.

A stream that was asked for may come as a whole completion, and the other way round; some providers send an error page.
The first byte that is not white space or a byte order mark tells: `{` or `[` is JSON, `<` is a web page, anything else
server-sent events.
What cannot be read ends the response as failed; events already made are never lost.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from translators.chat.chunks import Chunk
from translators.errors import UpstreamError, answer_too_large
from translators.responses.events import Event
from translators.to_responses.buffered import BufferedAnswer
from translators.to_responses.deltas import decode_chunk, read_completion, with_flat_error
from translators.to_responses.sse import DONE, SSEDecoder
from translators.to_responses.stream import ResponseStream
from translators.to_responses.surrogates import SurrogateJoiner
from translators.wire import NotJSON

_BOM: Final = b"\xef\xbb\xbf"


class AnswerReader:
    """Feeds one answer's bytes to a stream machine, in any split."""

    def __init__(self, stream: ResponseStream | BufferedAnswer, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._start = b""
        """What came so far, while it does not tell the form."""
        self._body: EventStream | WholeBody | None = None

    @property
    def done(self) -> bool:
        """Whether nothing that may still come can change the response."""
        return self._stream.is_over or (self._body is not None and self._body.done)

    def feed(self, data: bytes) -> list[Event]:
        if self._body is None:
            data = (self._start + data).lstrip().removeprefix(_BOM).lstrip()
            if _BOM.startswith(data):
                self._start = data
                return []
            self._body = WholeBody(self._max_bytes) if data[:1] in b"{[<" else EventStream()
        events: list[Event] = []
        try:
            for chunk in self._body.feed(data):
                events += self._stream.feed(chunk)
        except UpstreamError as error:
            events += self._stream.fail(error)
        return events

    def finish(self, now: int) -> list[Event]:
        """Return the events of the answer's end; `now` is in Unix seconds."""
        events: list[Event] = []
        try:
            for chunk in self._body.flush() if self._body else ():
                events += self._stream.feed(chunk)
        except UpstreamError as error:
            events += self._stream.fail(error)
        return events + self._stream.finish(now, done=self._body is not None and self._body.done)


class EventStream:
    """Server-sent events, until `[DONE]`."""

    def __init__(self) -> None:
        self.done = False
        self._decoder = SSEDecoder()
        self._surrogates = SurrogateJoiner()
        self._waiting = self._surrogates.waiting

    def feed(self, data: bytes) -> Iterator[Chunk]:
        return iter(()) if self.done else self._chunks(self._decoder.feed(data))

    def flush(self) -> Iterator[Chunk]:
        """Yield what a last event without its blank line says; one that was cut off says nothing."""
        with suppress(UpstreamError):
            yield from self._chunks(self._decoder.flush())
        yield from self._surrogates.flush()

    def _chunks(self, payloads: list[bytes]) -> Iterator[Chunk]:
        for payload in payloads:
            if self.done:
                return
            if payload == DONE:
                self.done = True
            elif self._waiting:
                yield self._surrogates.read(payload)
            else:
                try:
                    chunk = decode_chunk(payload)
                except NotJSON:
                    chunk = self._surrogates.read(payload)
                yield chunk if chunk.choices else with_flat_error(chunk, payload)


class WholeBody:
    """One JSON body (or a web page in its place), complete when the connection says so."""

    def __init__(self, max_bytes: int) -> None:
        self.done = False
        self._pieces: list[bytes] = []
        self._room = max_bytes

    def feed(self, data: bytes) -> Iterator[Chunk]:
        self._room -= len(data)
        if self._room < 0:
            raise answer_too_large()
        self._pieces.append(data)
        return iter(())

    def flush(self) -> Iterator[Chunk]:
        self.done = True
        body = b"".join(self._pieces)
        if body[:1] == b"<":
            raise UpstreamError("The provider answered with a web page instead of JSON.")
        yield read_completion(body)

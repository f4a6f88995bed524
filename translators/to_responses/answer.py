"""The body of a provider's answer → events, whether it is a stream or one JSON body.

A request for a stream may be answered with a whole completion, and the other way round; some providers send an error
page. The first byte after white space and a byte order mark decides: `{`, `[` and `"` begin JSON, `<` a web page,
anything else server-sent events. A body that cannot be read ends the response as failed, after the events already made.
So does one that holds no answer, with the body's first words: they say more than that there was no answer.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Final

from msgspec import Struct

from translators.chat.alike import MIN_BYTES, AlikeChunks, AlikeDecoder
from translators.chat.chunks import Chunk, decode_chunk
from translators.errors import UpstreamError, answer_too_large
from translators.failures.bodies import read_error_body
from translators.responses.events import Event
from translators.to_responses.buffered import BufferedAnswer
from translators.to_responses.deltas import (
    begins_answer,
    first_words,
    not_an_answer,
    read_chunk,
    read_values,
    with_flat_error,
    without_deltas,
)
from translators.to_responses.sse import DONE, SSEDecoder, is_keep_alive, payloads_of
from translators.to_responses.stream import ResponseStream
from translators.to_responses.surrogates import SurrogateJoiner
from translators.wire import NotJSON

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""Of an answer in one JSON body: as much as a stream may hold (`stream.Limits`)."""
_BOM: Final = b"\xef\xbb\xbf"
_FIELDS: Final = (b"data:", b"event:", b"id:", b"retry:", b"error:", b":")
"""What begins a stream of server-sent events, unless a line of text precedes it."""
_LONGEST_FIELD: Final = max(map(len, _FIELDS))
_INNER_FRAME: Final = re.compile(rb"\A(?:data:\s*)+")
"""What a gateway leaves that puts the provider's events into its own."""
_WHOLE: Final = b'{[<"'
_MAX_QUOTED_BYTES: Final = 1024
"""Of a body that is no answer: more than an error message quotes, whatever of it is markup."""


class AnswerReader(Struct, eq=False):
    """Feeds one answer's bytes to a stream machine, in any split."""

    _stream: ResponseStream | BufferedAnswer
    _max_bytes: int = MAX_BODY_BYTES
    _start: bytes = b""
    """The first bytes, as long as they do not show what the body is."""
    _body: "EventStream | WholeBody | None" = None
    has_begun: bool = False
    """Whether `begin` has seen the beginning of the answer, or its end."""
    done: bool = False
    """Whether the rest of the body can no longer change the response."""

    def begin(self, data: bytes, *, is_last: bool = False) -> list[Event]:
        """Feed bytes until `has_begun`, b"" at the end of the body; raise UpstreamError for an error in its place.

        `is_last`: the body is known to end with these bytes, so that one in JSON can be read.
        """
        chunks = iter(self._read(data) if data else self._read_rest())
        if is_last and isinstance(self._body, WholeBody):
            chunks = iter(self._body.flush())
        first: list[Chunk | AlikeChunks] = []
        try:
            for chunk in chunks:
                self.has_begun = isinstance(chunk, AlikeChunks) or begins_answer(chunk)
                first.append(chunk)
                if self.has_begun:
                    break
        except UpstreamError:
            self._stream.feed(first)  # the usage that they may have counts, whatever follows
            raise
        events = self._stream.feed(chain(first, chunks))
        self.done = self._stream.is_over or (self._body is not None and self._body.done)
        if not self.has_begun and (not data or self.done):
            if not self._stream.has_answer:
                self._refuse_other()
            self.has_begun = True
        return events

    def feed(self, data: bytes) -> list[Event]:
        try:
            chunks = self._read(data) if self._body is None else self._body.feed(data)
        except UpstreamError as error:
            events = self._stream.fail(error)
        else:
            events = self._stream.feed(chunks)
        self.done = self._stream.is_over or (self._body is not None and self._body.done)
        return events

    def finish(self, now: int) -> list[Event]:
        """Return the events of the end of the answer; `now` is in Unix seconds."""
        events: list[Event] = []
        try:
            if not self.done:
                events += self._stream.feed(self._read_rest())
            if not self._stream.has_answer:
                self._refuse_other()
                if self._body is None:
                    raise UpstreamError("The provider's answer is empty.", status=502)
        except UpstreamError as error:
            events += self._stream.fail(error)
        self.done = True
        return events + self._stream.finish(now, done=self._body is not None and self._body.done)

    def _read(self, data: bytes) -> Iterable[Chunk | AlikeChunks]:
        """Return the chunks in bytes of the body."""
        if self._body is None:
            data = (self._start + data).lstrip().removeprefix(_BOM).lstrip()
            if _BOM.startswith(data) or (len(data) < _LONGEST_FIELD and _may_begin_field(data)):
                self._start = data
                return ()
            self._body = WholeBody(self._max_bytes) if data[:1] in _WHOLE else EventStream(data)
        return self._body.feed(data)

    def _read_rest(self) -> Iterable[Chunk]:
        """Return the chunks that the end of the body completes."""
        if self._body is None and self._start:
            self._body = EventStream(self._start)
        return self._body.flush() if self._body else ()

    def _refuse_other(self) -> None:
        """Raise UpstreamError for a body that has ended without an answer, if it holds something else."""
        if self._body is not None and self._body.unread:
            raise not_an_answer(self._body.unread)


def _may_begin_field(data: bytes) -> bool:
    return any(len(data) < len(field) and field.startswith(data) for field in _FIELDS)


class EventStream:
    """Server-sent events, until `[DONE]`."""

    def __init__(self, first: bytes) -> None:
        """`first` are the first bytes of the body."""
        self.done = False
        self.unread = b"" if first.startswith(_FIELDS) else first[:_MAX_QUOTED_BYTES]
        """Text before the first event, or the first payload without choices."""
        self._decoder = SSEDecoder()
        self._alike = AlikeDecoder()
        self._surrogates = SurrogateJoiner()
        self._waiting = self._surrogates.waiting

    def feed(self, data: bytes) -> Iterable[Chunk | AlikeChunks]:
        """Return the chunks that `data` completes; one that is odd is read in its turn, and so are all behind it."""
        chunks: list[Chunk | AlikeChunks] = []
        if self.done:
            return chunks
        events = self._decoder.complete(data)
        if self._waiting:
            return self._each_chunk(payloads_of(events))
        if len(events) >= MIN_BYTES:
            chunks, events = self._alike.decode(events)
        payloads = payloads_of(events)
        done = 0
        try:
            for payload in payloads:
                chunk = decode_chunk(payload)
                if not chunk.choices:
                    if chunk.choices is None:
                        break
                    self.unread = self.unread or payload
                chunks.append(chunk)
                done += 1
        except NotJSON:
            if payload == DONE:
                self.done = True
                return chunks
        return chunks if done == len(payloads) else chain(chunks, self._each_chunk(payloads[done:]))

    def flush(self) -> Iterator[Chunk]:
        """Yield the chunks of a last event without its blank line; one that was cut off is ignored."""
        with suppress(UpstreamError):
            yield from self._each_chunk(self._decoder.flush())
        yield from self._surrogates.flush()

    def _each_chunk(self, payloads: list[bytes]) -> Iterator[Chunk]:
        for payload in payloads:
            if self.done:
                break
            if payload == DONE:
                self.done = True
            elif self._waiting:
                yield from self._odd_chunks(payload)
            else:
                try:
                    chunk = decode_chunk(payload)
                except NotJSON:
                    yield from self._odd_chunks(payload)
                    continue
                yield chunk if chunk.choices else self._without_choices(chunk, payload)
        if self.done:
            yield from self._surrogates.flush()

    def _odd_chunks(self, payload: bytes) -> Iterator[Chunk]:
        """Yield the chunks of a payload that does not fit the types; one that keeps the connection alive has none."""
        payload = _INNER_FRAME.sub(b"", payload.strip())
        is_done = payload.strip(b'"') == DONE  # some gateways write it as JSON
        if is_done or is_keep_alive(payload):
            self.done = is_done
            if payload[:1].isdigit():  # quoted if nothing else comes
                self.unread = self.unread or payload
            return
        for value in read_values(payload):
            chunk = self._surrogates.read(value)
            yield chunk if chunk.choices else self._without_choices(chunk, value)
        self.done = self.done or payload.endswith(DONE)

    def _without_choices(self, chunk: Chunk, payload: bytes) -> Chunk:
        self.unread = self.unread or payload
        return with_flat_error(chunk, payload)


class WholeBody(Struct, eq=False):
    """One JSON body (or a web page or text in its place), complete when the connection says so."""

    _bytes_left: int
    _pieces: list[bytes] = []
    done: bool = False
    unread: bytes = b""
    """The body, to be quoted if it is no answer."""

    def feed(self, data: bytes) -> Iterable[Chunk]:
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise answer_too_large()
        self._pieces.append(data)
        return ()

    def flush(self) -> Iterable[Chunk]:
        """Return the completion, or each of several."""
        if self.done:
            return ()
        self.done = True
        body = self.unread = b"".join(self._pieces)
        if body[:1] == b"<":
            page = read_error_body(body)
            what = page.message.partition(":")[0].rstrip(".")  # the words begin with the title
            message = f"{what}: {first_words(body)}"
            raise UpstreamError(message, status=502, cause="answer", provider_error=page)
        try:
            completion = decode_chunk(body)
        except NotJSON:
            return (without_deltas(read_chunk(value)) for value in read_values(body))
        return (without_deltas(completion if completion.choices else with_flat_error(completion, body)),)

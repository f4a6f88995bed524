"""Events → `text/event-stream`.

A stream begins when the provider's status has arrived or the grace window (`grace_window`) is over, so early errors are
still HTTP errors. One batch of events is one write: all events from one read of the upstream leave together. In silence
a comment (`KEEP_ALIVE` in `responses/events.py`) satisfies proxies, and every second time a repeated
`response.in_progress` satisfies clients whose idle timer only data resets (Codex). Notes that arise after the headers
are comments ahead of the events with which they came. `[DONE]` ends the stream. The connection of a client that does
not read for too long is cut.

The events of a background response come as frames from the store, the same for every reader.
Source: WHATWG HTML, Server-sent events; OpenAI API reference, Streaming events; Codex CLI 0.169.
"""

import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Final, TypeAlias

from flask import Response

from adapter.api.notes_header import note_comment, notes_header
from adapter.event_loop.client_watch import ClientWatch
from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.event_loop.silence import Silence
from adapter.flow.exchange import Exchange
from adapter.flow.forwarding import Forwarding
from adapter.services import Services
from adapter.store.base import StoredResponse
from translators.responses.events import DONE, KEEP_ALIVE, TERMINAL, Event, sse_frame, sse_frames
from translators.responses.obfuscation import obfuscated_sse_frame
from translators.responses.request import CreateRequest

FramesWriter: TypeAlias = Callable[[Sequence[Event]], bytes]

CONTENT_TYPE: Final = "text/event-stream; charset=utf-8"
HEADERS: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""No cache stores a stream, and nginx does not buffer it. Source: nginx docs, proxy_buffering."""


def frame_writer(request: CreateRequest) -> Callable[[Event], bytes]:
    """Return the function that writes an event as a frame: with deltas padded to equal sizes, if the client asks."""
    return _obfuscated if request.stream_options.include_obfuscation else sse_frame


def frames_writer(request: CreateRequest) -> FramesWriter:
    """Return the function that writes several events as `frame_writer`'s does one."""
    return _obfuscated_frames if request.stream_options.include_obfuscation else sse_frames


def stream_events(exchange: Exchange, services: Services, frames: FramesWriter) -> Response:
    """Return the streamed answer of an exchange, which is closed with it; raise what fails before the stream begins."""
    body = begin_body(exchange, services, frames)
    exchange.watch.delay_headers()
    return _answer(body, notes_header(body.notes))


def begin_body(exchange: Exchange, services: Services, frames: FramesWriter) -> "ExchangeBody":
    """Return the body of the streamed answer, after the grace window; raise what fails before the stream begins."""
    try:
        exchange.await_status(services.settings.grace_window)
    except BaseException:
        exchange.close()
        raise
    return ExchangeBody(exchange, services, frames)


def resend_events(
    services: Services, stored: StoredResponse, after: int, watch: ClientWatch, headers: dict[str, str]
) -> Response:
    """Return the streamed answer with a background response's events whose `sequence_number` is above `after`."""
    return _answer(ResentBody(services, stored, after, watch), headers)


def stream_forwarded(forwarding: Forwarding, services: Services, content_type: str) -> Response:
    """Return the streamed answer of a forwarded request, which is closed with it."""
    body = ForwardedBody(forwarding, services)
    return Response(body, content_type=content_type, headers=HEADERS, direct_passthrough=True)


def _answer(body: "EventStreamBody", headers: dict[str, str]) -> Response:
    return Response(body, content_type=CONTENT_TYPE, headers=HEADERS | headers, direct_passthrough=True)


class EventStreamBody(ABC):
    """The body of one streamed answer."""

    def __init__(self, services: Services, watch: ClientWatch) -> None:
        self._watch = watch
        self._heartbeat = services.heartbeat
        self._keep_alive = services.settings.keep_alive
        self._write_timeout = services.settings.write_timeout
        self._stuck: float | None = None
        """Seconds, counted in ticks, that the server has been writing the last piece; None between two pieces."""
        self._pieces = self._write()
        self._heartbeat.add(self)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    @abstractmethod
    def _write(self) -> Generator[bytes]:
        """Yield the body in pieces; `_stuck` is 0.0 while one is written."""

    def tick(self) -> None:
        """Cut the connection of a client that has not read the last piece in time; called by the heartbeat."""
        if self._stuck is not None:
            self._stuck += TICK_SECONDS
            if self._stuck > self._write_timeout:
                self._watch.abort()

    def close(self) -> None:
        self._heartbeat.remove(self)
        self._pieces.close()


class ExchangeBody(EventStreamBody):
    """Events as an exchange makes them."""

    def __init__(self, exchange: Exchange, services: Services, frames: FramesWriter) -> None:
        self.notes = exchange.notes
        """Those that the client knows: at first the header's."""
        self._answer_notes = exchange.answer_notes
        self._answer_notes.has_news = False
        self._exchange = exchange
        self._frames = frames
        self._record = exchange.record
        self.has_ended = False
        """The next piece is the last one, or it has been yielded."""
        self._silence = Silence(services.settings.keep_alive)
        self.send_now: Callable[[bytes], bool] | None = None
        """Sends a piece of the body at once, in the event loop, and returns False if the client has to read before it
        gets more; `b""` is then the next piece. None: every piece is yielded. Set it before the first piece.
        """
        self._must_read = False
        super().__init__(services, exchange.watch)

    def _deliver(self, events: list[Event]) -> bool:
        """Send events without a switch to the greenlet that writes the body."""
        self._silence.seconds = 0.0
        assert self.send_now is not None
        data = self._frames(events)
        if self._record is not None:
            self._record(data)
        if self.send_now(self._news() + data if self._answer_notes.has_news else data):
            return True
        self._must_read = True
        return False

    def _write(self) -> Generator[bytes]:
        silence = self._silence
        comment_next = True
        frames, record = self._frames, self._record
        batches = self._exchange.events(self._deliver if self.send_now else None)
        try:
            for events in batches:
                if self._must_read:
                    self._must_read = False
                    data = b""
                elif events:
                    data = frames(events)
                    if record is not None:
                        record(data)
                    if self._answer_notes.has_news:
                        data = self._news() + data
                    if isinstance(events[-1], TERMINAL):
                        if self._exchange.notes != self.notes:  # other requests to a provider have other notes
                            data = self._news() + data
                        data += DONE
                        self.has_ended = True
                elif silence.tick():
                    data = KEEP_ALIVE
                    if not comment_next:
                        data = frames(self._exchange.still_running())
                        if record is not None:
                            record(data)
                    comment_next = not comment_next
                else:
                    continue
                self._stuck = silence.seconds = 0.0
                yield data
                self._stuck = None
        finally:
            batches.close()

    def _news(self) -> bytes:
        """Return comments with the notes that the client does not know yet."""
        self._answer_notes.has_news = False
        known, self.notes = self.notes, self._exchange.notes
        return b"".join([note_comment(note) for note in self.notes if note not in known])

    def close(self) -> None:
        super().close()
        self._exchange.close()


class ForwardedBody(EventStreamBody):
    """The bytes of a provider's stream, as they come."""

    def __init__(self, forwarding: Forwarding, services: Services) -> None:
        self._forwarding = forwarding
        super().__init__(services, forwarding.watch)

    def _write(self) -> Generator[bytes]:
        with closing(self._forwarding.pieces()) as pieces:
            for data in pieces:
                self._stuck = 0.0
                yield data
                self._stuck = None

    def close(self) -> None:
        super().close()
        self._forwarding.close()


class ResentBody(EventStreamBody):
    """Events from the store. A reader that disconnects does not end the response."""

    def __init__(self, services: Services, stored: StoredResponse, after: int, watch: ClientWatch) -> None:
        self._frames = services.background.resend(stored.id, stored.tenant, after)
        super().__init__(services, watch)

    def _write(self) -> Generator[bytes]:
        last_write = time.monotonic()  # the pauses between two reads of the store differ, and are not ticks
        with closing(self._frames) as frames:
            for data in frames:
                if not data:
                    if self._watch.disconnected():
                        return
                    if time.monotonic() - last_write < self._keep_alive:
                        continue
                    data = KEEP_ALIVE
                last_write = time.monotonic()
                self._stuck = 0.0
                yield data
                self._stuck = None


def _obfuscated(event: Event) -> bytes:
    return obfuscated_sse_frame(event, _random_text)


def _obfuscated_frames(events: Sequence[Event]) -> bytes:
    return b"".join(map(_obfuscated, events))


def _random_text(size: int) -> str:
    return secrets.token_urlsafe(size)[:size]

"""Events → `text/event-stream`.

One batch of events is one write: what one read of the upstream brought leaves in one piece. In silence a comment keeps
proxies content and, every second time, a repeated `response.in_progress` the clients whose idle timer only data resets
(Codex). `[DONE]` ends the stream. A client that takes nothing for too long is hung up on.

The events of a background response come as frames, from the store; everybody who reads them gets the same.
"""

import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from flask import Response

from adapter.api.notes_header import notes_header
from adapter.event_loop.client_watch import ClientWatch
from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.flow.exchange import Exchange
from adapter.services import Services
from adapter.store.base import StoredResponse
from translators.responses.events import DONE, KEEP_ALIVE, TERMINAL, Event, frame
from translators.responses.obfuscation import obfuscated_frame
from translators.responses.request import CreateRequest

_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def frame_writer(request: CreateRequest) -> Callable[[Event], bytes]:
    """Return what makes frames of events: with deltas filled up to equal sizes, where the client wants that."""
    return _obfuscated if request.stream_options.include_obfuscation else frame


def stream_events(exchange: Exchange, services: Services, frame: Callable[[Event], bytes]) -> Response:
    """Return the streamed HTTP answer of an exchange, which is closed with it; raise what came before it began."""
    try:
        exchange.await_head(services.settings.grace_window)
    except BaseException:
        exchange.close()
        raise
    body = ExchangeBody(exchange, services, frame)
    exchange.watch.delay_headers()
    return _answer(body, notes_header(exchange.notes))


def resend_events(
    services: Services, stored: StoredResponse, after: int, watch: ClientWatch, headers: dict[str, str]
) -> Response:
    """Return the streamed HTTP answer that tells a background response's events behind number `after`."""
    return _answer(ResentBody(services, stored, after, watch), headers)


def _answer(body: "EventStreamBody", headers: dict[str, str]) -> Response:
    return Response(
        body, content_type="text/event-stream; charset=utf-8", headers=_HEADERS | headers, direct_passthrough=True
    )


class EventStreamBody(ABC):
    """The body of one streamed answer."""

    def __init__(self, services: Services, watch: ClientWatch) -> None:
        self._watch = watch
        self._heartbeat = services.heartbeat
        self._keep_alive = services.settings.keep_alive
        self._write_timeout = services.settings.write_timeout
        self._stuck: float | None = None
        """Seconds, counted in ticks, that the server has been writing the last piece; None between two pieces."""
        self._frames = self._write()
        self._heartbeat.add(self)

    def __iter__(self) -> Iterator[bytes]:
        return self._frames

    @abstractmethod
    def _write(self) -> Generator[bytes]:
        """Yield what goes out, in pieces; `_stuck` is 0.0 while one is written."""

    def tick(self) -> None:
        """Hang up on a client that has not taken the last piece in time; called by the heartbeat."""
        if self._stuck is not None:
            self._stuck += TICK_SECONDS
            if self._stuck > self._write_timeout:
                self._watch.abort()

    def close(self) -> None:
        self._heartbeat.remove(self)
        self._frames.close()


class ExchangeBody(EventStreamBody):
    """Events as an exchange makes them."""

    def __init__(self, exchange: Exchange, services: Services, frame: Callable[[Event], bytes]) -> None:
        self._exchange = exchange
        self._frame = frame
        super().__init__(services, exchange.watch)

    def _write(self) -> Generator[bytes]:
        quiet = 0.0
        comment_next = True
        frame = self._frame
        with closing(self._exchange.events()) as batches:
            for events in batches:
                if events:
                    data = frame(events[0]) if len(events) == 1 else b"".join(map(frame, events))
                    if isinstance(events[-1], TERMINAL):
                        data += DONE
                else:
                    quiet += TICK_SECONDS
                    if quiet < self._keep_alive:
                        continue
                    data = KEEP_ALIVE if comment_next else b"".join(map(frame, self._exchange.still_running()))
                    comment_next = not comment_next
                self._stuck = quiet = 0.0
                yield data
                self._stuck = None

    def close(self) -> None:
        super().close()
        self._exchange.close()


class ResentBody(EventStreamBody):
    """Events as the store has them; whether this client stays is nothing to their response."""

    def __init__(self, services: Services, stored: StoredResponse, after: int, watch: ClientWatch) -> None:
        self._pieces = services.background.resend(stored.id, stored.tenant, after)
        super().__init__(services, watch)

    def _write(self) -> Generator[bytes]:
        heard = time.monotonic()
        with closing(self._pieces) as pieces:
            for data in pieces:
                if not data:
                    if self._watch.disconnected():
                        return
                    if time.monotonic() - heard < self._keep_alive:
                        continue
                    data = KEEP_ALIVE
                heard = time.monotonic()
                self._stuck = 0.0
                yield data
                self._stuck = None


def _obfuscated(event: Event) -> bytes:
    return obfuscated_frame(event, _noise)


def _noise(size: int) -> str:
    return secrets.token_urlsafe(size)[:size]

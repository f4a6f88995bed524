"""Events → `text/event-stream`.

One batch of events is one write: what one read of the upstream brought leaves in one piece. In silence a comment keeps
proxies content and, every second time, a repeated `response.in_progress` the clients whose idle timer only data resets
(Codex). `[DONE]` ends the stream. A client that takes nothing for too long is hung up on.
"""

import secrets
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from flask import Response

from adapter.create import Exchange
from adapter.pulse import SECONDS
from adapter.services import Services
from translators.events import DONE, KEEP_ALIVE, TERMINAL, Event, frame
from translators.obfuscation import obfuscated_frame

_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def event_stream(exchange: Exchange, services: Services, *, obfuscate: bool) -> Response:
    """Return the streamed HTTP answer of an exchange, which is closed with it; raise what came before it began.

    `obfuscate`: fill the frames of deltas up to equal sizes.
    """
    try:
        exchange.await_head(services.settings.grace_window)
    except BaseException:
        exchange.close()
        raise
    return Response(
        EventStreamBody(exchange, services, _obfuscated if obfuscate else frame),
        content_type="text/event-stream; charset=utf-8",
        headers=_HEADERS | exchange.headers(),
        direct_passthrough=True,
    )


class EventStreamBody:
    """The body of one streamed answer."""

    def __init__(self, exchange: Exchange, services: Services, frame: Callable[[Event], bytes]) -> None:
        self._exchange = exchange
        self._frame = frame
        self._pulse = services.pulse
        self._keep_alive = services.settings.keep_alive
        self._write_timeout = services.settings.write_timeout
        self._stuck: float | None = None
        """Seconds, counted in beats, that the server has been writing the last piece; None between two pieces."""
        self._frames = self._write()
        self._pulse.join(self)

    def __iter__(self) -> Iterator[bytes]:
        return self._frames

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
                    quiet += SECONDS
                    if quiet < self._keep_alive:
                        continue
                    data = KEEP_ALIVE if comment_next else b"".join(map(frame, self._exchange.still_running()))
                    comment_next = not comment_next
                self._stuck = quiet = 0.0
                yield data
                self._stuck = None

    def beat(self) -> None:
        """Hang up on a client that has not taken the last piece in time; called by the pulse."""
        if self._stuck is not None:
            self._stuck += SECONDS
            if self._stuck > self._write_timeout:
                self._exchange.hang_up()

    def close(self) -> None:
        self._pulse.leave(self)
        self._frames.close()
        self._exchange.close()


def _obfuscated(event: Event) -> bytes:
    return obfuscated_frame(event, _noise)


def _noise(size: int) -> str:
    return secrets.token_urlsafe(size)[:size]

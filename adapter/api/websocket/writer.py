"""Write to a WebSocket, one batch of frames at a time; a client that takes too long to read one is disconnected."""

from typing import Any

from gevent.lock import Semaphore

from adapter.event_loop.client_watch import ClientWatch
from adapter.event_loop.heartbeat import TICK_SECONDS


class SocketWatch(ClientWatch, eq=False):
    """The client of a WebSocket; it has also disconnected when it has sent a close frame or a write has failed."""

    transport = "websocket"

    closed: bool = False

    def disconnected(self) -> bool:
        return self.closed or super().disconnected()


class SocketWriter:
    def __init__(self, socket: Any, watch: ClientWatch, timeout: float) -> None:
        self._socket = socket
        self._watch = watch
        self._timeout = timeout
        self._lock = Semaphore(1)
        self._stuck: float | None = None
        """Seconds, counted in ticks, that the current write has been waiting for the client; None: no write."""

    @property
    def is_writing(self) -> bool:
        return self._stuck is not None

    def write(self, data: bytes) -> None:
        """Write one batch of frames, not mixed with those of other greenlets; raise OSError for a lost client."""
        with self._lock:
            self._stuck = 0.0
            try:
                self._socket.settimeout(None)
                self._socket.sendall(data)
            finally:
                self._stuck = None

    def tick(self) -> None:
        """Cut the connection if the client has not read in time."""
        if self._stuck is not None:
            self._stuck += TICK_SECONDS
            if self._stuck > self._timeout:
                self._watch.abort()

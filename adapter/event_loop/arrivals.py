"""Wait for the bytes that arrive on one connection.

`receive` waits in the event loop and then reads once: whatever has arrived at a wake-up is one read, and many
connections share the loop fairly. While the connection is `watched`, the heartbeat ends a wait about once a second, so
that the caller can check its client's connection. A connection has the same `Arrivals`, with one watcher, until it is
closed, because making a watcher for each answer costs as much as reading it.
Source: docs/decisions/0001-read-the-socket.md.
"""

import socket
import ssl
from collections.abc import Callable
from typing import Final

import gevent.socket
from gevent.hub import Waiter, get_hub

from adapter.event_loop.heartbeat import Heartbeat

_READABLE: Final = 1
"""gevent's flag."""
_READ_BYTES: Final = 64 * 1024
"""Of one read: more than a chunk of any stream, and the usual size of a socket's buffer."""


class Arrivals:
    """What arrives on one connection, whose socket has the timeout 0. `close` it before the socket."""

    __slots__ = ("_heartbeat", "_pending", "_read", "_waiter", "_waits", "_watcher")

    def __init__(self, sock: socket.socket) -> None:
        hub = get_hub()
        self._watcher = hub.loop.io(sock.fileno(), _READABLE)
        self._waiter = Waiter(hub)
        self._waits = False
        self._heartbeat: Heartbeat | None = None
        # gevent's own `recv` only adds a wait, which is done here; that of a TLS socket decrypts.
        plain = sock._sock if type(sock) is gevent.socket.socket else sock  # type: ignore[attr-defined]
        self._read: Callable[[int], bytes] = plain.recv
        self._pending = sock.pending if isinstance(sock, ssl.SSLSocket) else None
        """Tells how many bytes the TLS layer has decrypted, of which waiting for the socket would not learn."""

    def watch(self, heartbeat: Heartbeat) -> None:
        """Let the heartbeat end the waits, until `unwatch` is called."""
        self._heartbeat = heartbeat
        heartbeat.add(self)

    def unwatch(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.remove(self)
            self._heartbeat = None

    def receive(self) -> bytes | None:
        """Return what has arrived, waiting if need be; b"" at the connection's end, None at a tick. Raises OSError."""
        while True:
            if not (self._pending is not None and self._pending()) and not self._wait():
                return None
            try:
                return self._read(_READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                continue

    def tick(self) -> None:
        """Wake the greenlet that waits; called by the heartbeat, in the event loop."""
        if self._waits:
            self._waits = False
            self._waiter.switch(False)

    def close(self) -> None:
        self.unwatch()
        self._watcher.close()

    def _wait(self) -> bool:
        """Wait until the socket is readable; return False at the next tick."""
        self._waits = True
        self._watcher.start(self._waiter.switch, True)
        try:
            return bool(self._waiter.get())
        finally:
            self._watcher.stop()
            self._waits = False
            self._waiter.clear()

"""Wait for the bytes that arrive on one connection.

`receive` waits in the event loop and then reads once: whatever has arrived at a wake-up is one read, and many
connections share the loop fairly. Its caller can take what arrives in the event loop, without being woken for each
read. The heartbeat ends a wait about once a second, so that the caller can check its client's connection. A connection
has the same `Arrivals`, with one watcher, until it is closed, because making a watcher for each answer costs as much as
reading it. Between two waits the watcher is left as it is, and stopped only when something arrives outside a wait.
Source: docs/decisions/0001-read-the-socket.md.
"""

import socket
import ssl
from collections.abc import Callable
from typing import Final, TypeAlias

from gevent.hub import Waiter, get_hub

from adapter.event_loop.heartbeat import Heartbeat
from adapter.event_loop.sockets import without_waits

_READABLE: Final = 1
"""gevent's flag."""
_READ_BYTES: Final = 64 * 1024
"""Of one read: more than a chunk of any stream, and the usual size of a socket's buffer."""


Take: TypeAlias = Callable[[bytes], bool]
"""Uses what has arrived, in the event loop: it must not wait. Returns False if the caller of `receive` has to know."""


class Arrivals:
    """What arrives on one connection, whose socket has the timeout 0. `close` it before the socket."""

    __slots__ = ("_data", "_error", "_heartbeat", "_pending", "_read", "_take", "_waiter", "_waits", "_watcher")

    def __init__(self, sock: socket.socket) -> None:
        hub = get_hub()
        self._watcher = hub.loop.io(sock.fileno(), _READABLE)
        self._waiter = Waiter(hub)
        self._waits = False
        self._take: Take | None = None
        self._heartbeat: Heartbeat | None = None
        self._data = b""
        self._error: BaseException | None = None
        self._read: Callable[[int], bytes] = without_waits(sock).recv
        self._pending = sock.pending if isinstance(sock, ssl.SSLSocket) else None
        """Tells how many bytes the TLS layer has decrypted, of which waiting for the socket would not learn."""

    def watch(self, heartbeat: Heartbeat) -> None:
        """Let the heartbeat end the waits."""
        self._heartbeat = heartbeat
        heartbeat.add(self)

    def receive(self, take: Take | None = None) -> bytes | None:
        """Return what has arrived, waiting if need be; b"" at the connection's end, None at a tick.

        `take` gets it first, and the wait goes on as long as it returns True. Raises OSError, and what `take` raises.
        """
        self._waits, self._take = True, take
        if self._pending is not None and self._pending():
            self._read_once()  # what it wakes this greenlet for ends the wait at once
        if not self._watcher.active:
            self._watcher.start(self._read_once)
        try:
            if not self._waiter.get():
                return None
        finally:
            self._waits, self._take = False, None
            self._waiter.clear()
        if self._error is None:
            data, self._data = self._data, b""
            return data
        error, self._error = self._error, None
        try:
            raise error
        finally:
            del error  # its traceback refers to this frame

    def tick(self) -> None:
        """Wake the greenlet that waits; called by the heartbeat, in the event loop."""
        if self._waits:
            self._waits = False
            self._waiter.switch(False)

    def close(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.remove(self)
        self._watcher.close()

    def _read_once(self) -> None:
        """Read what has arrived, and wake the greenlet in `receive` if it has to know; called in the event loop."""
        if not self._waits:
            self._watcher.stop()
            return
        take = self._take
        try:
            while True:
                data = self._read(_READ_BYTES)
                if not data or take is None or not take(data):
                    self._data = data
                    break
                if self._pending is None or not self._pending():
                    return
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except BaseException as error:
            self._error = error
        self._waiter.switch(True)

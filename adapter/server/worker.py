"""What is ours inside gunicorn: the worker class, and where gunicorn's own log lines go."""

import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from functools import lru_cache
from typing import Any, Final

import gevent.socket
from gevent import monkey
from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.workers.ggevent import GeventWorker

from adapter.event_loop.sockets import shut
from adapter.server.allocator import keep_freed_memory
from translators.errors import ProtocolError
from translators.wire import encode

_GC_THRESHOLDS: Final = (20_000, 20, 100)
"""A stream makes few cycles; collecting as often as Python does by default costs a worker some per cent of its time."""
_SWITCH_INTERVAL: Final = 0.001
"""Seconds that the store's thread waits for a busy event loop, at most; Python's own default is five times that."""
_READ: Final = 64 * 1024
_STOPS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_LAST_REQUEST: Final = 1.0
"""Seconds that a connection without a request is waited for, once the worker stops."""


def hold_stops() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)


def let_stops_through() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)


# A new worker that is told to stop before it has handlers of its own has to hear it then: the master says it once, and
# Python forgets what comes between the fork and the first step of the child.
os.register_at_fork(before=hold_stops, after_in_parent=let_stops_through)


class Worker(GeventWorker):
    """gunicorn's gevent worker, and what it lacks for streams: a way to stop that is quick and cuts no answer short.

    On SIGTERM it tells the application, and closes the connections on which no request is under way; else each
    kept-alive connection would hold the worker until the grace has run out.
    """

    @classmethod
    def setup(cls) -> None:
        """Make the standard library cooperative; gunicorn calls this before it loads the application.

        This runs in the master, which has to go on noticing by itself that a worker has died: what it does that with
        stays the system's own, and no worker needs the rest.
        """
        monkey.patch_all(signal=False, os=False, subprocess=False, queue=False)

    def patch(self) -> None:
        """Make the listening sockets cooperative; the standard library is."""
        self.sockets: list[Any] = [
            gevent.socket.socket(listener.FAMILY, socket.SOCK_STREAM, fileno=listener.sock.detach())
            for listener in self.sockets
        ]

    def init_process(self) -> None:
        self._connections: dict[gevent.Greenlet, socket.socket] = {}
        self._waiting: set[socket.socket] = set()
        gc.set_threshold(*_GC_THRESHOLDS)
        sys.setswitchinterval(_SWITCH_INTERVAL)
        keep_freed_memory()
        super().init_process()

    def run(self) -> None:
        services = self.wsgi.extensions["adapter"]
        try:
            services.start()
            super().run()
        finally:
            services.close(on_wait=self.notify)

    def init_signals(self) -> None:
        super().init_signals()
        let_stops_through()

    def handle(self, listener: socket.socket, client: socket.socket, addr: Any) -> None:
        if type(client) is gevent.socket.socket:  # not TLS
            client = ClientSocket(client.family, client.type, client.proto, fileno=client.detach())
        me = gevent.getcurrent()
        self._connections[me] = client
        try:
            super().handle(listener, client, addr)
        finally:
            del self._connections[me]

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Bound the wait for a connection's next request."""
        client = self._connections[gevent.getcurrent()]
        self._waiting.add(client)
        try:
            with gevent.Timeout(self.cfg.keepalive if self.alive else _LAST_REQUEST, False):
                yield
        finally:
            self._waiting.discard(client)

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        gevent.spawn(self._drain)  # a signal handler must not touch locks that the code it interrupts may hold

    def _drain(self) -> None:
        self.wsgi.extensions["adapter"].drain()
        for client in tuple(self._waiting):
            shut(client, socket.SHUT_RD)


class ClientSocket(gevent.socket.socket):
    """A client's connection, with fewer calls of the system for the same bytes.

    gunicorn reads 8 KB at a time, 35 reads for what a coding agent sends, and writes the head of an answer by itself;
    and gevent asks for the size of the send buffer before each write.
    """

    _corked: bytes | None = None
    """Data that waits for the next write; None: not corked."""

    def cork(self) -> None:
        """Delay the next write until the one after it, and send both together."""
        self._corked = b""

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return what is there, even if it is more than `size`: gunicorn keeps what it does not need yet."""
        data: bytes = super().recv(max(size, _READ), flags)
        return data

    def sendall(self, data: bytes, flags: int = 0) -> None:
        if self._corked is not None:
            if not self._corked:
                self._corked = data
                return
            data = self._corked + data
            self._corked = None
        try:
            sent = self._sock.send(data, flags)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            super().sendall(memoryview(data)[sent:], flags)


def write_error(sock: socket.socket, status: int, reason: str, message: str) -> None:
    """Answer what is not even HTTP in the API's envelope, as every other error; gunicorn's own is a web page."""
    error = ProtocolError(message or reason, status=status, type="invalid_request_error")
    body = encode(error.envelope())
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin-1", "replace") + body)


@lru_cache(maxsize=2)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


def http_date(timestamp: float | None = None) -> str:
    """Return a time, now if none is given, as header fields show it; written anew once a second."""
    return _http_date(int(time.time() if timestamp is None else timestamp))


util.write_error = write_error  # the one place where gunicorn writes an answer of its own
util.http_date = http_date


class ServerLog(Logger):
    """gunicorn's log, through ours (see `logs.py`). Requests are logged by the application."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.propagate = True

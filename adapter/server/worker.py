"""gunicorn's extension points: the worker class, its client sockets, errors and log."""

import gc
import math
import os
import platform
import signal
import socket
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import gevent.socket
from gevent import events, monkey
from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.workers.ggevent import GeventWorker

from adapter import __version__
from adapter.event_loop.sockets import READABLE, is_now, shut
from adapter.server.client_sockets import HEAD_SECONDS, ClientSocket, HeadReader, ListeningSocket
from adapter.telemetry.catalog import BUILD_INFO
from translators.errors import ProtocolError
from translators.wire import encode

if TYPE_CHECKING:
    from adapter.services import Services

_GC_THRESHOLDS: Final = (20_000, 20, 100)
"""Streams make few reference cycles; Python's default thresholds cost a worker some per cent of its time."""
_SWITCH_INTERVAL: Final = 0.001
"""Seconds that the store's thread waits for a busy event loop, at most. Python's default is five times as long."""
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_SPARE_SHARE: Final = 20
"""One in so many connections of a worker is kept free: the oldest idle one is closed for it."""
_LAST_REQUEST_SECONDS: Final = 1.0
"""How long a connection may take to send its next request once the worker is stopping.

A proxy may just be sending one on a connection that it has kept, and it would be lost if that were closed at once. The
answer says that the connection ends."""


def block_stop_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)


def unblock_stop_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)


# The master sends a stop signal once, and Python loses signals between a fork and the first step of the child. So they
# stay blocked until a new worker has handlers of its own.
os.register_at_fork(before=block_stop_signals, after_in_parent=unblock_stop_signals)


def import_requests() -> None:
    """Import requests without the library by which it guesses the encoding of a text, since nothing here lets it guess.

    That library is 3 MB of memory and a twentieth of a start. requests does without it, but warns.
    Source: requests docs, Release History, 2.32.0; docs/decisions/0049-the-start.md.
    """
    guessing: dict[str, Any] = {"chardet": None, "charset_normalizer": None}
    sys.modules.update(guessing)  # what is None cannot be imported
    with warnings.catch_warnings(action="ignore"):
        import requests  # noqa: F401
    for name in guessing:
        del sys.modules[name]


class Worker(GeventWorker):
    """gunicorn's gevent worker, with a stop that is quick and cuts no answer short.

    On SIGTERM it drains the application, and closes the idle connections, each of which would otherwise keep the worker
    running until the grace time ends.
    """

    @classmethod
    def setup(cls) -> None:
        """Make the standard library cooperative; gunicorn calls this before it loads the application.

        This runs in the master, too, which must notice the death of a worker, so signals, `os` and subprocesses stay
        the system's own. No worker needs them. Queues must be patched as threads are: else a thread pool, which any
        dependency may begin to use, stops the worker for ever.

        Plugins of gevent are not asked: to find them, gevent would read the metadata of all installed packages 19
        times, a tenth of the CPU time of a start.
        """
        events.notify_and_call_entry_points = events.notify
        monkey.patch_all(signal=False, os=False, subprocess=False)
        import_requests()

    wsgi: Any
    """The application; gunicorn loads it in `init_process`."""

    def patch(self) -> None:
        """Make the listening sockets cooperative, as the standard library is already."""
        self.sockets: list[Any] = [
            ListeningSocket(listener.FAMILY, socket.SOCK_STREAM, fileno=listener.sock.detach())
            for listener in self.sockets
        ]

    def init_process(self) -> None:
        self._connections: dict[gevent.Greenlet, socket.socket] = {}
        self._waiting: dict[socket.socket, float] = {}
        """Connections without a request under way, the oldest first, and when `tick` ends their wait."""
        self._admin_listener: Any = None
        self._admin_clients: set[socket.socket] = set()
        self._spare_connections = max(1, self.worker_connections // _SPARE_SHARE)
        self._is_stopping = False
        self._keepalive: float = self.cfg.keepalive
        gc.enable()
        gc.set_threshold(*_GC_THRESHOLDS)
        sys.setswitchinterval(_SWITCH_INTERVAL)
        super().init_process()

    def run(self) -> None:
        from adapter.server.fast_path import FastPath  # imported late: the standard library must be cooperative before

        self._services: Services = self.wsgi.extensions["adapter"]
        self._fast_path = FastPath(self)
        if self._services.settings.admin_bind is not None:
            from adapter.api.admin.app import create_admin_app

            self._admin_listener = self.sockets[-1]  # the master appends it
            self.wsgi = self._route_by_listener(self.wsgi, create_admin_app(self._services))
        try:
            self._services.start()
            self._services.heartbeat.add(self)
            BUILD_INFO.set(1, (__version__, platform.python_version()))
            super().run()
        finally:
            self._services.close(on_wait=self.notify)

    def _route_by_listener(self, public: Any, admin: Any) -> Any:
        """Return the application that answers what came over the admin listener with `admin`, all else as before."""

        def route(environ: dict[str, Any], start_response: Any) -> Any:
            app = admin if environ["gunicorn.socket"] in self._admin_clients else public
            return app(environ, start_response)

        return route

    def init_signals(self) -> None:
        super().init_signals()
        unblock_stop_signals()

    def handle(self, listener: socket.socket, client: socket.socket, addr: Any) -> None:
        if type(client) is gevent.socket.socket:  # not TLS
            client = ClientSocket(client.family, client.type, client.proto, fileno=client.detach())
        me = gevent.getcurrent()
        self._connections[me] = client
        if listener is self._admin_listener:
            self._admin_clients.add(client)
        if len(self._connections) > self.worker_connections - self._spare_connections and self._waiting:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            close_for_reading(oldest)
        try:
            is_public = listener is not self._admin_listener
            if is_public and isinstance(client, ClientSocket) and not self._fast_path.serve(client):
                client.close()
            else:
                self._waiting[client] = math.inf  # also for its TLS handshake
                super().handle(listener, client, addr)
        finally:
            del self._connections[me]
            self._waiting.pop(client, None)
            self._admin_clients.discard(client)
            if not self.alive and not self._is_stopping:  # by --max-requests: gunicorn calls no hook for it
                self._is_stopping = True
                gevent.spawn(self._drain)

    def handle_request(self, listener_name: Any, req: Any, sock: socket.socket, addr: Any) -> None:
        """Answer a request that gunicorn has read; then let the fast path answer what follows, as far as it can."""
        super().handle_request(listener_name, req, sock, addr)
        if not isinstance(sock, ClientSocket) or sock in self._admin_clients or getattr(req.body, "failed", False):
            return
        if not req.body.read(1) and not req.unreader.buf.tell() and not self._fast_path.serve(sock):
            raise StopIteration  # the connection is over

    def await_request(self, client: ClientSocket, size: int) -> bytes:
        """Return the first bytes of a connection's next request, of which none has arrived; b"": it did not come."""
        seconds = self._keepalive if client.has_asked else HEAD_SECONDS
        self._waiting[client] = time.monotonic() + (seconds if self.alive else _LAST_REQUEST_SECONDS)
        try:
            return client.await_request(size)
        finally:
            self._waiting.pop(client, None)

    def tick(self) -> None:
        """End the waits that have been too long; called by the heartbeat."""
        now = time.monotonic()
        for client in [client for client, end in self._waiting.items() if end < now]:
            del self._waiting[client]
            end_wait(client)

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Bound the wait for a connection's next request, and for the head of that request."""
        client = self._connections[gevent.getcurrent()]
        seconds = self.cfg.keepalive
        if isinstance(client, HeadReader):
            client.turn.give_way()
            if not client.has_asked:
                seconds = HEAD_SECONDS
            client.begin_head()
        self._waiting[client] = math.inf
        try:
            with gevent.Timeout(seconds if self.alive else _LAST_REQUEST_SECONDS, False):
                yield
        finally:
            self._waiting.pop(client, None)
            if isinstance(client, HeadReader):
                client.end_head()

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        self._is_stopping = True
        gevent.spawn(self._drain)  # a signal handler must not touch locks that the code it interrupts may hold

    def _drain(self) -> None:
        self._services.drain()
        last = time.monotonic() + _LAST_REQUEST_SECONDS
        for client, end in self._waiting.items():
            self._waiting[client] = min(end, last)


def end_wait(client: socket.socket) -> None:
    """End a connection that waits for a request, unless one has arrived that its greenlet has not read yet."""
    if not is_now(client, READABLE):
        close_for_reading(client)


def close_for_reading(client: socket.socket) -> None:
    """Let a greenlet that reads from a client see the end. A request that crosses this is answered nevertheless."""
    if isinstance(client, HeadReader):
        client.takes_no_more = True
    shut(client, socket.SHUT_RD)


def write_error(sock: socket.socket, status: int, reason: str, message: str) -> None:
    """Answer invalid HTTP with the API's error envelope, where gunicorn would send a web page."""
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
    """Return a time (default: now) in the form of header fields; formatted once a second."""
    return _http_date(int(time.time() if timestamp is None else timestamp))


util.write_error = write_error  # the only place where gunicorn writes an answer
util.http_date = http_date


class ServerLog(Logger):
    """gunicorn's log, sent to the adapter's (`logs.py`). The application logs requests."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.propagate = True

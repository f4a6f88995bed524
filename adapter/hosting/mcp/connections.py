"""Connections to tool servers: made to an address that the guard has checked, and kept for the next response.

* A connection has the requests of one tenant to one server with one credential (`ServerKey`), since a server may
  take whoever has begun it for whoever goes on.
* It is used again if it has been idle for a few seconds at most, and nothing has arrived on it, its end least of all.
* A request is written anew, on a new connection, if it cannot have been written whole; or if the server ended a kept
  connection before any byte of an answer, and the request is no call of a tool, which may have run.
* A worker keeps a bounded number, and none that ended in an error or within an answer.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from gevent.pool import Group
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util import Url

from adapter.event_loop.heartbeat import Heartbeat
from adapter.files.guard import Guard
from adapter.files.pinned import CONNECT_SECONDS, Unreachable, tls_options
from adapter.upstream.http.head import Head
from adapter.upstream.http.transport import DirectIO, PlainConnection, SentRequest, TLSConnection

_MAX_IDLE_SECONDS: Final = 4.0
"""Less than the 5 s after which common servers (uvicorn, Node.js) close an idle connection."""
_MAX_IDLE: Final = 64
"""As many as calls run at the same time in a worker."""
_ENDING_SECONDS: Final = 5.0
"""Longer than it takes to end a session (`revisions.py`)."""


class ServerKey(NamedTuple):
    """One server as it is reached by one tenant: what is shared between responses is shared for equal keys only."""

    tenant: str
    url: str
    credential: bytes
    """A digest of all headers that the server gets."""
    is_configured: bool
    """Whether the operator has configured the server; a URL of a caller's may lead to fewer addresses."""


class IdleConnections:
    """The connections of one worker that wait for their next request, in the order in which they became idle."""

    def __init__(self, heartbeat: Heartbeat, now: Callable[[], float] = time.monotonic) -> None:
        self._heartbeat = heartbeat
        self._now = now
        self._idle: deque[tuple[ServerKey, float, Any]] = deque()
        self._closed = False
        self.endings = Group()
        """The greenlets that end sessions."""

    def take(self, key: ServerKey) -> Any | None:
        """Return the connection of a key that was used last, if it can be used again."""
        idle = self._idle
        for at in range(len(idle) - 1, -1, -1):
            if idle[at][0] == key:
                _, since, connection = idle[at]
                del idle[at]
                if self._now() - since < _MAX_IDLE_SECONDS and not connection.idle_check.poll(0):
                    return connection
                connection.close()
        return None

    def add(self, key: ServerKey, connection: Any) -> None:
        """Keep a connection whose answer has been read; close the one that has been idle longest, beyond the limit."""
        if self._closed:
            connection.close()
            return
        if not self._idle:
            self._heartbeat.add(self)
        elif len(self._idle) == _MAX_IDLE:
            self._idle.popleft()[2].close()
        self._idle.append((key, self._now(), connection))

    def tick(self) -> None:
        """Close those that have been idle for too long."""
        before = self._now() - _MAX_IDLE_SECONDS
        while self._idle and self._idle[0][1] <= before:
            self._idle.popleft()[2].close()
        if not self._idle:
            self._heartbeat.remove(self)

    def close(self) -> None:
        """Close all, when the sessions that are over have been ended, and keep none from now on."""
        self.endings.join(_ENDING_SECONDS)
        self._closed = True
        self._heartbeat.remove(self)
        while self._idle:
            self._idle.pop()[2].close()

    def watch(self, connection: DirectIO) -> None:
        """Let the heartbeat end the waits on a new connection."""
        connection.arrivals.watch(self._heartbeat)


class ServerConnections:
    """The connections of one key."""

    def __init__(self, key: ServerKey, url: Url, guard: Guard, idle: IdleConnections) -> None:
        self._key = key
        self._url = url
        self._guard = guard
        self._idle = idle
        self._answered = ""
        """The address that the last connection was made to, which is tried first."""

    def send(self, data: bytes, *, may_repeat: bool) -> tuple[SentRequest, Head]:
        """Return a request that has been written, and the head of its answer.

        Raises FetchFailed, HostNotAllowed, Unreachable, urllib3's HTTPError, OSError or HTTPException. `may_repeat`:
        it does no harm if the server gets it twice.
        """
        while (connection := self._idle.take(self._key)) is not None:
            try:
                sent = _write(connection, data)
            except OSError:
                continue  # it was dead: the server cannot have the whole request
            try:
                return self._await_head(sent)
            except ConnectionError:  # its end is one too
                if not may_repeat:
                    raise
                break
        return self._await_head(_write(self._open(), data))

    def _await_head(self, sent: SentRequest) -> tuple[SentRequest, Head]:
        """Return a request and the head of its answer; it is closed by whatever ends the wait."""
        sent.return_to(self)
        try:
            while (head := sent.await_head()) is None:
                pass  # a tick
        except BaseException:
            sent.close()
            raise
        return sent, head

    @property
    def pool(self) -> "ServerConnections":
        """What `SentRequest` appends a connection to."""
        return self

    def append(self, connection: Any) -> None:
        self._idle.add(self._key, connection)

    def _open(self) -> Any:
        """Return a new connection; raise as `send` does."""
        for address in sorted(self._guard.resolve(self._url), key=self._answered.__ne__):
            connection = self._at(address)
            try:
                connection.connect()
                connection.timeout = None  # what waits on it has a time limit of its own
                connection.make_ready()
            except (NewConnectionError, ConnectTimeoutError):
                connection.close()
            except BaseException:
                connection.close()
                raise
            else:
                self._idle.watch(connection)
                self._answered = address
                return connection
        raise Unreachable

    def _at(self, address: str) -> Any:
        url = self._url
        if url.scheme == "http":
            return PlainConnection(address, url.port or 80, timeout=CONNECT_SECONDS)
        return TLSConnection(address, url.port or 443, timeout=CONNECT_SECONDS, **tls_options(url))


def _write(connection: Any, data: bytes) -> SentRequest:
    """Write a request, waiting until the server has read enough; raise OSError. Closes the connection if it fails."""
    try:
        sent: SentRequest = connection.begin(data)
        if sent.unwritten:
            sent.write_rest()
    except BaseException:
        connection.close()
        raise
    return sent

"""The body of an upstream's answer, as its bytes arrive.

`read` returns what one read of the connection gave, `b""` at the body's end, and None about once a second while nothing
comes, so that its caller can look after the client. It waits in the event loop first and reads then: what arrives in
one wake-up is one read, and many streams take turns. The socket is read directly: requests' own ways cost several
times the translation of a chunk (performance reference §3).
"""

import re
import socket
import ssl
from typing import Final

from gevent.hub import Waiter, get_hub

from adapter.event_loop.heartbeat import Heartbeat
from adapter.upstream.http.framing import ChunkedBody, Framing, Inflated, SizedBody, UnsizedBody
from adapter.upstream.http.transport import Answer
from translators.errors import UpstreamError

_READ: Final = 1
"""gevent's flag for "readable"."""
_SIZE: Final = 64 * 1024
_LENGTH: Final = re.compile(r"[0-9]{1,18}")


class BodyCut(Exception):
    """The connection ended before the body did."""


class BodyReader:
    """One body. `close` must be called; a body read to its end gives its connection back for the next request."""

    def __init__(self, answer: Answer, framing: Framing, heartbeat: Heartbeat) -> None:
        self._answer = answer
        self._heartbeat = heartbeat
        self._framing = framing
        self._socket = answer.sock
        self._timeout = self._socket.gettimeout()
        self._socket.settimeout(0.0)
        self._ahead = answer.rest
        hub = get_hub()
        self._watcher = hub.loop.io(self._socket.fileno(), _READ)
        self._waiter = Waiter(hub)
        self._waits = False
        heartbeat.add(self)

    @property
    def over(self) -> bool:
        """Whether the body has been read to its end."""
        return self._framing.over

    def read(self) -> bytes | None:
        """Return the next bytes, b"" at the end, None when a tick passed without any; raise BodyCut."""
        while not self._framing.over:
            data = self._receive()
            if data is None:
                return None
            if not data:
                if self._framing.ends_with_connection:
                    return b""
                raise BodyCut
            body = self._framing.feed(data)
            if body:
                return body
        return b""

    def tick(self) -> None:
        """Wake the greenlet that waits in `read`; called by the heartbeat, in the event loop."""
        if self._waits:
            self._waits = False
            self._waiter.switch(False)

    def close(self) -> None:
        self._heartbeat.remove(self)
        self._watcher.close()
        if self._framing.over:
            self._socket.settimeout(self._timeout)
            self._answer.release()
        else:
            self._answer.close()

    def _receive(self) -> bytes | None:
        if self._ahead:
            data, self._ahead = self._ahead, b""
            return data
        while True:
            if not _buffered(self._socket) and not self._readable():
                return None
            try:
                return self._socket.recv(_SIZE)
            except (BlockingIOError, ssl.SSLWantReadError):
                continue
            except OSError as error:
                raise BodyCut from error

    def _readable(self) -> bool:
        """Wait until the socket has something to read, or a tick passes (False)."""
        self._waits = True
        self._watcher.start(self._waiter.switch, True)
        try:
            return bool(self._waiter.get())
        finally:
            self._watcher.stop()
            self._waits = False
            self._waiter.clear()


def open_body(answer: Answer, heartbeat: Heartbeat) -> BodyReader:
    """Return the reader of an answer's body; raise UpstreamError for a framing or a coding that cannot be read."""
    try:
        framing = _framing(answer)
    except BaseException:
        answer.close()
        raise
    return BodyReader(answer, framing, heartbeat)


def _framing(answer: Answer) -> Framing:
    framing: Framing
    if answer.status in (204, 304):
        return SizedBody(0)  # it has no body, and need not say so
    if "chunked" in answer.headers.get("transfer-encoding", "").lower():
        framing = ChunkedBody()
    else:
        told = {one.strip() for one in answer.headers.get("content-length", "").split(",")}  # often told twice
        length = told.pop()
        framing = SizedBody(int(length)) if not told and _LENGTH.fullmatch(length) else UnsizedBody()
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("identity", ""):
        return framing
    if coding in ("gzip", "x-gzip", "deflate"):
        return Inflated(framing)
    raise UpstreamError("The provider's answer is compressed in a way that was not asked for.")


def _buffered(sock: socket.socket) -> bool:
    """Tell whether decrypted bytes lie in the TLS layer, where waiting for the socket would not see them."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

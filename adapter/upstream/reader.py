"""The body of an upstream's answer, as its bytes arrive.

`read` returns what one read of the connection gave, `b""` at the body's end, and None about once a second while nothing
comes, so that its caller can look after the client. It waits in the event loop first and reads then: what arrives in
one wake-up is one read, and many streams take turns. The head was read by requests; from there on this reads the
socket itself (requests' own ways cost several times the translation of a chunk; performance reference §3).
"""

import re
import socket
import ssl
from typing import Any, Final

from gevent.hub import Waiter, get_hub
from urllib3.response import HTTPResponse

from adapter.pulse import Pulse
from adapter.upstream.framing import ChunkedBody, Framing, Inflated, SizedBody, UnsizedBody
from translators.errors import UpstreamError

_READ: Final = 1
"""gevent's flag for "readable"."""
_SIZE: Final = 64 * 1024
_LENGTH: Final = re.compile(r"[0-9]{1,18}")


class BodyCut(Exception):
    """The connection ended before the body did."""


class BodyReader:
    """One body. `close` must be called; a body read to its end gives its connection back for the next request."""

    def __init__(self, response: HTTPResponse, framing: Framing, pulse: Pulse) -> None:
        self._raw = response
        self._pulse = pulse
        self._framing = framing
        self._socket = _socket_of(self._raw)
        self._timeout = self._socket.gettimeout()
        self._socket.settimeout(0.0)
        self._ahead = _read_ahead(self._raw)
        hub = get_hub()
        self._watcher = hub.loop.io(self._socket.fileno(), _READ)
        self._waiter = Waiter(hub)
        self._waits = False
        pulse.join(self)

    @property
    def over(self) -> bool:
        """Whether the body has been read to its end."""
        return self._framing.over

    def read(self) -> bytes | None:
        """Return the next bytes, b"" at the end, None when a beat passed without any; raise BodyCut."""
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

    def beat(self) -> None:
        """Wake the greenlet that waits in `read`; called by the pulse, in the event loop."""
        if self._waits:
            self._waits = False
            self._waiter.switch(False)

    def close(self) -> None:
        self._pulse.leave(self)
        self._watcher.close()
        if self._framing.over:
            self._socket.settimeout(self._timeout)
            file: Any = self._raw._fp
            file.close()
            self._raw.release_conn()
        else:
            self._raw.close()

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
        """Wait until the socket has something to read, or a beat passes (False)."""
        self._waits = True
        self._watcher.start(self._waiter.switch, True)
        try:
            return bool(self._waiter.get())
        finally:
            self._watcher.stop()
            self._waits = False
            self._waiter.clear()


class NoBody:
    """What is read where there is nothing to read."""

    over = True

    def __init__(self, response: HTTPResponse) -> None:
        self._raw = response

    def read(self) -> bytes | None:
        return b""

    def close(self) -> None:
        self._raw.close()


def open_body(response: HTTPResponse, pulse: Pulse) -> BodyReader | NoBody:
    """Return the reader for a response whose head has been read; raise UpstreamError for a coding nobody asked for."""
    file: Any = response._fp
    if file.fp is None:  # http.client closes what has no body at once
        return NoBody(response)
    framing = _framing(response)
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("identity", ""):
        return BodyReader(response, framing, pulse)
    if coding in ("gzip", "x-gzip", "deflate"):
        return BodyReader(response, Inflated(framing), pulse)
    response.close()
    raise UpstreamError("The provider's answer is compressed in a way that was not asked for.")


def _framing(raw: HTTPResponse) -> ChunkedBody | SizedBody | UnsizedBody:
    if raw.status == 204:
        return SizedBody(0)  # it has no body, and need not say so
    if "chunked" in raw.headers.get("transfer-encoding", "").lower():
        return ChunkedBody()
    length = raw.headers.get("content-length", "")
    return SizedBody(int(length)) if _LENGTH.fullmatch(length) else UnsizedBody()


def _socket_of(raw: HTTPResponse) -> socket.socket:
    """Return the socket below a response: http.client keeps it under its buffered file, nowhere public."""
    connection: Any = raw._fp
    sock: socket.socket = connection.fp.raw._sock
    return sock


def _read_ahead(raw: HTTPResponse) -> bytes:
    """Return what http.client read of the body together with the head."""
    response: Any = raw._fp
    try:
        ahead: bytes = response.fp.read(len(response.fp.peek()))
    except OSError:  # TLS has nothing yet, or the connection is broken, which the first read will find
        return b""
    return ahead


def _buffered(sock: socket.socket) -> bool:
    """Tell whether decrypted bytes lie in the TLS layer, where waiting for the socket would not see them."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

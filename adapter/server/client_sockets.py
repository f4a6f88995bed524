"""Clients' connections, plain and over TLS: turns of the event loop, and bounds for what comes before a request.

A connection that always has bytes gives way to others at each read. A head has its own deadline, which begins with its
first byte, also if that came together with the request before it; so has a TLS handshake, which begins with the accept.
All of a head together is bounded, too, since a hundred fields of 64 KB each would be megabytes for each connection.
Source: gunicorn docs, Settings (limit_request_fields).
"""

import errno
import time
import weakref
from contextlib import suppress
from typing import Any, Final

import gevent
import gevent.socket
import gevent.ssl
from gunicorn.http import message, parser
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import InvalidChunkSize, LimitRequestHeaders
from gunicorn.http.unreader import SocketUnreader

from adapter.event_loop.turn import Turn

_READ_BYTES: Final = 64 * 1024
"""At a time: a coding agent's request of some hundred kilobytes in a few reads."""
HEAD_SECONDS: Final = 10.0
"""For the head of a request, from its first byte, or from the accept of its connection; for a TLS handshake."""
MAX_HEAD_BYTES: Final = 256 * 1024
"""Of a request line and all fields, what came with the first read apart."""
_PARSED_BYTES: Final = 2 * 1024
"""Of a chunked body between two turns of the loop: 340 chunks of one byte, each as dear as a large one."""
_TINY_CHUNK_BYTES: Final = 16
_MAX_TINY_CHUNKS: Final = 20_000
"""Of one body: a client that sends each token by itself has fewer."""
_MAX_TRAILER_BYTES: Final = 64 * 1024
"""Of the fields after a chunked body, which are of no use here. gunicorn searches all of them at each read."""


class ListeningSocket(gevent.socket.socket):  # type: ignore[misc]
    """A socket that accepts connections, and knows its name after it is closed, too.

    gunicorn asks for the name when it begins to serve a connection. At a stop it closes the socket first, and a
    connection that was accepted just before would end without an answer.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._name = super().getsockname()

    def getsockname(self) -> Any:
        return self._name


class HeadReader:
    """What both kinds of connection share. The class after it in a class statement is the socket's."""

    has_asked = False
    """Whether a head has been awaited before."""
    takes_no_more = False
    """Whether the server has closed it for reading. To the system that looks as if the client had closed its end."""
    _reads_head = False
    _head_deadline: float | None = None
    _head_bytes = 0
    """Of the head under way, without the first read, which may have more than a head."""
    ahead = b""
    """What the fast path has read and declined: `recv` returns it first."""
    _unreader: "weakref.ref[SocketUnreader] | None" = None

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.turn = Turn()

    @property
    def reads_head(self) -> bool:
        return self._reads_head

    def read_by(self, unreader: SocketUnreader) -> None:
        """Know who buffers what was read, which may be the beginning of the next head."""
        self._unreader = weakref.ref(unreader)

    def begin_head(self) -> None:
        """Bound the time of what follows the first bytes of the next head."""
        self._reads_head = True
        unreader = self._unreader() if self._unreader is not None else None
        if unreader is not None and unreader.buf.tell():
            self._head_deadline = time.monotonic() + HEAD_SECONDS

    def end_head(self) -> None:
        self.has_asked = True
        self._reads_head = False
        self._head_deadline = None
        self._head_bytes = 0

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return what has arrived, even if it is more than `size`: gunicorn buffers the rest."""
        self.turn.give_way()
        if self._reads_head:
            return self._recv_head(max(size, _READ_BYTES))
        return self._recv(max(size, _READ_BYTES), flags)

    def _recv(self, size: int, flags: int = 0) -> bytes:
        data: bytes
        if self.ahead:
            data, self.ahead = self.ahead, b""
        else:
            data = super().recv(size, flags)  # type: ignore[misc]
        return data

    def _recv_head(self, size: int) -> bytes:
        """Return what has arrived of a head, b"" when its time is over; raise LimitRequestHeaders."""
        if self._head_deadline is None:
            data = self._recv(size)
            self._head_deadline = time.monotonic() + HEAD_SECONDS
            return data
        data = self._recv_until(size, self._head_deadline)
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            raise LimitRequestHeaders("all header fields together are too large")
        return data

    def _recv_until(self, size: int, deadline: float) -> bytes:
        self.settimeout(max(0.001, deadline - time.monotonic()))  # type: ignore[attr-defined]
        try:
            data = self._recv(size)
        except TimeoutError:
            data = b""
        finally:
            self.settimeout(None)  # type: ignore[attr-defined]
        return data


class ClientSocket(HeadReader, gevent.socket.socket):  # type: ignore[misc]
    """A client's connection, with fewer system calls for the same bytes.

    gunicorn reads 8 KB at a time, which is 35 reads for a coding agent's request, and writes the head of an answer
    separately; gevent asks for the size of the send buffer before each write.
    """

    _corked: bytes | None = None
    """Data that waits for the next write; None: not corked."""
    started: Any = None
    """The request that the fast path has started and declined, until Flask resumes it."""
    known_head: Any = None
    """The head of the last request, as the fast path has read it."""

    def take_request(self, size: int) -> bytes | None:
        """Return what has arrived of the next request, after others had their turn; b"" at the end, None if nothing."""
        try:
            data: bytes = self._sock.recv(size)
        except BlockingIOError:
            return None
        self.turn.give_way()
        return data

    def await_request(self, size: int) -> bytes:
        """Return the first bytes of the next request, of which none has arrived; b"" at the end."""
        while True:
            self._wait(self._read_event)
            try:
                return bytes(self._sock.recv(size))
            except BlockingIOError:
                continue

    def cork(self) -> None:
        """Delay the next write until the one after it, and send both together."""
        self._corked = b""

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

    def send_soon(self, data: bytes) -> None:
        """Send with the next write, or by itself before anything is waited for."""
        self._corked = data
        self.hub.loop.run_callback(self._send_corked)

    def _send_corked(self) -> None:
        """Send what `send_soon` has delayed, as far as it fits; called in the event loop."""
        if self._corked:
            with suppress(OSError):  # as in `send_chunk_now`
                self._corked = self._corked[self._sock.send(self._corked) :] or None

    def send_chunk_now(self, piece: bytes) -> bool:
        """Send a chunk of a body as far as it fits without waiting; return False if the rest waits for `sendall`."""
        data = b"%X\r\n%b\r\n" % (len(piece), piece)
        if self._corked:
            data, self._corked = self._corked + data, None
        try:
            sent = self._sock.send(data)
        except OSError:  # no room; or the connection is broken, and `sendall` raises it
            sent = 0
        if sent == len(data):
            return True
        self._corked = data[sent:]
        return False


class TLSClientSocket(HeadReader, gevent.ssl.SSLSocket):  # type: ignore[misc]
    """A client's connection over TLS. The handshake is left to the worker, which bounds its time."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **{**named, "do_handshake_on_connect": False})

    def do_handshake(self) -> None:
        """Do the handshake in bounded time; a peer that takes longer counts as gone."""
        too_slow = ConnectionResetError(errno.ECONNRESET, "the TLS handshake took too long")
        with gevent.Timeout(HEAD_SECONDS, too_slow):
            super().do_handshake()


class _Unreader(SocketUnreader):  # type: ignore[misc]
    """gunicorn's buffer of a connection, which the connection knows."""

    def __init__(self, sock: Any, *args: Any, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self._client = sock if isinstance(sock, HeadReader) else None
        if self._client is not None:
            self._client.read_by(self)

    def read(self, size: int | None = None, read_ahead: int | None = None) -> bytes:
        """Return `size` bytes, or what has arrived (None): of a chunked body, little more than the chunk under way."""
        client = self._client
        if size is not None or client is None or client.reads_head:
            return bytes(super().read(size, read_ahead))
        if self.buf.tell():  # else the connection gives way
            client.turn.give_way()
        data: bytes = super().read(None, read_ahead)
        most = max(_PARSED_BYTES, read_ahead or 0)
        if len(data) > most:
            self.unread(data[most:])
            data = data[:most]
        return data


class TooManyTinyChunks(InvalidChunkSize):  # type: ignore[misc]
    """The client reads the name of this class in the answer."""


class _ChunkedReader(ChunkedReader):  # type: ignore[misc]
    """A chunked body, with bounds for what brings nothing."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.limit_trailer_section = _MAX_TRAILER_BYTES
        self._tiny_chunks = 0

    def parse_chunk_size(self, unreader: SocketUnreader, data: bytes | None = None) -> tuple[int, bytes | None]:
        size, rest = super().parse_chunk_size(unreader, data)
        if size < _TINY_CHUNK_BYTES:
            self._tiny_chunks += 1
            if self._tiny_chunks > _MAX_TINY_CHUNKS:
                raise TooManyTinyChunks(size)
        return size, rest


parser.SocketUnreader = _Unreader
message.ChunkedReader = _ChunkedReader


def tls_context(_: Any, make_context: Any) -> Any:
    """Return gunicorn's TLS context, for connections of the class above (gunicorn's setting `ssl_context`)."""
    context = make_context()
    context.sslsocket_class = TLSClientSocket
    return context

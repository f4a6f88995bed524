"""Read the body of an upstream's answer as its bytes arrive.

`read` returns the bytes of one read of the connection, `b""` at the end of the body, and None about once a second while
nothing arrives, so that its caller can check the client's connection. It first waits in the event loop and then reads:
whatever has arrived at a wake-up is one read, and many streams share the loop fairly. The socket is read directly,
since reading through requests costs several times the translation of a chunk.
Source: docs/decisions/0001-read-the-socket.md.
"""

import re
import socket
import ssl
from typing import Final

from gevent.hub import Waiter, get_hub

from adapter.event_loop.heartbeat import Heartbeat
from adapter.upstream.http.framing import ChunkedBody, CompressedBody, Framing, SizedBody, UnsizedBody
from adapter.upstream.http.transport import AnswerHead
from translators.errors import UpstreamError

_READABLE: Final = 1
"""gevent's flag."""
_READ_BYTES: Final = 64 * 1024
"""Of one read: more than a chunk of any stream, and the usual size of a socket's buffer."""
_LENGTH: Final = re.compile(r"[0-9]{1,18}")


class BodyCut(Exception):
    """The connection ended before the body did."""


class BodyReader:
    """One body. `close` must be called; after a complete body it releases the connection for the next request."""

    def __init__(self, answer: AnswerHead, framing: Framing, heartbeat: Heartbeat) -> None:
        self._answer = answer
        self._heartbeat = heartbeat
        self._framing = framing
        self._socket = answer.sock
        self._timeout = self._socket.gettimeout()
        self._socket.settimeout(0.0)
        self._read_ahead = answer.rest
        hub = get_hub()
        self._watcher = hub.loop.io(self._socket.fileno(), _READABLE)
        self._waiter = Waiter(hub)
        self._waits = False
        heartbeat.add(self)

    @property
    def over(self) -> bool:
        """Whether the body is complete."""
        return self._framing.over

    def read(self) -> bytes | None:
        """Return the next bytes; b"" at the end, None after a tick without any; raise BodyCut."""
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
        if self._read_ahead:
            data, self._read_ahead = self._read_ahead, b""
            return data
        while True:
            if not _has_decrypted(self._socket) and not self._readable():
                return None
            try:
                return self._socket.recv(_READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                continue
            except OSError as error:
                raise BodyCut from error

    def _readable(self) -> bool:
        """Wait until the socket is readable; return False at the next tick."""
        self._waits = True
        self._watcher.start(self._waiter.switch, True)
        try:
            return bool(self._waiter.get())
        finally:
            self._watcher.stop()
            self._waits = False
            self._waiter.clear()


def open_body(answer: AnswerHead, heartbeat: Heartbeat) -> BodyReader:
    """Return the reader of an answer's body; raise UpstreamError for an unknown encoding."""
    try:
        framing = _choose_framing(answer)
    except BaseException:
        answer.close()
        raise
    return BodyReader(answer, framing, heartbeat)


def _choose_framing(answer: AnswerHead) -> Framing:
    framing: Framing
    if answer.status in (204, 304):
        return SizedBody(0)  # no body. Source: RFC 9112 §6.3
    if "chunked" in answer.headers.get("transfer-encoding", "").lower():
        framing = ChunkedBody()
    else:
        lengths = {one.strip() for one in answer.headers.get("content-length", "").split(",")}  # some send it twice
        length = lengths.pop()
        framing = SizedBody(int(length)) if not lengths and _LENGTH.fullmatch(length) else UnsizedBody()
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("identity", ""):
        return framing
    if coding in ("gzip", "x-gzip", "deflate"):
        return CompressedBody(framing)
    raise UpstreamError("The provider's answer is compressed in a form that was not requested.")


def _has_decrypted(sock: socket.socket) -> bool:
    """Return whether the TLS layer holds decrypted bytes, of which waiting for the socket would not learn."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

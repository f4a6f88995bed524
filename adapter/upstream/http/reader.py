"""Read the body of an upstream's answer as its bytes arrive.

`read` returns the bytes of one read of the connection, `b""` at the end of the body, and None about once a second while
nothing arrives, so that its caller can check the client's connection. The socket is read directly
(`event_loop/arrivals.py`), since reading through requests costs several times the translation of a chunk.
Source: docs/decisions/0001-read-the-socket.md.
"""

import re
from collections.abc import Callable
from typing import Final

import gevent
from msgspec import Struct

from adapter.event_loop.arrivals import Take
from adapter.upstream.http.framing import ChunkedBody, CompressedBody, Framing, SizedBody, UnsizedBody
from adapter.upstream.http.head import Head
from adapter.upstream.http.transport import SentRequest
from translators.errors import UpstreamError

_MAX_READS_AFTER_END: Final = 16
"""Reads after the end of an answer. Only the end of the HTTP body should come, which needs one."""
_LENGTH: Final = re.compile(r"([0-9]{1,18})(?:[ \t]*,[ \t]*\1)*")  # some send it twice


class BodyCut(Exception):
    """The connection ended before the body did."""


class BodyReader(Struct, eq=False):
    """One body. `close` must be called; after a complete body it releases the connection for the next request."""

    _sent: SentRequest
    framing: Framing
    _keeps_connection: bool
    _read_ahead: bytes
    """What of the body came with its head."""
    _take: Take | None = None
    _untaken: bytes = b""
    has_taken: bool = False
    """Bytes of the body have arrived since this was last set to False."""
    record: Callable[[bytes], None] | None = None
    """Gets all bytes before others; None: they are not recorded."""

    def read(self, take: Take | None = None) -> bytes | None:
        """Return the next bytes; b"" at the end, None after a tick without any; raise BodyCut.

        `take` gets all bytes first, in the event loop; returned are those for which it returns False.
        """
        self._take = take
        while not self.framing.over:
            if self._read_ahead:
                data, self._read_ahead = self._read_ahead, b""
                self._feed(data)
            else:
                try:
                    received = self._sent.arrivals.receive(self._feed)
                except OSError as error:
                    raise BodyCut from error
                if received is None:
                    return None
                if not received:
                    if self.framing.ends_with_connection:
                        return b""
                    raise BodyCut
            if self._untaken:
                body, self._untaken = self._untaken, b""
                return body
        return b""

    def _feed(self, data: bytes) -> bool:
        """Take what has arrived; return False if `read` has to return, or the body is complete."""
        body = self.framing.feed(data)
        if body:
            self.has_taken = True
            if self.record is not None:
                self.record(body)
            if self._take is None or not self._take(body):
                self._untaken = body
                return False
        return not self.framing.over

    def close(self, *, answered: bool = False) -> None:
        """Close the body; the connection is reused if the body is complete, and nothing came after it.

        `answered`: what the body says is complete. Its end is awaited beside, so that the connection can be reused;
        nothing of the answer is referred to meanwhile.
        """
        self._take = self.record = None  # the first may lead back here
        if not self.framing.over:
            if answered:
                gevent.spawn(_read_to_end, self)
            else:
                self._sent.close()
        elif self._keeps_connection and not (self.framing.overrun or self._read_ahead):
            self._sent.release()
        else:
            self._sent.close()


def _read_to_end(body: BodyReader) -> None:
    """Read a body to its end, if that comes at once, and close it."""
    try:
        for _ in range(_MAX_READS_AFTER_END):
            if not body.read():
                break
    except (BodyCut, UpstreamError):
        pass  # the answer is complete: a broken end does no harm
    finally:
        body.close()


def choose_framing(head: Head) -> Framing:
    """Return what separates an answer's body from the rest; raise UpstreamError for an unknown encoding."""
    framing: Framing
    if head.status in (204, 304):
        return SizedBody(0, True)  # no body. Source: RFC 9112 §6.3
    fields = head.framing
    if "transfer-encoding" in fields and "chunked" in fields["transfer-encoding"].lower():
        framing = ChunkedBody()
    else:
        length = _LENGTH.fullmatch(fields["content-length"]) if "content-length" in fields else None
        size = 0 if length is None else int(length[1])
        framing = UnsizedBody() if length is None else SizedBody(size, not size)
    if "content-encoding" not in fields:
        return framing
    coding = fields["content-encoding"].lower()
    if coding in ("identity", ""):
        return framing
    if coding in ("gzip", "x-gzip", "deflate"):
        return CompressedBody(framing)
    message = "The provider's answer is compressed in a form that was not requested."
    raise UpstreamError(message, cause="answer")

"""The body of a request: its type, its size, and the time it may take.

The Content-Type must be JSON: a web page can make a browser send other types to a server on the same machine without a
preflight, so another or missing type is an error, not a guess. Bodies may be large and clients slow, both within
limits; a compressed body has to keep them decoded (`content_codings.py`). A client that is still sending when it gets
an error would find its connection reset before it reads the answer; so the rest of its body is read and discarded
first, up to a limit, after which the connection is closed. Bytes are counted as they arrive, so that a worker has only
so many bodies in memory (`adapter/sharing/shares.py`), and one that was only announced takes little. A body grows in
one buffer, which goes back to the kernel as a whole: many pieces, and small objects between them, would not.
Source: WHATWG Fetch, CORS-safelisted request-header; RFC 9112 §9.6.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any, Final, Protocol

import gevent

from adapter.api.request.content_codings import TooLarge, check_coding, decode_body
from adapter.event_loop.deadline import read_in_time
from adapter.settings.settings import Settings
from adapter.sharing.shares import Holding
from translators.errors import RequestError, shorten

_READ_BYTES: Final = 1 << 16
"""Of a body whose length is not known."""
_COUNTED_BYTES: Final = 1 << 18
"""Of a body whose length is known: most bodies are one read, and a slow one takes little room until it arrives."""
_DISCARD_READ_BYTES: Final = 1 << 20
_MAX_DISCARDED_BYTES: Final = 64 << 20
"""Of one unwanted body: the default limit of a body twice over, so that clients just above it read their error."""
_MAX_DISCARD_SECONDS: Final = 2.0
"""For reading an unwanted body: a client on a fast network is done by then, a hostile one gains no more."""

_BODY_READ: Final = "adapter.body_read"


class _Input(Protocol):
    """`wsgi.input`. That of the fast path also has `arrived`: the whole body, if it came with the head; else None."""

    def read(self, size: int) -> bytes: ...


def read_body(environ: dict[str, Any], settings: Settings, room: Holding) -> bytes:
    """Return the body of a request, its bytes counted in `room`.

    Raises RequestError (400, 408, 413, 415) if it is not acceptable, NoRoom if there are too many bodies.
    """
    if environ.get("CONTENT_TYPE") != "application/json":
        _check_type(environ)
    encoding = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding == "identity":
        encoding = ""
    if encoding:
        check_coding(encoding)
    body: bytes | None = getattr(environ["wsgi.input"], "arrived", None)
    if body is None:
        body = _receive(environ, settings, room)
    elif len(body) <= settings.max_body_bytes:
        room.grow(len(body))
    else:
        raise _too_large(settings.max_body_bytes)
    environ[_BODY_READ] = True
    if not encoding:
        return body
    try:
        return decode_body(body, encoding, settings.max_body_bytes, room.grow)
    except TooLarge:
        raise _too_large(settings.max_body_bytes, "decoded ") from None


def mark_body_read(environ: dict[str, Any]) -> None:
    """Prevent `discard_body` from reading: the connection is used for something else than a body."""
    environ[_BODY_READ] = True


def discard_body(environ: dict[str, Any]) -> None:
    """Read and drop a body that was not read, so that the client gets to read its answer."""
    if _BODY_READ in environ or declared_length(environ) == 0:
        return
    stream = environ["wsgi.input"]
    if getattr(stream, "failed", False):
        return
    left = _MAX_DISCARDED_BYTES
    with gevent.Timeout(_MAX_DISCARD_SECONDS, False):
        try:
            while left > 0:
                data = stream.read(_DISCARD_READ_BYTES)
                if not data:
                    return
                left -= len(data)
        except Exception:  # of any type, as in `read_in_time`
            pass
    try:
        stream.failed = True  # gunicorn then closes the connection
    except AttributeError:
        pass  # not gunicorn's stream: there is no connection to close


def _receive(environ: dict[str, Any], settings: Settings, room: Holding) -> bytes:
    """Return a body as it arrives, counted in `room`; raise as `read_body`."""
    max_bytes = settings.max_body_bytes
    length = declared_length(environ)
    if length is not None and length > max_bytes:
        raise _too_large(max_bytes)
    stream, seconds = environ["wsgi.input"], settings.body_timeout
    return read_in_time(
        lambda: _read(stream, max_bytes, length, room.grow),
        seconds,
        f"The request body did not arrive within {seconds:g} seconds.",
    )


def _read(stream: _Input, max_bytes: int, length: int | None, count: Callable[[int], None]) -> bytes:
    if length is not None:
        return _read_length(stream, length, count)
    body, left = BytesIO(), max_bytes
    while data := stream.read(_READ_BYTES):
        count(len(data))
        body.write(data)
        left -= len(data)
        if left < 0:
            raise _too_large(max_bytes)
    return body.getvalue()


def _read_length(stream: _Input, length: int, count: Callable[[int], None]) -> bytes:
    body, left = BytesIO(), length
    while left:
        size = min(left, _COUNTED_BYTES)
        count(size)
        data = stream.read(size)
        if len(data) == length:
            return data
        left -= len(data)
        body.write(data)
        if len(data) < size:
            raise RequestError(f"The request body ended after {length - left} of {length} bytes.")
    return body.getvalue()


def declared_length(environ: dict[str, Any]) -> int | None:
    """Return the Content-Length of a body, 0 without one; None for a chunked body."""
    if environ.get("wsgi.input_terminated") and "HTTP_TRANSFER_ENCODING" in environ:
        return None
    length = environ.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isascii() and length.isdigit() else 0


def _check_type(environ: dict[str, Any]) -> None:
    given = environ.get("CONTENT_TYPE", "")
    type = given.partition(";")[0].strip().lower()
    if type != "application/json" and not (type.startswith("application/") and type.endswith("+json")):
        what = f"but the request says 'Content-Type: {shorten(given)}'" if given else "but the request names none"
        raise RequestError(
            f"Unsupported content type. This API accepts 'Content-Type: application/json', {what}.",
            code="unsupported_content_type",
            status=415,
        )


def _too_large(max_bytes: int, form: str = "") -> RequestError:
    return RequestError(
        f"The {form}request body is too large. This server accepts at most {max_bytes} bytes.",
        code="request_too_large",
        status=413,
    )

"""The body of a request: what is accepted, how much of it, and for how long.

Only JSON under its own name: a web page can make a browser send other types to a server on the same machine without
asking it first, so a missing or foreign Content-Type is refused rather than guessed. Compressed bodies are refused too.
A body may be large and its client slow, but both have a limit. A client that still sends while it is being refused
would find its connection reset and never read why; so what is left of its body is taken off the connection first, up
to a limit, and then the connection is given up.
"""

from typing import Any, Final, Protocol

import gevent

from adapter.settings.settings import Settings
from translators.errors import RequestError, shorten

_CHUNK: Final = 1 << 16
_DISCARD: Final = 1 << 20
_MOST_DISCARDED: Final = 64 << 20
_DISCARDING: Final = 2.0
"""Seconds for which an unwanted body is taken off the connection."""

_TAKEN: Final = "adapter.body_taken"


class _Input(Protocol):
    def read(self, size: int) -> bytes: ...


def read_body(environ: dict[str, Any], settings: Settings) -> bytes:
    """Return the body of a request; raise RequestError (400, 408, 413, 415) if it is not acceptable."""
    _check_type(environ)
    most = settings.max_body_bytes
    length = _declared_length(environ)
    if length is not None and length > most:
        raise _too_large(most)
    too_slow = RequestError(
        f"The request body did not arrive within {settings.body_timeout:g} seconds.", status=408
    )
    try:
        with gevent.Timeout(settings.body_timeout, too_slow):
            body = _read(environ["wsgi.input"], most, length)
    except RequestError:
        raise
    except Exception as error:  # whatever the server raises here, the client sent something that is no body
        raise RequestError(f"The request body could not be read: {type(error).__name__}.") from None
    environ[_TAKEN] = True
    return body


def mark_body_read(environ: dict[str, Any]) -> None:
    """Have the rest of the connection left alone: what follows is no body."""
    environ[_TAKEN] = True


def discard_body(environ: dict[str, Any]) -> None:
    """Take a body that nobody has read off the connection, so that the client comes to read its answer."""
    if _TAKEN in environ or _declared_length(environ) == 0:
        return
    stream = environ["wsgi.input"]
    if getattr(stream, "failed", False):
        return
    left = _MOST_DISCARDED
    with gevent.Timeout(_DISCARDING, False):
        try:
            while left > 0:
                data = stream.read(_DISCARD)
                if not data:
                    return
                left -= len(data)
        except Exception:  # see read_body
            pass
    try:
        stream.failed = True  # gunicorn closes a connection whose body it must not go on reading
    except AttributeError:
        pass  # a test's stream; nothing is kept open behind it


def _read(stream: _Input, most: int, length: int | None) -> bytes:
    if length is not None:
        body = stream.read(length) if length else b""
        if len(body) < length:
            raise RequestError(f"The request body ended after {len(body)} of {length} bytes.")
        return body
    pieces = []
    left = most
    while data := stream.read(_CHUNK):
        pieces.append(data)
        left -= len(data)
        if left < 0:
            raise _too_large(most)
    return b"".join(pieces)


def _declared_length(environ: dict[str, Any]) -> int | None:
    """Return the length that a request announces; None if it comes in chunks."""
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
            f"Unsupported content type. This API takes 'Content-Type: application/json', {what}.",
            code="unsupported_content_type",
            status=415,
        )
    encoding = environ.get("HTTP_CONTENT_ENCODING", "identity")
    if encoding.lower() != "identity":
        raise RequestError(
            f"Unsupported content encoding '{shorten(encoding)}'. Send the body uncompressed, without "
            "Content-Encoding.",
            code="unsupported_content_encoding",
            status=415,
        )


def _too_large(most: int) -> RequestError:
    return RequestError(
        f"The request body is too large. This server takes at most {most} bytes.",
        code="request_too_large",
        status=413,
    )

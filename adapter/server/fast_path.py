"""The fast path: a plain `POST /v1/responses`, without gunicorn's parser and Flask's request context.

Its law: for any bytes that a client sends, the bytes that come back are the same with the fast path as without, ids and
dates aside. So it knows one form of request, which begins with `_HEAD` and states the length of its body (1 MB at
most), and one answer, status 200. It declines everything else: gunicorn gets the bytes that have been read, and gives
the connection back when it has answered. It also declines a request that ends in an error before the first byte of its
answer; Flask raises that error again, so there is one way in which errors are answered and logged. The request enters
by the same `admit_http` and goes the same way as in `api/responses.py`.

A server without this module and without its lines in `worker.py` passes every test.
Source: docs/decisions/0037-the-fast-path.md; RFC 9112 §3, §5, §6.
"""

import errno
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from gunicorn import util
from gunicorn.http.wsgi import SERVER
from msgspec import Struct

from adapter.api.notes_header import notes_header
from adapter.api.origins import Origins
from adapter.api.request.intake import admit_http
from adapter.api.request.start import ADMITTED, StartedRequest, answer_fields, start_request
from adapter.api.stream import CONTENT_TYPE, HEADERS, ExchangeBody, begin_body, frames_writer
from adapter.flow.exchange import open_exchange
from adapter.telemetry.catalog import HTTP_REQUESTS
from adapter.telemetry.traces.spans import current_trace

if TYPE_CHECKING:
    from adapter.server.client_sockets import ClientSocket
    from adapter.server.worker import Worker

_HEAD: Final = re.compile(
    rb"POST /v1/responses HTTP/1\.1\r\n((?:[A-Za-z0-9-]{1,64}:[^\x00-\x08\x0a-\x1f\x7f]*\r\n){1,64})\r\n"
)
_MAX_FIELDS: Final = 64
_MAX_HEAD_BYTES: Final = 32 * 1024
"""Half of gunicorn's default limit for one field. Where the operator has set a lower limit, that one counts."""
_LENGTH: Final = re.compile(rb"(?i:^content-length):[ \t]*([1-9][0-9]{0,6})\r\n", re.MULTILINE)
_MAX_DIGITS: Final = 7
"""Of a length."""
_MAX_BODY_BYTES: Final = 1 << 20
"""Of what has been read, a declined request keeps a second copy. In longer bodies the gain is small."""
_READ_BYTES: Final = 1 << 16
_UNUSUAL: Final = {"TRANSFER-ENCODING", "TRAILER", "EXPECT", "UPGRADE", "HTTP2-SETTINGS", "ORIGIN"}
"""Fields that change how a request is read or answered."""
_HOST: Final = re.compile(r"(?:[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""A usual `Host`. Flask refuses those that cannot be encoded for DNS. Source: RFC 1035 §2.3.4."""
_LAST_CHUNK: Final = b"0\r\n\r\n"
_LABELS: Final = ("/v1/responses", "POST", "200")
_DISCONNECTS: Final = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)


class FastPath:
    """Answers the plain requests of a worker's connections."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._services = worker.wsgi.extensions["adapter"]
        self._origins = Origins(self._services.settings)
        self._unusual = frozenset(_UNUSUAL.union(worker.cfg.secure_scheme_headers) - {"X-FORWARDED-PROTO"})
        cfg = worker.cfg
        self._max_fields = min(_MAX_FIELDS, cfg.limit_request_fields or _MAX_FIELDS)
        self._max_head_bytes = min(_MAX_HEAD_BYTES, cfg.limit_request_field_size or _MAX_HEAD_BYTES)
        hooks = [cfg.settings[name] for name in ("pre_request", "post_request")]
        self._is_usable = not (
            self._services.settings.cors_origins
            or os.environ.get("SCRIPT_NAME")
            or not cfg.keepalive
            or worker.log.access_log_enabled
            or cfg.statsd_host
            or cfg.protocol != "http"
            or cfg.proxy_protocol not in (False, "off")
            or any(hook.get() is not hook.default for hook in hooks)
        )

    def serve(self, client: "ClientSocket") -> bool:
        """Answer requests as long as they are plain; return False when the connection is over.

        Otherwise `client.ahead` is what gunicorn has to read first.
        """
        rest: bytes | None = b""
        try:
            while rest is not None and self._is_usable:
                rest = self._serve_request(client, rest)
            return bool(client.ahead) or not self._is_usable
        except OSError as error:
            if error.errno not in _DISCONNECTS:
                self._worker.log.exception("Socket error processing request.")
        except Exception:
            self._worker.log.exception("Error handling request")
        return False

    def _serve_request(self, client: "ClientSocket", data: bytes) -> bytes | None:
        """Answer the next request, which begins with `data`, and return what has been read after it.

        None: the connection is over, or the request is declined, and its bytes are in `client.ahead`.
        """
        if data:
            client.turn.give_way()
        elif (arrived := client.take_request(_READ_BYTES)) is not None:
            data = arrived
        else:
            data = self._worker.await_request(client, _READ_BYTES)
        environ = self._read_request(client, data)
        answer = None if environ is None else self._begin_answer(client, environ)
        if environ is None or answer is None:
            client.ahead = data if environ is None else environ["wsgi.input"].data
            return None
        read: _Body = environ["wsgi.input"]
        rest = read.data[read.end :]
        del environ, data, read  # a stream may be long, and its request large
        self._worker.nr += 1
        HTTP_REQUESTS.add(_LABELS)
        if (trace := current_trace()) is not None:
            trace.answer("POST", "/v1/responses", 200)
        head, body = answer
        if isinstance(body, bytes):
            client.sendall(head + body)
        else:
            try:
                _write_chunks(client, head, body)
            finally:
                body.close()
        return rest

    def _read_request(self, client: "ClientSocket", data: bytes) -> dict[str, Any] | None:
        """Return the environment of a request with a plain head, None for anything else."""
        head: Head | None = client.known_head
        if head is None or not (length := head.length_in(data)):
            head = client.known_head = self._read_head(data)
            if head is None:
                return None
            length = head.length_in(data)
        worker = self._worker
        if (
            head.environ is None
            or length > _MAX_BODY_BYTES
            or not worker.alive
            or worker.nr + 1 >= worker.max_requests
        ):
            return None
        client.has_asked = True
        stated = str(length)
        start = len(head.before) + len(stated) + len(head.after)
        end = start + length
        return head.environ | {
            "gunicorn.socket": client,
            "REQUEST_METHOD": "POST",
            "CONTENT_LENGTH": stated,
            "wsgi.input": _Body(client, data, start, end, data[start:end] if len(data) >= end else None),
        }

    def _read_head(self, data: bytes) -> "Head | None":
        """Return the head with which a request begins; None if the fast path knows no such head."""
        found = _HEAD.match(data)
        if found is None or found.end() > self._max_head_bytes:
            return None
        length = _LENGTH.search(data, found.start(1), found.end(1))
        if length is None:
            return None
        if data.count(b"\n", found.start(1), found.end(1)) > self._max_fields:
            return None
        fields = data[found.start(1) : length.start()] + data[length.end() : found.end(1)]
        return Head(data[: length.start(1)], data[length.end(1) : found.end()], self._read_fields(fields))

    def _read_fields(self, fields: bytes) -> dict[str, str] | None:
        """Return the variables of header fields in a WSGI environment; None if the request is not plain."""
        environ: dict[str, str] = {}
        for line in fields.decode("latin-1").split("\r\n")[:-1]:
            name, _, value = line.partition(":")
            variable = _variable(name)
            if variable in environ or variable == "CONTENT_LENGTH" or name.upper() in self._unusual:
                return None
            environ[variable] = value.strip(" \t")
        is_kept = environ.get("HTTP_CONNECTION", "keep-alive").lower() == "keep-alive"
        host = environ.get("HTTP_HOST")
        is_known = host is None or _HOST.fullmatch(host) is not None
        return environ if is_kept and is_known and self._origins.accepts_host(host) else None

    def _begin_answer(
        self, client: "ClientSocket", environ: dict[str, Any]
    ) -> tuple[bytes, bytes | ExchangeBody] | None:
        """Return the head and the body of an answer; None, with nothing written, if Flask has to answer."""
        services = self._services
        start_request(environ)
        try:
            caller, request = admit_http(environ, services)
            if request.background:
                environ[ADMITTED] = caller, request
                client.started = StartedRequest(environ, None)
                return None
            exchange = open_exchange(services.flow, caller, request)
            if request.stream:
                stream = begin_body(exchange, services, frames_writer(request))
                fields = HEADERS | notes_header(stream.notes) | {"Content-Type": CONTENT_TYPE}
                return _format_head(fields | answer_fields(environ), chunked=True), stream
            try:
                body = exchange.answer_json()
            finally:
                exchange.close()
            kind = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            return _format_head(notes_header(exchange.notes) | kind | answer_fields(environ)), body
        except Exception as error:
            client.started = StartedRequest(environ, error)
            return None


class Head(Struct, frozen=True):
    """The head of a request, all of it but the length of the body. Most clients send the same with each request."""

    before: bytes
    after: bytes
    environ: dict[str, str] | None
    """Its fields as variables of a WSGI environment; None: it is not plain."""

    def length_in(self, data: bytes) -> int:
        """Return the length that a request states if this is its head; 0: it is another."""
        at = len(self.before)
        digits = data[at : at + _MAX_DIGITS].partition(b"\r")[0]
        if (
            digits.isdigit()
            and not digits.startswith(b"0")
            and data.startswith(self.before)
            and data.startswith(self.after, at + len(digits))
        ):
            return int(digits)
        return 0


class _Body(Struct, eq=False):
    """The body of one request (`wsgi.input`), which keeps what it reads from the connection."""

    _client: "ClientSocket"
    data: bytes
    """What has been read, from the request's first byte on."""
    _at: int
    """Where in it the next byte is read."""
    end: int
    """Where it ends."""
    arrived: bytes | None
    """The whole body, if it came with the head."""

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end of the body or of the connection."""
        stop = min(self._at + size, self.end)
        parts, missing = [self.data], stop - len(self.data)
        try:
            while missing > 0 and (more := self._client.recv(missing)):
                parts.append(more)
                missing -= len(more)
        finally:
            self.data = b"".join(parts)
        body = self.data[self._at : stop]
        self._at += len(body)
        return body


@lru_cache(maxsize=256)
def _variable(name: str) -> str:
    """Return the variable of a header field in a WSGI environment."""
    variable = name.upper().replace("-", "_")
    return variable if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{variable}"


def _format_head(fields: dict[str, str], *, chunked: bool = False) -> bytes:
    text = f"HTTP/1.1 200 OK\r\nServer: {SERVER}\r\nDate: {util.http_date()}\r\nConnection: keep-alive\r\n"
    if chunked:
        text += "Transfer-Encoding: chunked\r\n"
    for name, value in fields.items():
        text += f"{name}: {value.strip()}\r\n"
    return f"{text}\r\n".encode("latin-1")


def _write_chunks(client: "ClientSocket", head: bytes, body: ExchangeBody) -> None:
    body.send_now = client.send_chunk_now
    for piece in body:
        end = _LAST_CHUNK if body.has_ended else b""  # in one write with the last piece
        data = b"%b%X\r\n%b\r\n%b" % (head, len(piece), piece, end) if piece else head
        if head and not end:
            client.send_soon(data)
        else:
            client.sendall(data)
        head = b""
    if not body.has_ended:
        client.sendall(head + _LAST_CHUNK)

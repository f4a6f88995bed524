"""The Responses API over a WebSocket: the flow of HTTP, another transport.

A message `response.create` is a request, checked as a body of POST is; its events go out as one text message each. What
cannot begin is an `error` message, and the connection stays. Messages of one lane (`stream_id`) are served one after
the other, lanes side by side. What a client does not want stored is kept in the memory of its connection
(`connection.py`), so that it can be continued there and nowhere else. The first message of a client may ask for nothing
(`generate: false`): it only says what the next ones continue.

An idle connection is one greenlet, which waits for the next bytes. Source: responses-api reference §1.4.
"""

import re
import socket
import time
from collections import deque
from collections.abc import Iterable
from contextlib import closing, suppress
from typing import Any, Final, Literal, cast

import gevent
import structlog
from flask import Response
from gevent.lock import Semaphore
from werkzeug.wrappers import Request

from adapter.api.error_reports import report_error
from adapter.api.request.body import mark_body_read
from adapter.api.request.intake import admit, identify_caller, parse_body
from adapter.api.websocket.memory import ConnectionServices, ConnectionStore, WarmUp
from adapter.event_loop.client_watch import ClientDisconnected, ClientWatch
from adapter.event_loop.sockets import shut
from adapter.flow.exchange import Caller, Exchange, stopping
from adapter.services import Services
from adapter.settings.settings import Settings
from translators.errors import (
    ProtocolError,
    RequestError,
    UpstreamError,
    invalid_type,
    invalid_value,
    json_type_name,
    missing_parameter,
    shorten,
    unsupported_parameter,
)
from translators.responses.request import CreateRequest
from translators.wire import Raw, decode, decode_members, encode

log = structlog.get_logger()

LIFE: Final = 60 * 60.0
"""Seconds that a connection may last."""
LANES: Final = 32
"""Names of lanes that one connection may use."""
AT_ONCE: Final = 16
"""Responses of one connection that are made at the same time; others wait."""
WAITING: Final = 64
"""Messages that may wait; then nothing more is read until some are done."""
_PING: Final = 30.0
"""Seconds of silence after which a sign of life goes out; the client's own comes back."""
_READ: Final = 64 * 1024
_STREAM_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_LEFT_OUT: Final = ("type", "stream", "stream_id", "generate")
"""Members of a message that a body of POST does not have, or that go without saying."""

_NORMAL, _GOING_AWAY, _TOO_BIG = 1000, 1001, 1009
"""Codes with which a connection is closed."""


def upgrade(environ: dict[str, Any], services: Services) -> Response:
    """Return the answer to a request for a WebSocket: one that takes the connection over; raise RequestError."""
    caller = identify_caller(environ, services.settings)
    from wsproto import ConnectionType, WSConnection
    from wsproto.utilities import RemoteProtocolError

    if environ.get("gunicorn.socket") is None:
        raise RequestError("This server cannot serve WebSockets.", status=501)
    protocol = WSConnection(ConnectionType.SERVER)
    request = Request(environ)
    try:
        protocol.initiate_upgrade_connection(
            [(name.encode(), value.encode("latin-1")) for name, value in request.headers.items()], request.full_path
        )
    except RemoteProtocolError as error:
        raise RequestError(f"This is no handshake of a WebSocket: {error}.") from None
    mark_body_read(environ)
    return _Upgraded(
        Connection(environ, protocol, Caller(caller.tenant, caller.bearer, SocketWatch(environ)), services)
    )


class _Upgraded(Response):
    """An answer that is a whole connection; what the server would write itself is never written."""

    def __init__(self, connection: "Connection") -> None:
        super().__init__(status=101)
        self._connection = connection

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        self._connection.serve([(name.encode(), value.encode()) for name, value in self.headers.items()])
        raise StopIteration  # gunicorn's word for a connection that is done with


class SocketWatch(ClientWatch):
    """The client behind a connection; gone, too, when it has said so, or when the connection was given up."""

    closed = False

    def disconnected(self) -> bool:
        return self.closed or super().disconnected()


class Connection:
    """One WebSocket. `serve` returns when it is over."""

    def __init__(self, environ: dict[str, Any], protocol: Any, caller: Caller, of: Services) -> None:
        self._socket = environ["gunicorn.socket"]
        self._request_id = structlog.contextvars.get_contextvars().get("request_id")
        self._protocol = protocol
        self._caller = caller
        self._watch = cast(SocketWatch, caller.watch)
        self._services = of
        self._store = ConnectionStore(of.responses, of.settings.max_body_bytes)
        self._own_services = cast(Services, ConnectionServices(of, self._store))
        self._lanes: dict[str | None, Lane] = {}
        self._messages = 0
        """That were taken."""
        self._waiting = 0
        self._room = Semaphore(AT_ONCE)
        self._writer = Semaphore(1)
        self._stuck: float | None = None
        """Seconds, counted in ticks, that a write has been waiting for the client."""
        self._ends = time.monotonic() + LIFE

    # --- the client's side ------------------------------------------------------------------------------------

    def serve(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Shake hands, take messages until the client or this server has had enough, and wait for what is made."""
        from wsproto.events import AcceptConnection

        headers = [header for header in headers if header[0].lower().startswith((b"x-", b"openai-"))]
        self._services.heartbeat.add(self)
        try:
            with suppress(OSError):
                self._write(self._protocol.send(AcceptConnection(extra_headers=headers)))
                code = self._take_messages()
                if code is not None:
                    self._say_goodbye(code)
        finally:
            self._watch.closed = True
            gevent.joinall([lane.greenlet for lane in self._lanes.values() if lane.greenlet is not None])
            self._lanes.clear()  # they refer to this connection
            self._services.heartbeat.remove(self)
            log.info("websocket", seconds=round(time.monotonic() + LIFE - self._ends, 3), messages=self._messages)

    def _take_messages(self) -> int | None:
        """Take messages until the end; return the code to close with, None if the client has gone or closed."""
        from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
        from wsproto.utilities import RemoteProtocolError

        most = self._services.settings.max_body_bytes
        text: list[str] = []
        size = 0
        while True:
            data = self._receive()
            if not isinstance(data, bytes):
                return data
            if not data:
                return _GOING_AWAY if self._services.draining else None
            try:
                self._protocol.receive_data(data)
                for event in self._protocol.events():
                    if isinstance(event, Ping):
                        self._write(self._protocol.send(event.response()))
                    elif isinstance(event, CloseConnection):
                        self._watch.closed = True
                        self._write(self._protocol.send(event.response()))
                        return None
                    elif isinstance(event, BytesMessage):
                        if event.message_finished:
                            self._refuse(RequestError("Messages are text: one JSON object each."), None)
                    elif isinstance(event, TextMessage):
                        size += len(event.data)
                        if size > most:
                            self._refuse(
                                RequestError(f"The message is larger than {most} bytes.", status=413), None
                            )
                            return _TOO_BIG
                        text.append(event.data)
                        if event.message_finished:
                            self._take("".join(text))
                            text, size = [], 0
            except RemoteProtocolError as error:
                if error.event_hint is not None:
                    self._write(self._protocol.send(error.event_hint))
                return None

    def _receive(self) -> bytes | int:
        """Return the next bytes, b"" at the end; or the code to close with, when the time of the connection is over."""
        while True:
            busy = self._busy()
            if time.monotonic() >= self._ends and not busy:
                self._refuse(
                    RequestError(
                        "Responses websocket connection limit reached (60 minutes). Create a new websocket "
                        "connection to continue.",
                        code="websocket_connection_limit_reached",
                    ),
                    None,
                )
                return _NORMAL
            if self._services.draining and not busy:
                return _GOING_AWAY
            if self._waiting >= WAITING:
                gevent.sleep(0.05)
                continue
            self._socket.settimeout(1.0 if self._services.draining else _PING)
            try:
                data: bytes = self._socket.recv(_READ)
                return data
            except TimeoutError:
                if not self._services.draining:
                    from wsproto.events import Ping

                    self._write(self._protocol.send(Ping()))

    def _busy(self) -> bool:
        return any(lane.greenlet is not None for lane in self._lanes.values())

    def tick(self) -> None:
        """Hang up on a client that takes nothing; wake the connection when the server is about to stop."""
        if self._stuck is not None:
            self._stuck += 1.0
            if self._stuck > self._services.settings.write_timeout:
                self._watch.abort()
        elif self._services.draining and not self._busy():
            shut(self._socket, socket.SHUT_RD)

    def _say_goodbye(self, code: int) -> None:
        from wsproto.events import CloseConnection

        self._write(self._protocol.send(CloseConnection(code)))

    def _write(self, data: bytes) -> None:
        """Write what belongs together in one go; raise OSError if the client is gone."""
        with self._writer:
            self._stuck = 0.0
            try:
                self._socket.settimeout(None)
                self._socket.sendall(data)
            finally:
                self._stuck = None

    # --- messages ---------------------------------------------------------------------------------------------

    def _take(self, text: str) -> None:
        """Put a message into its lane, or refuse it."""
        name: str | None = None
        try:
            message = Message(text)
            name = message.lane
            if message.kind == "response.steer":
                return self._refuse_steer(message)
            if self._services.draining:
                raise stopping()
            lane = self._lanes.get(name)
            if lane is None:
                if name is not None and sum(known is not None for known in self._lanes) >= LANES:
                    raise RequestError(
                        f"This WebSocket connection has reached its maximum number of distinct stream IDs ({LANES}). "
                        "Reuse an existing stream_id or open a new WebSocket connection.",
                        param="stream_id",
                        code="websocket_stream_limit_reached",
                    )
                lane = self._lanes[name] = Lane(self, name)
        except ProtocolError as error:
            self._refuse(error, name)
        else:
            self._messages += 1
            self._waiting += 1
            lane.put(message)

    def respond(self, message: "Message", lane: "Lane") -> None:
        """Make the response that a message asks for, and tell it."""
        self._waiting -= 1
        structlog.contextvars.bind_contextvars(request_id=self._request_id)
        previous: str | None = None
        failed = True

        def parse(body: bytes, settings: Settings) -> CreateRequest:
            nonlocal previous
            wanted = parse_body(body, settings)
            previous = wanted.previous_response_id
            self._check(wanted)
            return wanted

        with self._room:
            try:
                if self._watch.disconnected() or self._services.must_stop():
                    return
                of, settings = self._own_services, self._services.settings
                wanted = admit(message.body, self._caller, settings, of.responses, parse)
                kind = Exchange if message.generates else WarmUp
                failed = self._tell(kind(of, self._caller, wanted), lane)
            except (ClientDisconnected, OSError):
                self._watch.closed = True
            except Exception as error:
                report = report_error(error)
                report.write_log()
                self._refuse(report.error, lane.name)
            finally:
                if failed and previous is not None:
                    self._store.evict(previous)

    def _check(self, request: CreateRequest) -> None:
        """Raise RequestError for what a message cannot ask for."""
        if request.background:
            raise unsupported_parameter("background", "is not supported over a WebSocket.")
        previous = request.previous_response_id
        if request.store and previous is not None and self._store.holds(previous):
            raise RequestError(
                "A response that is to be stored cannot continue one that only this connection remembers. "
                "Send 'store': false, or have the earlier one stored.",
                param="store",
                code="invalid_value",
            )

    def _tell(self, exchange: Exchange, lane: "Lane") -> bool:
        """Send the events of an exchange; tell whether it failed."""
        quiet = 0
        with closing(exchange):
            exchange.await_head(self._services.settings.grace_window)
            with closing(exchange.events()) as batches:
                for events in batches:
                    if not events:
                        quiet += 1
                        if quiet < self._services.settings.keep_alive:
                            continue
                        events = exchange.still_running()
                    quiet = 0
                    self._write(b"".join([lane.frame(encode(event)) for event in events]))
            return exchange.has_failed

    def _refuse(self, error: ProtocolError, lane: str | None) -> None:
        """Send an `error` message; a client that is gone needs none."""
        told: dict[str, Any] = error.envelope()["error"]
        told["code"] = told["code"] or told["type"]  # which must be there
        if isinstance(error, UpstreamError) and error.retry_after is not None:
            told["headers"] = {"retry-after": f"{error.retry_after:g}"}
        message: dict[str, Any] = {"type": "error", "status": error.status, "error": told}
        if lane is not None:
            message["stream_id"] = lane
        with suppress(OSError):
            self._write(text_frame(encode(message)))

    def _refuse_steer(self, message: "Message") -> None:
        said = message.steer()
        error = {
            "type": "invalid_request_error",
            "code": "steering_not_supported",
            "message": "Responses cannot be steered here. Send the input with the next 'response.create'.",
        }
        told = {"type": "response.steer.failed", "sequence_number": 0, "error": error, "steer": said}
        self._write(text_frame(encode(told)))


class Lane:
    """Messages of one stream_id, served one after the other. No greenlet waits in an idle one."""

    def __init__(self, connection: Connection, name: str | None) -> None:
        self.name = name
        self.greenlet: gevent.Greenlet | None = None
        self._connection = connection
        self._messages: deque[Message] = deque()
        self._mark = b"" if name is None else b',"stream_id":' + encode(name) + b"}"

    def put(self, message: "Message") -> None:
        self._messages.append(message)
        if self.greenlet is None:
            self.greenlet = gevent.spawn(self._serve)

    def _serve(self) -> None:
        try:
            while self._messages:
                self._connection.respond(self._messages.popleft(), self)
        finally:
            self.greenlet = None

    def frame(self, event: bytes) -> bytes:
        """Return the message that an event is in this lane."""
        return text_frame(event[:-1] + self._mark if self._mark else event)


class Message:
    """One message of a client, taken apart; raises RequestError for what is none."""

    def __init__(self, text: str) -> None:
        self._text = text
        members = decode_members(text.encode())
        if "type" not in members:
            raise missing_parameter("type")
        kind = _value(members, "type")
        if kind not in ("response.create", "response.steer"):
            raise invalid_value("type", shorten(str(kind)), ["response.create"])
        self.kind: Literal["response.create", "response.steer"] = kind
        self.lane = _lane(members)
        generates = _value(members, "generate")
        if generates is not None and not isinstance(generates, bool):
            raise invalid_type("generate", "a boolean", json_type_name(generates))
        self.generates = generates is not False and not _prewarms(members)
        rest = {name: raw for name, raw in members.items() if name not in _LEFT_OUT}
        self.body = encode({**rest, "stream": True})

    def steer(self) -> dict[str, Any]:
        value = decode(self._text.encode())
        return {name: value.get(name) for name in ("previous_response_id", "input")}


def _value(members: dict[str, Raw], name: str) -> Any:
    return decode(bytes(members[name])) if name in members else None


def _lane(members: dict[str, Raw]) -> str | None:
    name = _value(members, "stream_id")
    if name is not None and not (isinstance(name, str) and _STREAM_ID.fullmatch(name)):
        raise RequestError(
            "The 'stream_id' field must be a non-empty string with at most 256 characters and may only contain "
            "letters, numbers, underscores, hyphens, and periods.",
            param="stream_id",
            code="invalid_stream_id",
        )
    return name


def _prewarms(members: dict[str, Raw]) -> bool:
    """Tell whether the cache is to be warmed and nothing else; take the word for it away."""
    options = _value(members, "prompt_cache_options")
    if not isinstance(options, dict) or options.pop("prewarm", None) is not True:
        return False
    members["prompt_cache_options"] = Raw(encode(options))
    return True


def text_frame(payload: bytes) -> bytes:
    """Return a text message as one frame of a server: not fragmented, not masked (RFC 6455 §5.2)."""
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload

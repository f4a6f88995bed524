"""The Responses API over a WebSocket: handshake, reading, closing. Messages are handled by `session.py`.

gunicorn hands over the socket of the request; from then on one greenlet reads it, which is all that an idle connection
costs. wsproto decodes the frames. The server closes a connection when its hour is over or the worker stops, after the
responses under way. Source: OpenAI guide, WebSocket mode; RFC 6455.
"""

import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from io import StringIO
from typing import Any, Final

import gevent
from flask import Response
from werkzeug.wrappers import Request

from adapter.api.errors import upgrade_required
from adapter.api.request.body import mark_body_read
from adapter.api.request.intake import declines_recording, identify_caller
from adapter.api.websocket.session import Session
from adapter.api.websocket.writer import SocketWatch, SocketWriter
from adapter.event_loop.sockets import shut
from adapter.event_loop.turn import Turn
from adapter.flow.caller import Caller
from adapter.services import Services
from adapter.sharing.shares import NoRoom
from adapter.telemetry.logs import log
from translators.errors import RequestError

MAX_CONNECTION_SECONDS: Final = 60 * 60.0
"""As at OpenAI. Source: OpenAI guide, WebSocket mode."""
_PING_SECONDS: Final = 30.0
"""Of silence, after which a ping goes out: below the idle timeout of common proxies (nginx: 60 s)."""
_DRAINING_READ_SECONDS: Final = 1.0
"""Time for one read while the worker stops: then it is checked again whether the connection is idle. A new connection
has as long for its first message."""
_FULL_PAUSE_SECONDS: Final = 0.05
"""Time between two checks of a full session; the first of 64 waiting messages is rarely done sooner."""
_READ_BYTES: Final = 64 * 1024
MAX_EMPTY_FRAMES: Final = 1000
"""Pings, pongs, empty and tiny pieces of messages in any ten seconds: far more than any client sends."""
_TINY_BYTES: Final = 16
"""A piece of a message that is smaller, and not the last, costs more than it brings."""
_EMPTY_FRAMES_SECONDS: Final = 10.0

_NORMAL, _GOING_AWAY, _INVALID_TEXT, _POLICY_VIOLATION, _TOO_BIG, _TRY_AGAIN_LATER = 1000, 1001, 1007, 1008, 1009, 1013
"""Status codes of a close frame. Source: RFC 6455 §7.4.1; IANA, WebSocket Close Code Number Registry."""

_NOT_UTF_8: Final = "Text must be valid UTF-8."
_TOO_MANY_FRAMES: Final = "Too many control frames or empty frames."


def upgrade(environ: dict[str, Any], services: Services) -> Response:
    """Return the answer to a request for a WebSocket: one that takes the connection over; raise RequestError."""
    caller = identify_caller(environ, services.caller_keys)
    from wsproto import ConnectionType, WSConnection
    from wsproto.utilities import RemoteProtocolError

    if environ.get("gunicorn.socket") is None:
        raise upgrade_required("This server cannot serve WebSockets. Send requests by POST.")
    protocol = WSConnection(ConnectionType.SERVER)
    request = Request(environ)
    try:
        protocol.initiate_upgrade_connection(
            [(name.encode(), value.encode("latin-1")) for name, value in request.headers.items()], request.full_path
        )
    except RemoteProtocolError as error:
        raise upgrade_required(f"This is not a WebSocket handshake: {error}.") from None
    mark_body_read(environ)
    return _Upgraded(Connection(environ, protocol, caller, services))


class _Upgraded(Response):
    """An answer that is a whole connection; the server's own answer is never written."""

    def __init__(self, connection: "Connection") -> None:
        super().__init__(status=101)
        self._connection = connection

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        self._connection.serve([(name.encode(), value.encode()) for name, value in self.headers.items()])
        raise StopIteration  # gunicorn then regards the connection as finished


class Connection:
    """One WebSocket. `serve` returns when it is over."""

    def __init__(self, environ: dict[str, Any], protocol: Any, caller: Caller, services: Services) -> None:
        self._socket = environ["gunicorn.socket"]
        self._protocol = protocol
        self._services = services
        self._watch = SocketWatch(self._socket)
        self._writer = SocketWriter(self._socket, self._watch, services.settings.write_timeout)
        recorder = None if declines_recording(environ) else services.recorder
        self._session = Session(caller, self._watch, services, self._writer, recorder)
        self._opened = time.monotonic()
        self._turn = Turn()
        self._empty_frames = 0
        self._counted_since = self._opened

    def serve(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Accept the handshake, read messages until either side ends the connection, and wait for open responses."""
        from wsproto.events import AcceptConnection, CloseConnection

        headers = [header for header in headers if header[0].lower().startswith((b"x-", b"openai-"))]
        self._services.heartbeat.add(self)
        try:
            with suppress(OSError):
                self._send(AcceptConnection(extra_headers=headers))
                code = self._read_messages()
                if code is not None:
                    reason = _TOO_MANY_FRAMES if code == _POLICY_VIOLATION else None
                    self._send(CloseConnection(code, reason))
        finally:
            self._watch.closed = True
            self._session.end()
            self._services.heartbeat.remove(self)
            seconds = round(time.monotonic() - self._opened, 3)
            log.info("websocket", seconds=seconds, messages=self._session.message_count)

    def tick(self) -> None:
        """Cut off a client that does not read; wake an idle connection when the worker is about to stop."""
        if self._writer.is_writing:
            self._writer.tick()
        elif self._services.draining and self._is_idle:
            shut(self._socket, socket.SHUT_RD)

    @property
    def _is_idle(self) -> bool:
        """Whether nothing is to be answered, and no first message to be expected."""
        is_new = not self._session.message_count and time.monotonic() < self._opened + _DRAINING_READ_SECONDS
        return not self._session.is_busy and not is_new

    def _read_messages(self) -> int | None:
        """Pass messages on until the end; return the code to close with, None if the client has gone or closed."""
        from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
        from wsproto.utilities import RemoteProtocolError

        max_bytes = self._services.settings.max_body_bytes
        text, size, room = StringIO(), 0, self._session.open_room()
        while True:
            data = self._read()
            if not isinstance(data, bytes):
                return data
            if not data:
                return _GOING_AWAY if self._services.draining else None
            try:
                self._protocol.receive_data(data)
                for event in self._protocol.events():
                    self._turn.give_way()
                    if self._brings_nothing(event, Ping, Pong) and self._has_too_many_empty():
                        return _POLICY_VIOLATION
                    if isinstance(event, Ping):
                        self._send(event.response())
                    elif isinstance(event, CloseConnection):
                        self._watch.closed = True
                        is_invalid = event.code == _INVALID_TEXT  # with a reason in the words of Python's codec
                        self._send(CloseConnection(_INVALID_TEXT, _NOT_UTF_8) if is_invalid else event.response())
                        return None
                    elif isinstance(event, BytesMessage):
                        if event.message_finished:
                            self._session.send_error(RequestError("Messages are text: one JSON object each."))
                    elif isinstance(event, TextMessage):
                        size += len(event.data)
                        if size > max_bytes:
                            self._session.send_error(
                                RequestError(f"The message is larger than {max_bytes} bytes.", status=413)
                            )
                            return _TOO_BIG
                        try:
                            room.grow(len(event.data))
                        except NoRoom as error:
                            self._session.send_error(error)
                            return _TRY_AGAIN_LATER
                        text.write(event.data)
                        if event.message_finished:
                            self._session.receive(text.getvalue(), room)
                            text, size, room = StringIO(), 0, self._session.open_room()
            except RemoteProtocolError as error:
                if error.event_hint is not None:
                    self._send(error.event_hint)
                return None

    def _brings_nothing(self, event: Any, *control: type) -> bool:
        return isinstance(event, control) or (
            not getattr(event, "message_finished", True) and len(event.data) < _TINY_BYTES
        )

    def _has_too_many_empty(self) -> bool:
        """Count a frame that brings nothing."""
        now = time.monotonic()
        if now >= self._counted_since + _EMPTY_FRAMES_SECONDS:
            self._empty_frames, self._counted_since = 0, now
        self._empty_frames += 1
        return self._empty_frames > MAX_EMPTY_FRAMES

    def _read(self) -> bytes | int:
        """Return the next bytes, b"" at the end; or the code to close with, when the server has to close."""
        while True:
            draining = self._services.draining
            if self._is_idle:
                if time.monotonic() >= self._opened + MAX_CONNECTION_SECONDS:
                    self._session.send_error(_connection_limit_reached())
                    return _NORMAL
                if draining:
                    return _GOING_AWAY
            if self._session.is_full:
                gevent.sleep(_FULL_PAUSE_SECONDS)
                continue
            self._socket.settimeout(_DRAINING_READ_SECONDS if draining else _PING_SECONDS)
            try:
                data: bytes = self._socket.recv(_READ_BYTES)
                return data
            except TimeoutError:
                if not self._services.draining:
                    from wsproto.events import Ping

                    self._send(Ping())

    def _send(self, event: Any) -> None:
        """Write a frame that belongs to the connection, not to a response."""
        self._writer.write(self._protocol.send(event))


def _connection_limit_reached() -> RequestError:
    return RequestError(
        "Responses websocket connection limit reached (60 minutes). Create a new websocket connection to continue.",
        code="websocket_connection_limit_reached",
    )

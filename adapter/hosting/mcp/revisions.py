"""The eras of MCP over Streamable HTTP, each as a connection that sends requests and returns their results.

`StatelessConnection`: revision 2026-07-28, without sessions: each POST names the revision and the client.
`SessionConnection`: the revisions of 2025, in which `initialize` comes first, and the server may give a session.
`sse_transport.py` has the older era, HTTP+SSE. Neither sends a request twice after a server may have run it: only an
answer that says that there is no such session, or that names the revision of the request as the one to use, is followed
by a second try.
Source: Model Context Protocol specification, Versioning, Transports, Lifecycle.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

import gevent
from gevent.lock import BoundedSemaphore
from gevent.pool import Group

from adapter.hosting.mcp.endpoint import Endpoint, Message, find_result
from adapter.hosting.mcp.errors import METHOD_NOT_FOUND, UNSUPPORTED_VERSION, MCPError, invalid_answer, needs_input

STATELESS: Final = "2026-07-28"
WITH_SESSIONS: Final = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""Newest first."""
_META: Final = "io.modelcontextprotocol/"
_CLIENT: Final = {"name": "responses-adapter", "version": "1"}
"""The version is that of this client; servers use neither."""
_SESSION_ID: Final = re.compile(r"[!-~]{1,1024}")
_INITIALIZE_BYTES: Final = 1024 * 1024
"""Read of an answer to `initialize`, whose instructions may be long."""
_CLEANUP_SECONDS: Final = 2.0
"""For a notification that a call is cancelled, and for the end of a session."""


class Connection(Protocol):
    """Requests to one server, all in one revision."""

    revision: str
    identity: str
    """The server's name and version; "" as long as they are unknown."""

    def request(
        self, method: str, params: Message, *, max_bytes: int, headers: Mapping[str, str]
    ) -> Message:
        """Return the result; raise MCPError. `headers`: those that mirror the parameters."""

    def close(self) -> None:
        """End the session, in the background, if there is one."""


class StatelessConnection:
    """Revision 2026-07-28."""

    revision = STATELESS

    def __init__(self, endpoint: Endpoint, ids: Iterator[int]) -> None:
        self._endpoint = endpoint
        self._ids = ids
        self.identity = ""

    def request(
        self, method: str, params: Message, *, max_bytes: int, headers: Mapping[str, str]
    ) -> Message:
        meta = {
            f"{_META}protocolVersion": STATELESS,
            f"{_META}clientInfo": _CLIENT,
            f"{_META}clientCapabilities": {},
        }
        sent = {"MCP-Protocol-Version": STATELESS, "Mcp-Method": method, **headers}
        try:
            result = self._send(method, {**params, "_meta": meta}, sent, max_bytes)
        except MCPError as error:
            supported = error.data.get("supported") if isinstance(error.data, dict) else None
            if error.code != UNSUPPORTED_VERSION or not isinstance(supported, list) or STATELESS not in supported:
                raise
            result = self._send(method, {**params, "_meta": meta}, sent, max_bytes)
        of = result.get("_meta")
        self.identity = identify(of.get(f"{_META}serverInfo") if isinstance(of, dict) else None) or self.identity
        return result

    def close(self) -> None:
        """Do nothing: there is no session."""

    def _send(
        self, method: str, params: Message, headers: Mapping[str, str], max_bytes: int
    ) -> Message:
        message = _request(next(self._ids), method, params)
        answer = self._endpoint.post(message, headers)
        return find_result(answer, message["id"], max_bytes, _refuse_request)


class SessionConnection:
    """The revisions of 2025: `initialize` is sent before the first request, and again when the session is lost."""

    def __init__(self, endpoint: Endpoint, ids: Iterator[int], endings: Group) -> None:
        """`endings`: the greenlets of the worker that end sessions."""
        self._endings = endings
        self._endpoint = endpoint
        self._ids = ids
        self._beginning = BoundedSemaphore(1)
        self._session: dict[str, str] | None = None
        """The headers of its requests; None: it has not begun."""
        self._cancellations = Group()
        self.revision = ""
        self.identity = ""

    def request(
        self, method: str, params: Message, *, max_bytes: int, headers: Mapping[str, str]
    ) -> Message:
        session = self._begin()
        try:
            return self._send(session, method, params, max_bytes)
        except MCPError as error:
            # Some servers answer 400 for a session that they do not know, where the specification asks for 404.
            if "Mcp-Session-Id" not in session or error.status not in (400, 404):
                raise
        if self._session is session:
            self._session = None
        return self._send(self._begin(), method, params, max_bytes)

    def close(self) -> None:
        if self._session is not None and "Mcp-Session-Id" in self._session:
            self._endings.spawn(self._end_session, self._session)

    def _begin(self) -> dict[str, str]:
        with self._beginning:
            if self._session is None:
                self._session = self._initialize()
            return self._session

    def _initialize(self) -> dict[str, str]:
        message = _request(next(self._ids), "initialize", initialize_params())
        answer = self._endpoint.post(message, {})
        id = answer.session
        result = find_result(answer, message["id"], _INITIALIZE_BYTES, _refuse_request)
        self.revision = read_revision(result)
        self.identity = identify(result.get("serverInfo"))
        session = {"MCP-Protocol-Version": self.revision}
        if id is not None:
            if not _SESSION_ID.fullmatch(id):
                raise invalid_answer("The tool server's session id is not valid")
            session["Mcp-Session-Id"] = id
        self._notify(session, "notifications/initialized", {})
        return session

    def _send(
        self, session: dict[str, str], method: str, params: Message, max_bytes: int
    ) -> Message:
        message = _request(next(self._ids), method, params)
        answered = False
        try:
            answer = self._endpoint.post(message, session)
            result = find_result(
                answer, message["id"], max_bytes,
                lambda request: self._endpoint.post(answer_request(request), session).discard(),
            )  # fmt: skip
            answered = True
            return result
        except MCPError as error:
            answered = error.status != 0
            raise
        finally:
            if not answered:
                cancelled = {"requestId": message["id"], "reason": "The caller does not wait any longer."}
                self._cancellations.spawn(self._try_to_notify, session, "notifications/cancelled", cancelled)

    def _notify(self, session: dict[str, str], method: str, params: Message) -> None:
        self._endpoint.post(notification(method, params), session).discard()

    def _try_to_notify(self, session: dict[str, str], method: str, params: Message) -> None:
        try:
            with gevent.Timeout(_CLEANUP_SECONDS, False):
                self._notify(session, method, params)
        except MCPError:
            pass  # the call has ended anyway

    def _end_session(self, session: dict[str, str]) -> None:
        self._cancellations.join(_CLEANUP_SECONDS)
        try:
            with gevent.Timeout(_CLEANUP_SECONDS, False):
                self._endpoint.delete(session)
        except MCPError:
            pass  # the server forgets the session by itself


def initialize_params() -> Message:
    """Return the parameters of `initialize`, with the newest revision that has sessions."""
    return {"protocolVersion": WITH_SESSIONS[0], "capabilities": {}, "clientInfo": _CLIENT}


def read_revision(result: Message) -> str:
    """Return the revision that a server chose in its answer to `initialize`; raise MCPError for an unknown one."""
    revision = result.get("protocolVersion")
    if not isinstance(revision, str) or revision not in WITH_SESSIONS:
        raise invalid_answer("The tool server speaks no revision of MCP that is known here")
    return revision


def identify(server: Any) -> str:
    """Return the name and version in a server's description of itself, "" if there is none."""
    if not isinstance(server, dict):
        return ""
    words = [server.get("name"), server.get("version")]
    shown = " ".join(word for word in words if isinstance(word, str) and word)
    return "".join(filter(str.isprintable, shown))[:100]


def answer_request(request: Message) -> Message:
    """Return the answer to a server's own request: a ping is answered, everything else refused."""
    answer: Message = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] == "ping":
        return {**answer, "result": {}}
    return {**answer, "error": {"code": METHOD_NOT_FOUND, "message": "This client gives no input."}}


def notification(method: str, params: Message) -> Message:
    """Return a JSON-RPC message that gets no answer."""
    message: Message = {"jsonrpc": "2.0", "method": method}
    return {**message, "params": params} if params else message


def _request(id: int, method: str, params: Message) -> Message:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def _refuse_request(request: Message) -> None:
    raise needs_input()

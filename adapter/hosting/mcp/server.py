"""One MCP server, for one response of one tenant: list its tools, call them, end the session.

Which era a server belongs to is found out by its first list: it is requested without a session, then with one, then,
where the settings or the URL say so, over HTTP+SSE. The worker remembers the era.

A server may be used by several greenlets at a time. A greenlet that waits in it may be killed: its connection is then
closed, which cancels the call. Source: Model Context Protocol specification, Versioning.
"""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import gevent
import msgspec
from gevent.lock import BoundedSemaphore
from msgspec import structs
from urllib3.util import Url

from adapter.files.guard import Guard, parse
from adapter.hosting.mcp.connections import IdleConnections, ServerConnections, ServerKey
from adapter.hosting.mcp.endpoint import Endpoint, Message
from adapter.hosting.mcp.errors import (
    HEADER_MISMATCH,
    MISSING_CAPABILITY,
    MCPError,
    invalid_arguments,
    redact_error,
    too_late,
)
from adapter.hosting.mcp.memory import Era, ServerMemory
from adapter.hosting.mcp.mirrored import Path, find_mirrored, mirror
from adapter.hosting.mcp.results import MAX_RESULT_BYTES, failed, read_result
from adapter.hosting.mcp.revisions import Connection, SessionConnection, StatelessConnection
from adapter.hosting.mcp.sse_transport import StreamConnection
from adapter.hosting.mcp.tools import MAX_LIST_BYTES, ToolList, read_pages
from adapter.hosting.results import ToolResult
from adapter.settings.tools.servers import MCPServerSettings
from adapter.upstream.redaction import Redactor
from translators.tools.mcp import ListedFunction

_LIST_SECONDS: Final = 10.0
"""For a list with all its pages, and finding out the era."""
_MIN_SECRET_CHARS: Final = 8
_MAX_ARGUMENT_BYTES: Final = 256 * 1024
_FINAL_STATUSES: Final = frozenset({401, 403, 407, 429})
"""A server answers with them in whatever era."""
_STATELESS_CODES: Final = frozenset({HEADER_MISMATCH, MISSING_CAPABILITY})
"""JSON-RPC codes of a server that speaks the newest revision."""


class ServerAccess:
    """How a tenant reaches a server with one credential. It has no state of a response, so that many can share it."""

    def __init__(
        self, settings: MCPServerSettings, tenant: str, guard: Guard, memory: ServerMemory, idle: IdleConnections,
        *, is_configured: bool,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.memory = memory
        self.url = url = parse(settings.url)
        headers = {name: secret.value for name, secret in settings.headers.items()}
        if settings.authorization is not None:
            headers["Authorization"] = f"Bearer {settings.authorization.value}"
        self.key = ServerKey(tenant, settings.url, _digest(headers), is_configured)
        self.endpoint = Endpoint(url, headers, ServerConnections(self.key, url, guard, idle))
        self.redact = Redactor(_secrets(headers, url))
        self.endings = idle.endings
        self._listed: ToolList | None = None
        self._tools: tuple[ListedFunction, ...] = ()
        self.mirrored: dict[str, dict[Path, str]] = {}
        """By the name of a tool, the parameters that are sent as headers too."""

    def allows(self, name: str) -> bool:
        """Whether the operator allows a tool."""
        return self.settings.allowed_tools is None or name in self.settings.allowed_tools

    def learn(self, found: ToolList) -> tuple[ListedFunction, ...]:
        """Return the tools of a list that the operator allows."""
        if found is not self._listed:
            allowed = tuple(tool for tool in found.tools if self.allows(tool.name))
            if not self.settings.trust_annotations:
                allowed = tuple(structs.replace(tool, read_only=False) for tool in allowed)
            self._listed, self._tools = found, allowed
            self.mirrored = {tool.name: find_mirrored(tool.input_schema) for tool in allowed}
        return self._tools


class MCPServer:
    """Made without I/O by `ToolPolicy.resolve`."""

    def __init__(self, access: ServerAccess) -> None:
        self.label = access.settings.label
        self.settings = access.settings
        """Its approval floor, what follows a failed list, the description."""
        self._access = access
        self._memory = access.memory
        self._ids = itertools.count(1)
        self._finding = BoundedSemaphore(1)
        self._connection: Connection | None = None

    @property
    def revision(self) -> str:
        """The revision of MCP that the server speaks; "" before the first request."""
        return self._connection.revision if self._connection is not None else ""

    @property
    def identity(self) -> str:
        """The name and version that the server gives itself, "" if it gives none."""
        return self._connection.identity if self._connection is not None else ""

    def known_tools(self) -> tuple[ListedFunction, ...] | None:
        """Return the tools as `list_tools` does, if the worker has them; else None."""
        found = self._memory.tools(self._access.key)
        return None if found is None else self._access.learn(found)

    def list_tools(self) -> tuple[ListedFunction, ...]:
        """Return the tools that the operator allows, in the server's order; raise MCPError."""
        if (known := self.known_tools()) is not None:
            return known
        try:
            with gevent.Timeout(_LIST_SECONDS, too_late(_LIST_SECONDS, "The list of tools")):
                return self._access.learn(self._fetch_list())
        except MCPError as error:
            raise error.redacted(self._access.redact) from None

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Call a tool, at most once. Every failure is a result with an error."""
        if not self._access.allows(name):
            return failed(invalid_arguments(f"Unknown tool: {name}"))
        if len(msgspec.json.encode(arguments)) > _MAX_ARGUMENT_BYTES:
            return failed(invalid_arguments(f"The arguments have more than {_MAX_ARGUMENT_BYTES} bytes"))
        seconds = self.settings.timeout
        try:
            with gevent.Timeout(seconds, too_late(seconds)):
                result = read_result(self._call(name, arguments))
        except MCPError as error:
            result = failed(error)
        redact = self._access.redact
        return structs.replace(
            result, text=redact(result.text), error=redact_error(result.error, redact),
            details={"revision": self.revision},
        )  # fmt: skip

    def close(self) -> None:
        """End the session, if there is one, in the background."""
        if self._connection is not None:
            self._connection.close()

    def _call(self, name: str, arguments: dict[str, Any]) -> Message:
        connection = self._connect()
        try:
            return self._send_call(connection, name, arguments)
        except MCPError as error:
            if error.code != HEADER_MISMATCH:
                raise
        # The tool did not run: its list says which parameters have to be sent as headers too.
        self._access.learn(self._read_list(connection, self._first_page(connection)))
        return self._send_call(connection, name, arguments)

    def _send_call(self, connection: Connection, name: str, arguments: dict[str, Any]) -> Message:
        headers = mirror(name, self._access.mirrored.get(name, {}), arguments)
        params = {"name": name, "arguments": arguments}
        try:
            return connection.request("tools/call", params, max_bytes=MAX_RESULT_BYTES, headers=headers)
        except MCPError as error:
            if error.status in (400, 404, 405):
                self._memory.forget_era(self.settings.url)  # it may have been another version of the server
            raise

    def _connect(self) -> Connection:
        """Return the connection; find out the era of the server if it is unknown."""
        with self._finding:
            if self._connection is None:
                era = self._memory.era(self.settings.url)
                if era is None:
                    connection, first = self._find_era()
                    self._access.learn(self._read_list(connection, first))
                else:
                    self._connection = self._open(era)
            assert self._connection is not None
            return self._connection

    def _fetch_list(self) -> ToolList:
        with self._finding:
            if self._connection is None:
                connection, first = self._find_era()
            else:
                connection, first = self._connection, self._first_page(self._connection)
        return self._read_list(connection, first)

    def _read_list(self, connection: Connection, first: Message) -> ToolList:
        found = read_pages(first, lambda cursor: self._fetch_page(connection, cursor), self.label)
        self._memory.keep_tools(self._access.key, found, self.settings.list_ttl)
        return found

    def _find_era(self) -> tuple[Connection, Message]:
        """Return the connection to the server, and the first page of its list; raise MCPError."""
        eras = list(self._possible_eras())
        for era in eras:
            connection = self._open(era)
            try:
                first = self._first_page(connection)
            except MCPError as error:
                self._memory.forget_era(self.settings.url)
                if era is eras[-1] or not _may_be_older(era, error):
                    raise
                continue
            if era == "stateless" and "resultType" not in first and era is not eras[-1]:
                continue  # a server of an older era that answers without a session
            self._connection = connection
            self._memory.learn_era(self.settings.url, era)
            return connection, first
        raise AssertionError("there is always a last era")

    def _possible_eras(self) -> Iterator[Era]:
        if self.settings.transport == "sse":
            yield "sse"
            return
        eras: list[Era] = ["stateless", "sessions"]
        if self.settings.transport == "auto" and (self._access.url.path or "").rstrip("/").endswith("/sse"):
            eras.append("sse")
        known = self._memory.era(self.settings.url)
        yield from sorted(eras, key=lambda era: era != known)

    def _open(self, era: Era) -> Connection:
        match era:
            case "stateless":
                return StatelessConnection(self._access.endpoint, self._ids)
            case "sessions":
                return SessionConnection(self._access.endpoint, self._ids, self._access.endings)
            case "sse":
                return StreamConnection(self._access.endpoint, self._ids)

    def _first_page(self, connection: Connection) -> Message:
        return self._fetch_page(connection, None)

    def _fetch_page(self, connection: Connection, cursor: str | None) -> Message:
        params = {} if cursor is None else {"cursor": cursor}
        return connection.request("tools/list", params, max_bytes=MAX_LIST_BYTES, headers={})


def _may_be_older(era: Era, error: MCPError) -> bool:
    """Whether a server that answered so may speak an older revision."""
    if era == "stateless":
        answered = error.code != 0 or 400 <= error.status < 500
        return answered and error.status not in (0, *_FINAL_STATUSES) and error.code not in _STATELESS_CODES
    return error.status in (400, 404, 405)


def _secrets(headers: Mapping[str, str], url: Url) -> Iterator[str]:
    """Yield what a server may repeat and no one else may see; not ordinary words (`X-Team: engineering`)."""
    words = [word for value in headers.values() for word in value.split()]
    words += [value for _, value in parse_qsl(url.query or "")]
    yield from (word for word in words if len(word) >= _MIN_SECRET_CHARS and not word.isalpha())


def _digest(headers: Mapping[str, str]) -> bytes:
    return hashlib.sha256(repr(sorted(headers.items())).encode()).digest()

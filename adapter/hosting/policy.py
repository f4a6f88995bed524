"""Which MCP servers a caller's declarations may name, and what may be sent to them.

A label that the operator has configured stands for its server: its URL, credentials and limits, which a declaration can
only narrow. Other servers must be on a host of `mcp_url_hosts`. A caller's token and headers go to that server alone,
and never with the headers of the caller's own request.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cachetools import LRUCache
from msgspec import Struct
from urllib3.util import Url

from adapter.event_loop.heartbeat import Heartbeat
from adapter.files.files import Files
from adapter.files.guard import FetchFailed, Guard, parse
from adapter.hosting.mcp.connections import IdleConnections
from adapter.hosting.mcp.memory import ServerMemory
from adapter.hosting.mcp.server import MCPServer, ServerAccess
from adapter.settings.secret_values import HEADER, HEADER_VALUE, KEY, Secret
from adapter.settings.tools.servers import LABEL, MCPServerSettings, is_reserved
from adapter.settings.tools.settings import ToolSettings
from adapter.sharing.shares import TenantSemaphore, share_of
from adapter.upstream.client import Upstream
from adapter.upstream.secret_files import SecretReader, is_from_file
from translators.errors import invalid_parameter, missing_parameter, shorten, unsupported_parameter

if TYPE_CHECKING:
    from adapter.hosting.code import CodeRunner
    from adapter.hosting.file_search.embeddings import Embedder
    from adapter.hosting.images import ImageMaker
    from adapter.hosting.web.pages import Pages
    from adapter.hosting.web.search import Domains, WebSearch

MAX_SERVERS: Final = 16
"""Of one request."""
_MAX_KNOWN: Final = 256
"""Tenants and servers."""
_OPERATOR: Final = ""
"""In place of a tenant, for the operator's own use of a server."""
_MAX_CALLS: Final = 64
"""Hosted calls, of whatever kind, that a worker runs at the same time."""
_MAX_HEADERS: Final = 32
_MAX_HEADER_BYTES: Final = 8 * 1024
"""Of all headers of a declaration together."""
_ANY_URL: Final = re.compile(r"adapter:.*")
"""A URL for clients whose types need one: the label alone says which server is meant."""


class MCPDeclaration(Struct, frozen=True):
    """A tool `{"type": "mcp", …}` of a request; a member that is left out is None."""

    server_label: str
    server_url: str | None = None
    connector_id: str | None = None
    authorization: str | None = None
    headers: Mapping[str, str] | None = None


class ToolPolicy:
    """The operator's policy on tool servers, and what a worker remembers of them. Constructed without I/O."""

    def __init__(
        self, settings: ToolSettings, share_percent: int = 100, admin_port: int | None = None,
        heartbeat: Heartbeat | None = None,
    ) -> None:  # fmt: skip
        """`share_percent`: how much of a worker's hosted calls one tenant may have at a time.

        `admin_port`: where this machine's admin address is, which no URL of a caller leads to.
        `heartbeat`: that of the worker.
        """
        self._settings = settings
        self.calls_at_once = TenantSemaphore(_MAX_CALLS, share_of(_MAX_CALLS, share_percent))
        """Of the hosted calls that the worker runs at the same time."""
        self.rounds = settings.rounds
        """Chat calls of one response, the last of them without tools."""
        self.calls = settings.calls
        """Hosted calls of one response."""
        self._named_by_callers = Guard(settings.mcp_url_hosts, admin_port)
        self._memory = ServerMemory()
        self._idle = IdleConnections(heartbeat or Heartbeat())
        self._known: LRUCache[tuple[str, str], tuple[MCPServerSettings, ServerAccess]] = LRUCache(_MAX_KNOWN)
        """How configured servers are reached, by tenant and label, and by which settings. Not with callers' secrets."""
        self._secrets = SecretReader()
        self._connectors = {one.connector_id: one for one in settings.mcp.values() if one.connector_id}

    def resolve_all(self, declarations: Sequence[tuple[str, MCPDeclaration]], tenant: str) -> list[MCPServer]:
        """Return the servers of all declarations of a request, each given with its path, such as `tools[0]`.

        Raises RequestError as `resolve` does, for a label that occurs twice, and for too many servers.
        """
        servers: dict[str, MCPServer] = {}
        for path, declaration in declarations:
            label = declaration.server_label
            if label in servers:
                raise invalid_parameter(
                    f"{path}.server_label", f"there is another MCP server with the label '{shorten(label)}'"
                )
            if len(servers) == MAX_SERVERS:
                raise invalid_parameter("tools", f"at most {MAX_SERVERS} MCP servers can be used in one request")
            servers[label] = self.resolve(declaration, tenant, path)
        return list(servers.values())

    def resolve(self, declaration: MCPDeclaration, tenant: str, path: str) -> MCPServer:
        """Return the server that a declaration names, at `path` of the request.

        Raises RequestError: an unknown label, a URL that is not allowed or differs from the configured one, headers
        that may not be sent, a credential given twice.
        """
        label = declaration.server_label
        if not LABEL.fullmatch(label):
            raise invalid_parameter(f"{path}.server_label", "expected 1 to 64 letters, digits, - and _")
        configured = self._find(declaration, tenant)
        if configured is None:
            server = _with_callers_headers(self._of_caller(declaration, path), declaration, path)
            return MCPServer(self._reach(server, tenant, self._named_by_callers, is_configured=False))
        _check_url(declaration, configured, path)
        current = self._with_current_secrets(configured)
        if declaration.authorization is None and not declaration.headers:
            return MCPServer(self._known_access(current, tenant, label))
        server = _with_callers_headers(replace(current, label=label), declaration, path)
        return MCPServer(self._reach(server, tenant, _guard_of(server)))

    def _known_access(self, current: MCPServerSettings, tenant: str, label: str) -> ServerAccess:
        """Return how a tenant reaches a configured server without a credential of its own."""
        found = self._known.get((tenant, label))
        if found is None or found[0] != current:
            server = replace(current, label=label)
            found = self._known[tenant, label] = current, self._reach(server, tenant, _guard_of(server))
        return found[1]

    def _reach(
        self, server: MCPServerSettings, tenant: str, guard: Guard, *, is_configured: bool = True
    ) -> ServerAccess:
        return ServerAccess(server, tenant, guard, self._memory, self._idle, is_configured=is_configured)

    def close(self) -> None:
        """Wait until the sessions that are over have been ended, and close the idle connections."""
        self._idle.close()

    def create_search(self) -> "WebSearch | None":
        """Return what searches the web for one response; None: nothing is configured."""
        from adapter.hosting.web.search import WebSearch

        settings = self._settings.web_search
        if settings is None:
            return None
        if settings.key is not None:
            settings = replace(settings, key=self._secrets.read(settings.key, "tools.web_search.key", KEY))
        return WebSearch(settings, lambda: self.connect(self._settings.mcp[settings.mcp]))

    @property
    def refuses_cached_search(self) -> bool:
        """Whether a search that must not reach the web (`external_web_access: false`) is left out."""
        return self._settings.web_search is not None and self._settings.web_search.cached == "refuse"

    def create_pages(self, files: Files, tenant: str, domains: "Domains") -> "Pages | None":
        """Return what opens pages for one response; None: the operator wants none opened."""
        from adapter.hosting.web.pages import Pages

        settings = self._settings.web_search
        if settings is None or not settings.open_pages:
            return None
        return Pages(settings, files, tenant, domains=domains)

    def create_code_runner(self) -> "CodeRunner | None":
        """Return what runs code for one response; None: nothing is configured."""
        from adapter.hosting.code import CodeRunner

        settings = self._settings.code_interpreter
        if settings is None:
            return None
        return CodeRunner(settings, lambda: self.connect(self._settings.mcp[settings.mcp]))

    def create_image_maker(self, upstreams: Mapping[str, Upstream], files: Files, tenant: str) -> "ImageMaker | None":
        """Return what makes images for one response; None: nothing is configured."""
        from adapter.hosting.images import ImageMaker

        settings = self._settings.image_generation
        return None if settings is None else ImageMaker(settings, upstreams[settings.upstream], files, tenant)

    def create_embedder(self, upstreams: Mapping[str, Upstream]) -> "Embedder | None":
        """Return what makes embeddings; None: nothing is configured."""
        from adapter.hosting.file_search.embeddings import Embedder

        settings = self._settings.file_search
        return None if settings is None else Embedder(settings, upstreams[settings.upstream])

    def connect(self, server: MCPServerSettings) -> MCPServer:
        """Return a configured server for the operator's own use, as a backend or in a check."""
        return MCPServer(self._known_access(self._with_current_secrets(server), _OPERATOR, server.label))

    def _with_current_secrets(self, server: MCPServerSettings) -> MCPServerSettings:
        """Return the settings of a server with its secrets as their files have them now; as they are if none has."""
        if not any(map(is_from_file, filter(None, (server.authorization, *server.headers.values())))):
            return server
        read, where = self._secrets.read, f"tools.mcp.{server.label}"
        token = server.authorization and read(server.authorization, f"{where}.authorization", KEY)
        headers = {
            name: read(value, f"{where}.headers.{name}", HEADER_VALUE) for name, value in server.headers.items()
        }
        return replace(server, authorization=token, headers=headers)

    def _find(self, declaration: MCPDeclaration, tenant: str) -> MCPServerSettings | None:
        """Return the configured server that a tenant may name so; its own label comes before a connector."""
        server = self._settings.mcp.get(declaration.server_label)
        if server is None and declaration.connector_id:
            server = self._connectors.get(declaration.connector_id)
        return server if server is not None and server.serves(tenant) else None

    def _of_caller(self, declaration: MCPDeclaration, path: str) -> MCPServerSettings:
        """Return the settings of a server that is known by the caller's URL alone; raise RequestError."""
        label = shorten(declaration.server_label)
        if declaration.connector_id:
            raise unsupported_parameter(
                f"{path}.connector_id",
                "names a connector that this server does not have. The operator can configure one as [tools.mcp].",
            )
        if declaration.server_url is None or _ANY_URL.fullmatch(declaration.server_url):
            if self._settings.mcp_url_hosts:
                raise missing_parameter(f"{path}.server_url")
            why = f"no MCP server '{label}' is configured here; the operator can do so as [tools.mcp.{label}]"
            raise invalid_parameter(f"{path}.server_label", why)
        try:
            url = parse(declaration.server_url)
        except FetchFailed as error:
            raise invalid_parameter(f"{path}.server_url", str(error)) from None
        self._check_host(url, path)
        return MCPServerSettings(
            label=declaration.server_label, url=declaration.server_url,
            trust_annotations=self._settings.trust_annotations,
        )  # fmt: skip

    def _check_host(self, url: Url, path: str) -> None:
        if not self._named_by_callers.allows(url):
            raise unsupported_parameter(
                f"{path}.server_url",
                "names a host that this server does not connect to. The operator can add it to mcp_url_hosts of "
                "[tools], or configure the server as [tools.mcp].",
            )
        if url.scheme != "https" and not self._named_by_callers.names(url):
            raise invalid_parameter(f"{path}.server_url", "expected an https URL")


def _guard_of(server: MCPServerSettings) -> Guard:
    """Return the guard for a configured server, whose host the operator has named."""
    return Guard([parse(server.url).netloc or ""])


def _check_url(declaration: MCPDeclaration, server: MCPServerSettings, path: str) -> None:
    """Raise RequestError for a URL other than the configured one, which must not get the operator's credentials."""
    url = declaration.server_url
    if url is None or _ANY_URL.fullmatch(url):
        return
    try:
        same = parse(url).url.rstrip("/") == parse(server.url).url.rstrip("/")
    except FetchFailed:
        same = False
    if not same:
        raise invalid_parameter(
            f"{path}.server_url",
            f"'{declaration.server_label}' is the label of a server that is configured here with another URL; leave "
            "the URL out, or use another label",
        )


def _with_callers_headers(server: MCPServerSettings, declaration: MCPDeclaration, path: str) -> MCPServerSettings:
    """Return a server's settings with the token and headers of a declaration; raise RequestError."""
    headers, token = declaration.headers or {}, declaration.authorization
    size = sum(len(name) + len(value) for name, value in headers.items())
    if len(headers) > _MAX_HEADERS or size > _MAX_HEADER_BYTES:
        raise invalid_parameter(
            f"{path}.headers", f"expected at most {_MAX_HEADERS} headers and {_MAX_HEADER_BYTES} bytes"
        )
    given = {name.lower() for name in server.headers}
    if server.authorization is not None:
        given.add("authorization")
    if token is not None:
        if not KEY.fullmatch(token):
            raise invalid_parameter(f"{path}.authorization", "expected a token without spaces")
        if "authorization" in given:
            raise invalid_parameter(
                f"{path}.authorization", "the operator has configured the credential of this server"
            )
        given.add("authorization")
    for name, value in headers.items():
        where = f"{path}.headers"
        if not HEADER.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
            raise invalid_parameter(where, "a name or value has characters that no header may have")
        if is_reserved(name.lower()):
            raise invalid_parameter(where, f"'{shorten(name)}' is a header that this server sets itself")
        if name.lower() in given:
            also = " as 'authorization' too" if name.lower() == "authorization" and token is not None else " already"
            raise invalid_parameter(where, f"'{shorten(name)}' is set{also}")
        given.add(name.lower())
    secrets = {name: Secret(value) for name, value in headers.items()}
    return replace(
        server,
        authorization=server.authorization if token is None else Secret(token),
        headers={**server.headers, **secrets},
    )

"""`[tools.mcp.LABEL]` of the TOML file: one MCP server each, which callers name by its label."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from marshmallow import Schema, fields

from adapter.settings.kinds import HTTPURL, Choice, Seconds, Several, Switch, Text
from adapter.settings.secret_values import KEY, Secret, read_headers, read_secret
from adapter.settings.tables import TableError, check_table, quote_key

LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_RESERVED_HEADERS: Final = frozenset(
    {"accept", "accept-encoding", "connection", "cookie", "expect", "host", "keep-alive", "last-event-id", "te"}
    | {"trailer", "transfer-encoding", "upgrade"}
)
_RESERVED_PREFIXES: Final = ("content-", "mcp-", "proxy-")


def is_reserved(name: str) -> bool:
    """Whether a header, its name in lower case, belongs to HTTP or MCP itself."""
    return name in _RESERVED_HEADERS or name.startswith(_RESERVED_PREFIXES)


@dataclass(frozen=True, kw_only=True, slots=True)
class MCPServerSettings:
    """One MCP server: of the operator, or with defaults for a URL that a caller brings."""

    label: str
    url: str = field(repr=False)
    """Its query may hold a key."""
    authorization: Secret | None = None
    """Sent as `Authorization: Bearer …`."""
    headers: Mapping[str, Secret] = field(default_factory=dict)
    transport: Literal["auto", "http", "sse"] = "auto"
    allowed_tools: frozenset[str] | None = None
    """None: all."""
    require_approval: Literal["inherit", "always"] = "inherit"
    """`always`: the client must approve each call, whatever the request says."""
    trust_annotations: bool = True
    """Believe the server which of its tools only read; otherwise none does."""
    tenants: frozenset[str] | None = None
    """Those that may use it; None: all."""
    timeout: float = 60.0
    """Seconds for a call."""
    on_list_failure: Literal["fail", "continue"] = "fail"
    list_ttl: float | None = None
    """Seconds for which a list is cached; None: as long as the server says, at most five minutes."""
    description: str = ""
    connector_id: str = ""
    given: frozenset[str] = frozenset()
    """Names, as in `describe`, of the settings that the file has."""

    def serves(self, tenant: str) -> bool:
        """Whether a tenant may use it."""
        return self.tenants is None or tenant in self.tenants

    def describe(self) -> dict[str, str]:
        """Return its settings as text, without secrets."""
        return {
            "url": self.url.partition("?")[0],
            "authorization": self.authorization.shown if self.authorization else "",
            "headers": ", ".join(f"{name}: {value.shown}" for name, value in self.headers.items()),
            "transport": self.transport,
            "allowed_tools": "all" if self.allowed_tools is None else ", ".join(sorted(self.allowed_tools)),
            "require_approval": self.require_approval,
            "trust_annotations": str(self.trust_annotations).lower(),
            "tenants": "all" if self.tenants is None else ", ".join(sorted(self.tenants)),
            "timeout": f"{self.timeout:g}",
            "on_list_failure": self.on_list_failure,
            "list_ttl": "the server's" if self.list_ttl is None else f"{self.list_ttl:g}",
            "description": self.description,
            "connector_id": self.connector_id,
        }


class _ToolNames(Several):
    expects = 'an array of tools\' names, for example ["search", "fetch"]'
    pattern = re.compile(r"[^\s](.{0,254}[^\s])?")


class _Tenants(Several):
    expects = 'an array of tenants, names of [keys] or the sha256: of keys without a name, for example ["team-a"]'
    pattern = re.compile(r"[A-Za-z0-9_.-]{1,63}|sha256:[0-9a-f]{64}")

    def check(self, value: object) -> tuple[str, ...]:
        return tuple(tenant.removeprefix("sha256:") for tenant in super().check(value))


class _ServerTable(Schema):
    url = HTTPURL(required=True)
    authorization = Text("a token without spaces, env:NAME or file:/path", KEY.pattern)
    headers = fields.Raw()
    transport = Choice("auto", "http", "sse")
    allowed_tools = _ToolNames()
    require_approval = Choice("inherit", "always")
    trust_annotations = Switch()
    tenants = _Tenants()
    timeout = Seconds(1, 3600)
    on_list_failure = Choice("fail", "continue")
    list_ttl = Seconds(0, 86400)
    description = Text("a text of up to 1024 characters", r".{1,1024}")
    connector_id = Text("an id of up to 64 letters, digits, - and _", LABEL.pattern)


SERVER_TABLE: Final = _ServerTable()


def read_servers(table: object, environ: Mapping[str, str]) -> dict[str, MCPServerSettings]:
    """Return the servers of `[tools.mcp]` by their label; raise TableError."""
    if not isinstance(table, dict) or not all(isinstance(value, dict) for value in table.values()):
        raise TableError("tools.mcp must hold tables, [tools.mcp.LABEL], each with a url.")
    servers: dict[str, MCPServerSettings] = {}
    connectors: dict[str, str] = {}
    for label, values in table.items():
        where = f"tools.mcp.{quote_key(label)}"
        if not LABEL.fullmatch(label):
            raise TableError(f"{where}: a label has up to 64 letters, digits, - and _.")
        servers[label] = server = _read_server(label, values, where, environ)
        if server.connector_id:
            if server.connector_id in connectors:
                raise TableError(f"{where}.connector_id: {connectors[server.connector_id]} has the same.")
            connectors[server.connector_id] = where
    return servers


def _read_server(
    label: str, values: Mapping[str, object], where: str, environ: Mapping[str, str]
) -> MCPServerSettings:
    read = check_table(SERVER_TABLE, values, where, "a setting of an MCP server", secret=("authorization", "url"))
    headers = read_headers(read.get("headers", {}), f"{where}.headers", environ, is_reserved)
    authorization = None
    if "authorization" in read:
        authorization = read_secret(read["authorization"], f"{where}.authorization", KEY, environ)
        if any(name.lower() == "authorization" for name in headers):
            raise TableError(f"{where}: authorization and headers cannot both be sent; give one of them.")
    own: dict[str, Any] = {name: read[name] for name in read if name not in ("headers", "authorization")}
    own |= {name: frozenset(own[name]) for name in ("allowed_tools", "tenants") if name in own}
    return MCPServerSettings(
        label=label,
        authorization=authorization,
        headers=headers,
        given=frozenset(read),
        **own,
    )

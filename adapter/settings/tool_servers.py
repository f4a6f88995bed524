"""`[tools.mcp.LABEL]` of the TOML file: one MCP server each, which callers name by its label."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from adapter.settings.upstreams import Secret


@dataclass(frozen=True, kw_only=True, slots=True)
class MCPServerSettings:
    """One MCP server: of the operator, or with defaults for a URL that a caller brings."""

    label: str
    url: str
    authorization: Secret | None = None
    """The value of the Authorization header."""
    headers: Mapping[str, Secret] = field(default_factory=dict)
    transport: Literal["auto", "http", "sse"] = "auto"
    allowed_tools: frozenset[str] | None = None
    """None: all."""
    require_approval: Literal["inherit", "always", "never"] = "inherit"
    """The stricter of this and the caller's own applies; `inherit` leaves it to the caller."""
    tenants: frozenset[str] | None = None
    """None: all."""
    timeout: float = 60.0
    """Seconds for a call."""
    on_list_failure: Literal["fail", "continue"] = "fail"
    list_ttl: float | None = None
    """Seconds for which a list is cached; None: as long as the server says, at most five minutes."""
    description: str = ""
    connector_id: str = ""

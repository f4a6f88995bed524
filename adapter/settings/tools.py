"""`[tools]` of the TOML file: which tools the adapter runs itself, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from marshmallow import Schema, fields

from adapter.settings.kinds import Hosts, Whole
from adapter.settings.tables import TableError, check_table
from adapter.settings.tool_servers import MCPServerSettings, read_servers


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolSettings:
    """Without a table, no tool is run."""

    rounds: int = 10
    """Chat calls of one response; the last one is made without tools."""
    calls: int = 64
    """Calls of hosted tools in one response."""
    mcp_url_hosts: tuple[str, ...] = ()
    """Hosts of MCP servers that callers may name by URL."""
    mcp: Mapping[str, MCPServerSettings] = field(default_factory=dict)
    """By label."""
    given: frozenset[str] = frozenset()
    """Names, as in `describe`, of the settings that the file has."""

    @property
    def calls_mcp(self) -> bool:
        """Whether any MCP server may be called."""
        return bool(self.mcp or self.mcp_url_hosts)

    def describe(self) -> dict[str, str]:
        """Return its own settings as text."""
        return {
            "rounds": str(self.rounds),
            "calls": str(self.calls),
            "mcp_url_hosts": ", ".join(self.mcp_url_hosts),
        }


class _ToolsTable(Schema):
    rounds = Whole(1, 100)
    calls = Whole(1, 1000)
    mcp_url_hosts = Hosts()
    mcp = fields.Raw()


TOOLS_TABLE: Final = _ToolsTable()


def read_tools(table: object, environ: Mapping[str, str]) -> ToolSettings:
    """Return the settings of `[tools]`; raise TableError."""
    if not isinstance(table, dict):
        raise TableError("tools must be a table, [tools].")
    read = check_table(TOOLS_TABLE, table, "tools", "a setting of tools")
    own = {name: value for name, value in read.items() if name != "mcp"}
    return ToolSettings(mcp=read_servers(read.get("mcp", {}), environ), given=frozenset(own), **own)

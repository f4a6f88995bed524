"""`[tools]` of the TOML file: which tools the adapter runs itself, and where."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from marshmallow import Schema, fields

from adapter.settings.kinds import Hosts, Switch, Whole
from adapter.settings.tables import Described, TableError, check_table
from adapter.settings.tools.backends import (
    CodeSettings,
    FileSearchSettings,
    ImageSettings,
    WebSearchSettings,
    read_code,
    read_file_search,
    read_images,
    read_web_search,
)
from adapter.settings.tools.servers import MCPServerSettings, read_servers


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolSettings:
    """Without a table, no tool is run."""

    rounds: int = 10
    """Chat calls of one response; the last one is made without tools."""
    calls: int = 64
    """Calls of hosted tools in one response."""
    mcp_url_hosts: tuple[str, ...] = ()
    """Hosts of MCP servers that callers may name by URL."""
    trust_annotations: bool = False
    """Believe servers that callers name by URL which of their tools only read."""
    mcp: Mapping[str, MCPServerSettings] = field(default_factory=dict)
    """By label."""
    web_search: WebSearchSettings | None = None
    image_generation: ImageSettings | None = None
    code_interpreter: CodeSettings | None = None
    file_search: FileSearchSettings | None = None
    given: frozenset[str] = frozenset()
    """Names, as in `describe`, of the settings that the file has."""

    def tables(self) -> dict[str, Described]:
        """Return the tables of the file by their place; none if nothing is set."""
        found: dict[str, Described] = {f"tools.mcp.{label}": server for label, server in self.mcp.items()}
        for name in ("web_search", "image_generation", "code_interpreter", "file_search"):
            if (one := getattr(self, name)) is not None:
                found[f"tools.{name}"] = one
        return {"tools": self, **found} if found or self.given else {}

    def describe(self) -> dict[str, str]:
        """Return its own settings as text."""
        return {
            "rounds": str(self.rounds),
            "calls": str(self.calls),
            "mcp_url_hosts": ", ".join(self.mcp_url_hosts),
            "trust_annotations": str(self.trust_annotations).lower(),
        }


class _ToolsTable(Schema):
    rounds = Whole(1, 100)
    calls = Whole(1, 1000)
    mcp_url_hosts = Hosts()
    trust_annotations = Switch()
    mcp = fields.Raw()
    web_search = fields.Raw()
    image_generation = fields.Raw()
    code_interpreter = fields.Raw()
    file_search = fields.Raw()


TOOLS_TABLE: Final = _ToolsTable()


def read_tools(table: object, environ: Mapping[str, str], upstreams: Collection[str]) -> ToolSettings:
    """Return the settings of `[tools]`; `upstreams`: their names. Raise TableError."""
    if not isinstance(table, dict):
        raise TableError("tools must be a table, [tools].")
    read = check_table(TOOLS_TABLE, table, "tools", "a setting of tools")
    own = {name: value for name, value in read.items() if not isinstance(TOOLS_TABLE.fields[name], fields.Raw)}
    mcp = read_servers(read.get("mcp", {}), environ)
    return ToolSettings(
        mcp=mcp,
        web_search=read_web_search(read["web_search"], mcp, environ) if "web_search" in read else None,
        image_generation=read_images(read["image_generation"], upstreams) if "image_generation" in read else None,
        code_interpreter=read_code(read["code_interpreter"], mcp) if "code_interpreter" in read else None,
        file_search=read_file_search(read["file_search"], upstreams) if "file_search" in read else None,
        given=frozenset(own),
        **own,
    )

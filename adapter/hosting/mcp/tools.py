"""The tools that an MCP server lists."""

from typing import Any

from msgspec import Struct


class ListedTool(Struct, frozen=True):
    """A tool of an MCP server's list."""

    name: str
    description: str
    """"" if the server describes none."""
    input_schema: dict[str, Any]
    read_only: bool
    """The server's own hint (`readOnlyHint`); it proves nothing."""

"""The tools that an MCP server lists, page by page.

A tool that cannot be used is left out, with a line in the log: one without a name, with a schema that is no object or
too large, or with invalid annotations. Of several tools with one name, the first is used.
Source: Model Context Protocol specification, Server features: Tools, Pagination.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from adapter.hosting.mcp.endpoint import Message
from adapter.hosting.mcp.errors import invalid_answer
from adapter.hosting.mcp.mirrored import InvalidAnnotation, find_mirrored
from adapter.hosting.results import clean
from adapter.telemetry.logs import log
from translators.tools.mcp import ListedFunction

MAX_LIST_BYTES: Final = 1024 * 1024
"""Of all pages of a list together."""
_MAX_PAGES: Final = 50
_MAX_SCHEMA_BYTES: Final = 64 * 1024
_MAX_NAME_CHARS: Final = 256
_MAX_CURSOR_CHARS: Final = 8192


class ToolList(Struct, frozen=True):
    """All pages of a list."""

    tools: tuple[ListedFunction, ...]
    seconds: float
    """How long the server allows it to be cached."""
    bytes: int


def read_pages(first: Message, fetch: Callable[[str], Message], label: str) -> ToolList:
    """Return the whole list, its first page given; `fetch` returns the page of a cursor. Raises MCPError."""
    tools: dict[str, ListedFunction] = {}
    seen: set[str] = set()
    size = 0
    page = first
    seconds = _seconds(first)
    while True:
        size += len(msgspec.json.encode(page))
        if size > MAX_LIST_BYTES or len(seen) >= _MAX_PAGES:
            raise invalid_answer("The tool server's list of tools is larger than the limit")
        for tool in _read_page(page, label):
            tools.setdefault(tool.name, tool)
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str) or not cursor:  # some servers send an empty one at the end
            return ToolList(tuple(tools.values()), seconds, size)
        if cursor in seen or len(cursor) > _MAX_CURSOR_CHARS:
            log.warning("tool list cut", server=label, reason="its cursor repeats or is too long", tools=len(tools))
            return ToolList(tuple(tools.values()), seconds, size)
        seen.add(cursor)
        page = fetch(cursor)
        seconds = min(seconds, _seconds(page))


def _seconds(page: Message) -> float:
    milliseconds = page.get("ttlMs")
    return milliseconds / 1000 if isinstance(milliseconds, (int, float)) and milliseconds > 0 else 0.0


def _read_page(page: Message, label: str) -> Iterator[ListedFunction]:
    tools = page.get("tools")
    if not isinstance(tools, list):
        raise invalid_answer("The tool server's list of tools is not a list")
    for tool in tools:
        if reason := _why_unusable(tool):
            name = tool.get("name") if isinstance(tool, dict) else None
            log.warning("tool left out", server=label, tool=str(name)[:_MAX_NAME_CHARS], reason=reason)
            continue
        schema: dict[str, Any] = tool.get("inputSchema") or {"type": "object"}
        description, annotations = tool.get("description"), tool.get("annotations")
        yield ListedFunction(
            name=tool["name"],
            description=clean(description) if isinstance(description, str) else "",
            input_schema=schema,
            read_only=isinstance(annotations, dict) and annotations.get("readOnlyHint") is True,
        )


def _why_unusable(tool: Any) -> str:
    """Return why a tool cannot be used, "" if it can."""
    name = tool.get("name") if isinstance(tool, dict) else None
    if not isinstance(name, str) or not name or len(name) > _MAX_NAME_CHARS or not name.isprintable():
        return "it has no usable name"
    schema = tool.get("inputSchema")
    if not isinstance(schema, (dict, type(None))):
        return "its inputSchema is not an object"
    if len(msgspec.json.encode(schema)) > _MAX_SCHEMA_BYTES:
        return f"its inputSchema has more than {_MAX_SCHEMA_BYTES} bytes"
    try:
        find_mirrored(schema or {})
    except InvalidAnnotation:
        return "its x-mcp-header annotations are invalid"
    return ""

"""The tables of `[tools]` in the TOML file that say who does the work of a built-in tool."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from marshmallow import Schema

from adapter.settings.kinds import HTTPURL, Choice, Kind, Seconds, Switch, Text, Whole, suggest
from adapter.settings.secret_values import KEY, Secret, read_secret
from adapter.settings.tables import TableError, check_table

_URLS: Final = {"tavily": "https://api.tavily.com", "brave": "https://api.search.brave.com/res/v1"}
"""Backends with a service of their own → its base URL."""
_SIZES: Final = {"low": 3, "medium": 6, "high": 12}
_MAX_RESULTS: Final = 20
"""What every backend can return at once."""
_MIB: Final = 1024 * 1024

Size = Literal["low", "medium", "high"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WebSearchSettings:
    """Who searches, and whether pages are opened."""

    backend: Literal["searxng", "tavily", "brave", "mcp"]
    url: str = field(default="", repr=False)
    key: Secret | None = None
    mcp: str = ""
    """The label of an MCP server that searches."""
    tool: str = ""
    """Its tool, which takes a `query`."""
    results: Mapping[str, int] = field(default_factory=lambda: _SIZES)
    """Results of one search, by `search_context_size`."""
    open_pages: bool = True
    open_any_url: bool = False
    """Open URLs too that neither a search nor the user named."""
    cached: Literal["search", "refuse"] = "search"
    """What `external_web_access: false` does."""
    timeout: float = 15.0
    given: frozenset[str] = frozenset()

    def describe(self) -> dict[str, str]:
        """Return its settings as text, without secrets."""
        return {
            "backend": self.backend,
            "url": self.url.partition("?")[0],
            "key": self.key.shown if self.key else "",
            "mcp": self.mcp,
            "tool": self.tool,
            "results": ", ".join(f"{size} {count}" for size, count in self.results.items()),
            "open_pages": str(self.open_pages).lower(),
            "open_any_url": str(self.open_any_url).lower(),
            "cached": self.cached,
            "timeout": f"{self.timeout:g}",
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageSettings:
    """Which upstream makes images."""

    upstream: str
    model: str
    timeout: float = 180.0
    given: frozenset[str] = frozenset()

    def describe(self) -> dict[str, str]:
        return {"upstream": self.upstream, "model": self.model, "timeout": f"{self.timeout:g}"}


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeSettings:
    """What runs code: a tool of an MCP server, or a command that reads it from standard input."""

    mcp: str = ""
    tool: str = ""
    argument: str = "code"
    """The argument of the tool that takes the code."""
    command: tuple[str, ...] = ()
    timeout: float = 30.0
    memory_bytes: int = 512 * _MIB
    """Of each process of the command."""
    given: frozenset[str] = frozenset()

    def describe(self) -> dict[str, str]:
        return {
            "mcp": self.mcp,
            "tool": self.tool,
            "argument": self.argument,
            "command": " ".join(self.command),
            "timeout": f"{self.timeout:g}",
            "memory_bytes": str(self.memory_bytes),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSearchSettings:
    """Which upstream makes the embeddings by which files are found; without it they are found by words alone."""

    upstream: str
    model: str
    dimensions: int = 256
    """To which embeddings are cut: more cost memory and time, and help little."""
    query_timeout: float = 0.25
    """Seconds that a search waits for the embedding of its query; then words alone are used."""
    given: frozenset[str] = frozenset()

    def describe(self) -> dict[str, str]:
        return {
            "upstream": self.upstream,
            "model": self.model,
            "dimensions": str(self.dimensions),
            "query_timeout": f"{self.query_timeout:g}",
        }


class _Results(Kind):
    expects = f"a table of numbers up to {_MAX_RESULTS}, for example {{ low = 3, medium = 6, high = 12 }}"

    def check(self, value: object) -> dict[str, int]:
        if not isinstance(value, dict) or not value.keys() <= _SIZES.keys():
            raise ValueError
        for count in value.values():
            if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MAX_RESULTS:
                raise ValueError
        return {**_SIZES, **value}


class _Command(Kind):
    expects = 'an array of texts, a program and its arguments, for example ["bwrap", "--unshare-all"]'

    def check(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
            raise ValueError
        if not value[0] or any("\0" in one for one in value):
            raise ValueError
        return tuple(value)


class _WebSearchTable(Schema):
    backend = Choice("searxng", "tavily", "brave", "mcp", required=True)
    url = HTTPURL()
    key = Text("a key without spaces, env:NAME or file:/path", KEY.pattern)
    mcp = Text("the label of a server of [tools.mcp]")
    tool = Text("the name of a tool")
    results = _Results()
    open_pages = Switch()
    open_any_url = Switch()
    cached = Choice("search", "refuse")
    timeout = Seconds(1, 300)


class _ImageTable(Schema):
    upstream = Text("the name of an upstream", required=True)
    model = Text("a model's name", required=True)
    timeout = Seconds(1, 3600)


class _FileSearchTable(Schema):
    upstream = Text("the name of an upstream", required=True)
    model = Text("a model's name", required=True)
    dimensions = Whole(16, 4096)
    query_timeout = Seconds(0.01, 60)


class _CodeTable(Schema):
    mcp = Text("the label of a server of [tools.mcp]")
    tool = Text("the name of a tool")
    argument = Text("the name of an argument")
    command = _Command()
    timeout = Seconds(1, 3600)
    memory_bytes = Whole(16 * _MIB, 64 * 1024 * _MIB)


WEB_SEARCH_TABLE: Final = _WebSearchTable()
IMAGE_TABLE: Final = _ImageTable()
CODE_TABLE: Final = _CodeTable()
FILE_SEARCH_TABLE: Final = _FileSearchTable()


def read_web_search(table: object, servers: Collection[str], environ: Mapping[str, str]) -> WebSearchSettings:
    """Return the settings of `[tools.web_search]`; `servers`: labels of MCP servers. Raise TableError."""
    where = "tools.web_search"
    read = _check(WEB_SEARCH_TABLE, table, where, secret=("key", "url"))
    backend = read["backend"]
    key = read_secret(read.pop("key"), f"{where}.key", KEY, environ) if "key" in read else None
    given = frozenset(read) | ({"key"} if key else frozenset())
    if backend == "mcp":
        _check_server(read, where, servers)
    elif "mcp" in read or "tool" in read:
        raise TableError(f"{where}: mcp and tool belong to the backend mcp.")
    elif backend == "searxng" and "url" not in read:
        raise TableError(f"{where} needs a url: where SearXNG is, for example http://searxng:8080.")
    elif backend in _URLS and key is None:
        raise TableError(f"{where} needs a key: {backend} answers none without.")
    return WebSearchSettings(key=key, given=given, **{"url": _URLS.get(backend, ""), **read})


def read_images(table: object, upstreams: Collection[str]) -> ImageSettings:
    """Return the settings of `[tools.image_generation]`; raise TableError."""
    where = "tools.image_generation"
    read = _check(IMAGE_TABLE, table, where)
    _check_upstream(read["upstream"], where, upstreams)
    return ImageSettings(given=frozenset(read), **read)


def read_file_search(table: object, upstreams: Collection[str]) -> FileSearchSettings:
    """Return the settings of `[tools.file_search]`; raise TableError."""
    where = "tools.file_search"
    read = _check(FILE_SEARCH_TABLE, table, where)
    _check_upstream(read["upstream"], where, upstreams)
    return FileSearchSettings(given=frozenset(read), **read)


def _check_upstream(name: str, where: str, upstreams: Collection[str]) -> None:
    if name not in upstreams:
        raise TableError(f"{where}.upstream: there is no upstream {name}.{suggest(name, upstreams)}")


def read_code(table: object, servers: Collection[str]) -> CodeSettings:
    """Return the settings of `[tools.code_interpreter]`; raise TableError."""
    where = "tools.code_interpreter"
    read = _check(CODE_TABLE, table, where)
    if "command" not in read:
        _check_server(read, where, servers)
    elif "mcp" in read or "tool" in read:
        raise TableError(f"{where}: code is run by a command or by an MCP server; give one of them.")
    return CodeSettings(given=frozenset(read), **read)


def _check(schema: Schema, table: object, where: str, secret: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise TableError(f"{where} must be a table, [{where}].")
    return check_table(schema, table, where, f"a setting of {where}", secret=secret)


def _check_server(read: Mapping[str, Any], where: str, servers: Collection[str]) -> None:
    """Raise TableError unless a table names a tool of a configured MCP server."""
    if "mcp" not in read or "tool" not in read:
        raise TableError(f"{where} needs mcp, the label of a server of [tools.mcp], and tool, the name of its tool.")
    if read["mcp"] not in servers:
        near = suggest(read["mcp"], servers)
        raise TableError(f"{where}.mcp: there is no server {read['mcp']} in [tools.mcp].{near}")

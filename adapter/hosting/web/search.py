"""Search the web with the operator's backend, and write the results as the model reads them.

Results are numbered through a response, so that the model can cite each as `[n]`. A result outside the domains that the
request allows is left out, whatever the backend returned.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from adapter.hosting.mcp.server import MCPServer
from adapter.hosting.results import clean, cut, unescape
from adapter.hosting.web.backends import BACKENDS, Hit, Wanted, with_sites
from adapter.hosting.web.service import ServiceError, fetch_json
from adapter.settings.tools.backends import Size, WebSearchSettings

_MAX_QUERIES: Final = 5
"""Of one call; the rest is left out."""
_MAX_QUERY_CHARS: Final = 400
"""What the strictest backend accepts (Brave)."""
_MAX_TITLE_CHARS: Final = 200
_SNIPPET_BYTES: Final[dict[Size, int]] = {"low": 500, "medium": 1000, "high": 2000}
_MAX_URL_CHARS: Final = 2048
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]{0,100}>")
_LINK: Final = re.compile(r"\[([^\[\]]{1,300})\]\((https?://[^\s()<>]+)\)|(https?://[^\s()<>\[\]\"']+)")
_CITE: Final = "Cite a result that you use by its number, for example [{first}], right after the statement."
_DOMAIN: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


class Domains(Struct, frozen=True, gc=False):
    """The domain filters of a request; a domain covers its subdomains."""

    allowed: tuple[str, ...] = ()
    """None: all."""
    blocked: tuple[str, ...] = ()

    def allow(self, url: str) -> bool:
        """Whether a URL passes both filters; one that cannot be parsed does not."""
        try:
            host = (urlsplit(url).hostname or "").rstrip(".").lower()
        except ValueError:
            return False
        return (not self.allowed or _is_below(host, self.allowed)) and not _is_below(host, self.blocked)


EVERY_DOMAIN: Final = Domains()


class SearchResult(Struct, frozen=True):
    """What one search found."""

    text: str
    """What the model reads."""
    hits: tuple[Hit, ...] = ()
    """In the order of their numbers."""
    queries: tuple[str, ...] = ()
    """Those that were sent."""
    error: str | None = None
    """Why nothing was found out; the item is then `failed`."""


class WebSearch:
    """Searches for one response."""

    def __init__(self, settings: WebSearchSettings, connect: Callable[[], MCPServer] | None = None) -> None:
        """`connect` returns the MCP server that searches, where that is the backend."""
        self._settings = settings
        self._connect = connect
        self._numbered = 0
        """Results that the model has seen."""

    @property
    def filters_text(self) -> bool:
        """Whether domain filters apply to what the model reads; an MCP server's text is passed on as it is."""
        return self._settings.backend != "mcp"

    def run(
        self, queries: Sequence[str], *, size: Size = "medium", domains: Domains = EVERY_DOMAIN, country: str = ""
    ) -> SearchResult:
        """Search for each query. Never raises for what a backend does: the result then has an error."""
        asked = tuple(filter(None, (" ".join(clean(query).split())[:_MAX_QUERY_CHARS] for query in queries)))
        if not asked:
            return SearchResult("Error: the query is empty", error="the query is empty")
        asked = tuple(dict.fromkeys(asked))[:_MAX_QUERIES]
        try:
            if self._settings.backend == "mcp":
                return self._ask_server(asked, domains)
            hits = self._ask_service(asked, size, domains, country)
        except ServiceError as error:
            return SearchResult(f"Error: {error}", queries=asked, error=str(error))
        return SearchResult(self._write(hits, size), hits, asked)

    def _ask_service(
        self, queries: tuple[str, ...], size: Size, domains: Domains, country: str
    ) -> tuple[Hit, ...]:
        backend = BACKENDS[self._settings.backend]
        key = self._settings.key.value if self._settings.key else ""
        count = self._settings.results[size]
        lists = []
        for query in queries:
            wanted = Wanted(query, count, domains.allowed, domains.blocked, country)
            answer = fetch_json(self._settings.url, backend.ask(wanted, key), self._settings.timeout)
            lists.append([hit for hit in backend.read(answer) if _is_usable(hit) and domains.allow(hit.url)])
        return _merge(lists, count)

    def _ask_server(self, queries: tuple[str, ...], domains: Domains) -> SearchResult:
        assert self._connect is not None
        server = self._connect()
        texts = []
        try:
            for query in queries:
                wanted = Wanted(query, 0, domains.allowed, domains.blocked)
                found = server.call(self._settings.tool, {"query": with_sites(wanted)})
                if found.error is not None:
                    return SearchResult(found.text, queries=queries, error=found.text)
                texts.append(found.text)
        finally:
            server.close()
        text = "\n\n".join(texts)
        hits = [hit for hit in _find_links(text) if domains.allow(hit.url)]
        self._numbered += len(hits)
        return SearchResult(cut(text)[0], tuple(hits), queries)

    def _write(self, hits: tuple[Hit, ...], size: Size) -> str:
        """Return results as the model reads them, numbered after those that it has seen."""
        if not hits:
            return "Nothing was found."
        first = self._numbered + 1
        self._numbered += len(hits)
        blocks = []
        for at, hit in enumerate(hits, first):
            date = f" ({hit.date[:10]})" if hit.date else ""
            snippet = cut(_plain(hit.text), _SNIPPET_BYTES[size])[0]
            blocks.append(f"[{at}] {_plain(hit.title)[:_MAX_TITLE_CHARS]}{date}\n{hit.url}\n{snippet}")
        return "\n\n".join([*blocks, _CITE.format(first=first)])


def read_domain(text: str) -> str:
    """Return the domain in a filter of a request, which may be a URL; "" if there is none."""
    text = text.strip().lower()
    if "://" in text:
        text = text.partition("://")[2].partition("/")[0]
    text = text.removeprefix("*.").removeprefix("www.").strip("./")
    return text if _DOMAIN.fullmatch(text) else ""


def _is_below(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _is_usable(hit: Hit) -> bool:
    return hit.url.startswith(("http://", "https://")) and len(hit.url) <= _MAX_URL_CHARS and hit.url.isprintable()


def _merge(lists: Sequence[Sequence[Hit]], count: int) -> tuple[Hit, ...]:
    """Return the results of several queries in turns, each URL once, `count` for each query at most."""
    merged: dict[str, Hit] = {}
    for at in range(max(map(len, lists))):
        for hits in lists:
            if at < min(len(hits), count):
                merged.setdefault(hits[at].url, hits[at])
    return tuple(merged.values())


def _plain(text: str) -> str:
    """Return a title or snippet without markup, on one line."""
    return " ".join(clean(unescape(_TAG.sub("", text))).split())


def _find_links(text: str) -> list[Hit]:
    """Return the links in a text, each URL once."""
    found: dict[str, Hit] = {}
    for title, linked, bare in _LINK.findall(text):
        url = linked or bare.rstrip(".,;:!?")
        found.setdefault(url, Hit(url, title or url, ""))
    return list(found.values())

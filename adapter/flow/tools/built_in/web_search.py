"""`web_search`: searches with the operator's backend, pages that are opened, and texts that are looked for in them.

What one response needs of a backend is made once, so that pages, results and their numbers are remembered from call to
call. Source: OpenAI guide, Web search.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from gevent.lock import RLock

from adapter.flow.tools.built_in.base import BuiltIn, Opening
from adapter.hosting.runs import BROKE, REPEATED, ToolRun
from translators.chat.chunks import Source
from translators.open_items.hosted import OpenHostedItem
from translators.open_items.web_search import OpenWebSearch
from translators.responses.hosted.usage import ToolUsage, WebSearchUsage
from translators.responses.items import Item, Message
from translators.responses.tools import WebSearch
from translators.to_chat.content import text_of
from translators.tools.built_in import FIND_IN_PAGE, OPEN_PAGE, read_arguments, search_action, search_near

if TYPE_CHECKING:
    from adapter.hosting.web import search
    from adapter.hosting.web.pages import Pages
    from adapter.settings.tools.backends import Size


def open_web_search(tool: WebSearch, opening: Opening) -> BuiltIn | None:
    """Return what searches the web; None: nothing is configured, or the request's search must not reach the web."""
    from adapter.hosting.web.pages import find_urls  # imported late: most requests search nothing
    from adapter.hosting.web.search import Domains, read_domain

    source, policy, notes = opening.source, opening.policy, opening.notes
    search = policy.create_search()
    if search is None:
        return None
    is_cached = tool.external_web_access is False
    if is_cached and policy.refuses_cached_search:
        notes.add("tools", "dropped", "web_search without access to the web: there is no cached search here")
        return None
    if is_cached:
        notes.add("tools", "approximated", "web_search without access to the web: only a search index is asked")
    filters = tool.filters if isinstance(tool.filters, dict) else {}
    allowed, blocked = (_domains(filters.get(name), read_domain) for name in ("allowed_domains", "blocked_domains"))
    domains = Domains(allowed, blocked)
    if (allowed or blocked) and not search.filters_text:
        notes.add("tools", "approximated", "the domains of web_search: they are words of the query")
    pages = None if is_cached else policy.create_pages(source.services.files, source.tenant, domains)
    if pages is not None:
        pages.name(url for text in _texts_of_user(opening.items) for url in find_urls(text))
    place = tool.user_location if isinstance(tool.user_location, dict) else {}
    shows = "web_search_call.action.sources" in source.request.include
    web = Web(
        search, pages, tool.search_context_size or "medium", domains, str(place.get("country") or ""),
        shows_sources=shows,
    )  # fmt: skip
    functions = (search_near(place),) if pages is None else (search_near(place), OPEN_PAGE, FIND_IN_PAGE)
    return BuiltIn(tool, functions, partial(WebRun, web))


def _domains(given: object, read: Callable[[str], str]) -> tuple[str, ...]:
    texts: Iterable[object] = given if isinstance(given, list) else ()
    return tuple(filter(None, (read(text) for text in texts if isinstance(text, str))))


def _texts_of_user(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Message) and item.role == "user":
            yield item.content if isinstance(item.content, str) else text_of(item.content)


class Web:
    """The web as one response sees it: its searches, their numbered results, the pages that may be opened."""

    def __init__(
        self, search: "search.WebSearch", pages: "Pages | None", size: "Size", domains: "search.Domains", country: str,
        *, shows_sources: bool,
    ) -> None:  # fmt: skip
        """`pages`: None if none may be opened. `country`: two letters, or "". `shows_sources`: they are included."""
        self.search = search
        self.pages = pages
        self.size = size
        self.domains = domains
        self.country = country
        self.shows_sources = shows_sources
        self.sources: list[Source] = []
        """All results so far, in the order of their numbers."""
        self.lock = RLock()
        """Searches follow one another, so that numbers follow the order of the calls."""


class WebRun(ToolRun):
    """A search, a page that is opened, or a text that is looked for in one."""

    def __init__(self, web: Web, function: str, arguments: str) -> None:
        self._web = web
        texts = read_arguments(arguments)
        if function == OPEN_PAGE.name:
            self._action: dict[str, Any] = {"type": "open_page", "url": texts.get("url", "")}
        elif function == FIND_IN_PAGE.name:
            pattern = texts.get("pattern", "")
            self._action = {"type": "find_in_page", "url": texts.get("url", ""), "pattern": pattern}
        else:
            self._action = search_action(arguments)
        self._text, self._failed = BROKE, True
        self._sources: list[Source] = []

    def open_item(self, output_index: int, digits: str) -> OpenHostedItem:
        self._item = OpenWebSearch(output_index, f"ws_{digits}", action=self._action)
        return self._item

    def _run(self) -> None:
        web, action = self._web, self._action
        if action["type"] == "search":
            with web.lock:
                self._search()
            return
        assert web.pages is not None
        if action["type"] == "open_page":
            page = web.pages.open(action["url"])
        else:
            page = web.pages.find(action["url"], action["pattern"])
        self._text, self._failed = page.text, page.error is not None

    def _search(self) -> None:
        web = self._web
        found = web.search.run(self._action["queries"], size=web.size, domains=web.domains, country=web.country)
        self._text, self._failed = found.text, found.error is not None
        self.usage = ToolUsage(web_search=WebSearchUsage(len(found.queries)))
        self._sources = [Source(hit.url, hit.title) for hit in found.hits]
        web.sources += self._sources
        self.numbered = list(web.sources)
        if web.pages is not None:
            web.pages.name(hit.url for hit in found.hits)

    def repeat(self, earlier: "WebRun") -> None:
        self._text = f"{earlier._text}\n{REPEATED}"
        self._failed, self._sources = earlier._failed, earlier._sources

    def settle(self) -> None:
        self.outcome = self._text
        urls = [source.url or "" for source in self._sources]
        self._item.settle(self._text, urls, failed=self._failed, shows_sources=self._web.shows_sources)

    def log_fields(self) -> dict[str, Any]:
        outcome = "failed" if self._failed else "ok"
        return {"kind": "web_search", "tool": self._action["type"], "results": len(self._sources), "outcome": outcome}

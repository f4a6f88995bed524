"""Runs of the tools that have item types of their own: web search, code, pictures.

What one response needs of a backend is made once, at its first call, so that pages, results and their numbers are
remembered from call to call.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from gevent.lock import RLock

from adapter.event_loop.client_watch import ClientDisconnected, ClientWatch
from adapter.hosting.runs import ToolRun
from translators.chat.chunks import Source
from translators.open_items.code import OpenCode
from translators.open_items.hosted import OpenHostedItem
from translators.open_items.picture import OpenGeneratedPicture
from translators.open_items.web_search import OpenWebSearch
from translators.tools.built_in import FIND_IN_PAGE, OPEN_PAGE, read_arguments, search_action

if TYPE_CHECKING:
    from adapter.hosting.code import CodeRunner
    from adapter.hosting.images import ImageMaker, ImageOptions, ImageResult
    from adapter.hosting.web.pages import Pages
    from adapter.hosting.web.search import Domains, WebSearch
    from adapter.settings.tool_backends import Size

log = structlog.get_logger()

_BROKE = "Error: the tool could not be used."


class Web:
    """The web as one response sees it: its searches, their numbered results, the pages that may be opened."""

    def __init__(
        self, search: "WebSearch", pages: "Pages | None", size: "Size", domains: "Domains", country: str,
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
        self._text, self._failed = _BROKE, True
        self._sources: list[Source] = []

    def open_item(self, output_index: int, digits: str) -> OpenHostedItem:
        self._item = OpenWebSearch(output_index, f"ws_{digits}", action=self._action)
        return self._item

    def _run(self) -> None:
        web, action = self._web, self._action
        try:
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
        except Exception:
            log.exception("tool call broke", kind="web_search")

    def _search(self) -> None:
        web = self._web
        found = web.search.run(self._action["queries"], size=web.size, domains=web.domains, country=web.country)
        self._text, self._failed = found.text, found.error is not None
        self._sources = [Source(hit.url, hit.title) for hit in found.hits]
        web.sources += self._sources
        self.numbered = list(web.sources)
        if web.pages is not None:
            web.pages.name(hit.url for hit in found.hits)

    def settle(self) -> None:
        urls = [source.url or "" for source in self._sources]
        self._item.settle(self._text, urls, failed=self._failed, shows_sources=self._web.shows_sources)

    def log_fields(self) -> dict[str, Any]:
        outcome = "failed" if self._failed else "ok"
        return {"kind": "web_search", "tool": self._action["type"], "results": len(self._sources), "outcome": outcome}


class CodeRun(ToolRun):
    """Code that is run."""

    def __init__(self, runner: "CodeRunner", shows_outputs: bool, function: str, arguments: str) -> None:
        self._runner = runner
        self._code = read_arguments(arguments).get("code", "")
        self._shows_outputs = shows_outputs
        self._logs, self._failed = _BROKE, True

    def open_item(self, output_index: int, digits: str) -> OpenHostedItem:
        container = f"cntr_{digits[:24]}00000000"
        self._item = OpenCode(output_index, f"ci_{digits}", code=self._code, container_id=container)
        return self._item

    def _run(self) -> None:
        try:
            result = self._runner.run(self._code)
            self._logs, self._failed = result.logs, result.error is not None
        except Exception:
            log.exception("tool call broke", kind="code_interpreter")

    def settle(self) -> None:
        self._item.settle(self._logs, failed=self._failed, shows_outputs=self._shows_outputs)

    def log_fields(self) -> dict[str, Any]:
        return {"kind": "code_interpreter", "bytes": len(self._logs), "outcome": "failed" if self._failed else "ok"}


class PictureRun(ToolRun):
    """A picture that is made."""

    def __init__(self, make: "Callable[[str], ImageResult]", function: str, arguments: str) -> None:
        """`make` returns what came of a prompt; it raises ClientDisconnected."""
        self._make = make
        self._prompt = read_arguments(arguments).get("prompt", "")
        self._text = _BROKE
        self._data = ""
        self._members: dict[str, str | None] = {}

    def open_item(self, output_index: int, digits: str) -> OpenHostedItem:
        self._item = OpenGeneratedPicture(output_index, f"ig_{digits}", prompt=self._prompt)
        return self._item

    def _run(self) -> None:
        try:
            result = self._make(self._prompt)
        except ClientDisconnected:
            return
        except Exception:
            log.exception("tool call broke", kind="image_generation")
            return
        self._text, self._data = result.text, result.data
        self._members = {
            "output_format": result.output_format, "background": result.background, "quality": result.quality,
            "size": result.size, "revised_prompt": result.revised_prompt,
        }  # fmt: skip

    def settle(self) -> None:
        self._item.settle(self._text, self._data, **self._members)

    def log_fields(self) -> dict[str, Any]:
        outcome = "ok" if self._data else "failed"
        return {"kind": "image_generation", "bytes": len(self._data), "outcome": outcome}


def picture_maker(
    maker: "ImageMaker", options: "ImageOptions", bearer: str | None, watch: ClientWatch
) -> "Callable[[str], ImageResult]":
    """Return what makes a picture from a prompt, for one response."""
    return lambda prompt: maker.run(prompt, options, bearer=bearer, watch=watch)

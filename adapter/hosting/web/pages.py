"""Open web pages for a model, and find text in them.

A page is fetched through the guard, from public addresses only. By default only URLs are opened that the user or a
search of this response named, since a model can be talked into carrying data away in a URL. The text of a
long page is extracted beside the event loop; PDF files are read in a process of their own.
"""

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from adapter.files.files import Files
from adapter.files.guard import Fetched, FetchFailed, Guard, HostNotAllowed
from adapter.files.pdf import NoText, text_of_pdf
from adapter.hosting.results import clean, cut
from adapter.hosting.web.page_text import read_html
from adapter.hosting.web.search import EVERY_DOMAIN, Domains
from adapter.settings.tools.backends import WebSearchSettings

_MAX_PAGE_BYTES: Final = 2 * 1024 * 1024
_MAX_TEXT_BYTES: Final = 20 * 1024
"""Of a page that the model reads."""
_LARGE_PAGE_BYTES: Final = 64 * 1024
"""From here on the extraction takes more than 10 ms, for which it goes to a thread."""
_MAX_KEPT_PAGES: Final = 4
_MAX_MATCHES: Final = 10
_CONTEXT_CHARS: Final = 200
_CHARSET: Final = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.I)
_URL: Final = re.compile(r"https?://[^\s<>\"'\])}]+")
_TEXT_TYPES: Final = ("text/", "application/json", "application/xml", "application/xhtml+xml", "application/yaml")


class PageResult(Struct, frozen=True, gc=False):
    """A page as the model reads it."""

    text: str
    title: str = ""
    error: str | None = None
    """Why it could not be read; the item is then `failed`."""


class Pages:
    """The pages of one response."""

    def __init__(
        self,
        settings: WebSearchSettings,
        files: Files,
        tenant: str,
        *,
        domains: Domains = EVERY_DOMAIN,
        guard: Guard | None = None,
    ) -> None:
        """`files` limits how many fetches and PDF files a tenant has at a time; its public hosts are the default."""
        self._settings = settings
        self._files = files
        self._tenant = tenant
        self._domains = domains
        self._guard = guard or files.public_hosts
        self._named: set[str] = set()
        self._kept: dict[str, PageResult] = {}
        """Whole texts, for a search in a page that was opened before."""

    def name(self, urls: Iterable[str]) -> None:
        """Allow URLs to be opened, which the user or a search named."""
        self._named.update(map(_bare, urls))

    def open(self, url: str) -> PageResult:
        """Return a page, cut if it is long. Never raises for what a page does: the result then has an error."""
        page = self._read(url)
        if page.error is not None:
            return page
        text, _ = cut(page.text, _MAX_TEXT_BYTES)
        return PageResult(f"{page.title}\n{url}\n\n{text}".strip(), page.title)

    def find(self, url: str, pattern: str) -> PageResult:
        """Return the places of a page that contain a text, in either case, each with what is around it."""
        page = self._read(url)
        if page.error is not None:
            return page
        words = pattern.split()
        if not words:
            return _failed("the pattern is empty")
        matches = list(re.finditer(r"\s+".join(map(re.escape, words)), page.text, re.I))
        shown = [_around(page.text, match) for match in matches[:_MAX_MATCHES]]
        more = f" The first {_MAX_MATCHES}:" if len(matches) > _MAX_MATCHES else ""
        head = f"{url}: {len(matches)} matches of {pattern!r}.{more}"
        return PageResult("\n\n".join([head, *shown]), page.title)

    def _read(self, url: str) -> PageResult:
        """Return the whole text of a page."""
        key = _bare(url)
        if not self._settings.open_any_url and key not in self._named:
            return _failed("only URLs of search results, or that the user gave, can be opened")
        if not self._domains.allow(url):
            return _failed("the domain of this URL is not allowed")
        if key not in self._kept:
            page = self._fetch(url)
            if page.error is not None:
                return page
            while len(self._kept) >= _MAX_KEPT_PAGES:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = page
        return self._kept[key]

    def _fetch(self, url: str) -> PageResult:
        try:
            slot = self._files.fetches.wait(self._tenant)
            seconds = self._settings.timeout
            fetched = self._guard.fetch(url, max_bytes=_MAX_PAGE_BYTES, seconds=seconds, slot=slot)
        except FetchFailed as error:
            return _failed(f"the page could not be opened: {error}")
        except HostNotAllowed:
            return _failed("pages of this host cannot be opened")
        return self._as_text(fetched)

    def _as_text(self, fetched: Fetched) -> PageResult:
        type = fetched.type.partition(";")[0].strip().lower()
        if type == "application/pdf" or fetched.data.startswith(b"%PDF-"):
            slot = self._files.pdf_conversions.wait(self._tenant)
            try:
                return PageResult(clean(text_of_pdf(fetched.data, self._settings.timeout, slot)))
            except NoText as error:
                return _failed(f"the PDF {error}")
        is_html = "html" in type or (not type and fetched.data[:512].lstrip().startswith(b"<"))
        if not is_html and type and not type.startswith(_TEXT_TYPES):
            return _failed(f"the page is not text but {clean(type)[:60]}")
        text = _decode(fetched)
        if not is_html:
            return PageResult(clean(text))
        if len(fetched.data) > _LARGE_PAGE_BYTES:
            title, text = self._files.offload.run(self._tenant, read_html, text)
        else:
            title, text = read_html(text)
        return PageResult(text, title)


def find_urls(text: str) -> list[str]:
    """Return the URLs in a text of the user's."""
    return [found.rstrip(".,;:!?") for found in _URL.findall(text)]


def _decode(fetched: Fetched) -> str:
    """Return a page's text in the encoding that its header or its first bytes name, else UTF-8."""
    found = _CHARSET.search(fetched.type.encode()) or _CHARSET.search(fetched.data[:2048])
    try:
        return fetched.data.decode(found[1].decode() if found else "utf-8", "replace")
    except LookupError:
        return fetched.data.decode("utf-8", "replace")


def _around(text: str, match: re.Match[str]) -> str:
    start, end = max(0, match.start() - _CONTEXT_CHARS), match.end() + _CONTEXT_CHARS
    before, after = "…" if start else "", "…" if end < len(text) else ""
    return f"{before}{text[start:end].strip()}{after}"


def _bare(url: str) -> str:
    """Return a URL without what does not change the page."""
    return url.strip().partition("#")[0].rstrip("/")


def _failed(why: str) -> PageResult:
    return PageResult(f"Error: {why}", error=why)

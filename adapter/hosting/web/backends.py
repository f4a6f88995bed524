"""Services that search the web: what each is asked, and where its answer has the results.

Domain filters are part of the request where the service has them, else words of the query (`site:`); `search.py`
applies them to the results in any case. Source: SearXNG docs, Search API; Tavily docs, Search; Brave Search API docs,
Web search.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from msgspec import Struct

from adapter.hosting.web.service import ServiceRequest


class Wanted(Struct, frozen=True):
    """One query, and what its results should be."""

    query: str
    count: int
    allowed: tuple[str, ...] = ()
    """Domains, with their subdomains; none: all."""
    blocked: tuple[str, ...] = ()
    country: str = ""
    """Two letters."""


class Hit(Struct, frozen=True, gc=False):
    """One result of a search."""

    url: str
    title: str
    text: str
    date: str = ""


class Backend(NamedTuple):
    """How a service is asked, and how its answer is read."""

    ask: Callable[[Wanted, str], ServiceRequest]
    """The second argument is the key, "" if there is none."""
    read: Callable[[dict[str, Any]], Iterator[Hit]]


def with_sites(wanted: Wanted) -> str:
    """Return the query with its domain filters as words."""
    sites = " OR ".join(f"site:{domain}" for domain in wanted.allowed)
    words = [wanted.query, f"({sites})" if len(wanted.allowed) > 1 else sites]
    return " ".join(filter(None, [*words, *(f"-site:{domain}" for domain in wanted.blocked)]))


def _ask_searxng(wanted: Wanted, key: str) -> ServiceRequest:
    headers = {"Authorization": f"Bearer {key}"} if key else {}  # of a proxy in front of it
    return ServiceRequest("/search", query={"q": with_sites(wanted), "format": "json"}, headers=headers)


def _read_searxng(answer: dict[str, Any]) -> Iterator[Hit]:
    yield from _hits(answer.get("results"), "content", "publishedDate")


def _ask_tavily(wanted: Wanted, key: str) -> ServiceRequest:
    body: dict[str, Any] = {"query": wanted.query, "max_results": wanted.count}
    if wanted.allowed:
        body["include_domains"] = wanted.allowed
    if wanted.blocked:
        body["exclude_domains"] = wanted.blocked
    return ServiceRequest("/search", body=body, headers={"Authorization": f"Bearer {key}"})


def _read_tavily(answer: dict[str, Any]) -> Iterator[Hit]:
    yield from _hits(answer.get("results"), "content", "published_date")


def _ask_brave(wanted: Wanted, key: str) -> ServiceRequest:
    query = {"q": with_sites(wanted), "count": str(wanted.count)}
    if wanted.country:
        query["country"] = wanted.country
    return ServiceRequest("/web/search", query=query, headers={"X-Subscription-Token": key})


def _read_brave(answer: dict[str, Any]) -> Iterator[Hit]:
    for kind in ("web", "news"):
        found = answer.get(kind)
        yield from _hits(found.get("results") if isinstance(found, dict) else None, "description", "page_age")


def _hits(results: Any, text: str, date: str) -> Iterator[Hit]:
    for result in results if isinstance(results, list) else []:
        if isinstance(result, dict) and isinstance(result.get("url"), str):
            words = (result.get(name) for name in ("title", text, date))
            yield Hit(result["url"], *[word if isinstance(word, str) else "" for word in words])


BACKENDS: Final[dict[str, Backend]] = {
    "searxng": Backend(_ask_searxng, _read_searxng),
    "tavily": Backend(_ask_tavily, _read_tavily),
    "brave": Backend(_ask_brave, _read_brave),
}

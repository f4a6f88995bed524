"""Searches: what each backend is asked, and what the model reads of its answer."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from adapter.hosting.policy import ToolPolicy
from adapter.hosting.web.backends import Hit
from adapter.hosting.web.search import Domains, SearchResult, WebSearch, read_domain
from adapter.settings.secret_values import Secret
from adapter.settings.tools.backends import WebSearchSettings
from adapter.settings.tools.servers import MCPServerSettings
from adapter.settings.tools.settings import ToolSettings
from tests.support.servers.scripted_mcp import Reply, Request, ScriptedMCP, as_json, raw, result, tool

PAGES = [
    {"url": "https://a.example.com/1", "title": "One &amp; <b>only</b>", "content": "First\n<em>hit</em>"},
    {"url": "https://b.example.org/2", "title": "Two", "content": "Second", "publishedDate": "2026-11-01T10:00:00"},
    {"url": "https://sub.b.example.org/3", "title": "Three", "content": "Third"},
]


def search(server: ScriptedMCP, backend: Any = "searxng", **settings: Any) -> WebSearch:
    url = server.url.removesuffix("/mcp")
    return WebSearch(WebSearchSettings(backend=backend, url=url, key=Secret("hunter2"), timeout=2, **settings))


def urls(found: SearchResult) -> list[str]:
    return [hit.url for hit in found.hits]


def test_searxng(server: ScriptedMCP) -> None:
    server.answers = lambda _: as_json({"query": "x", "results": [*PAGES, {"url": "javascript:x"}, {"title": "no"}, 7]})
    found = search(server).run(["best  dice\n2026"])
    assert parse_qs(urlsplit(server.requests[0].path).query) == {"q": ["best dice 2026"], "format": ["json"]}
    assert found.text.split("\n\n")[:2] == [
        "[1] One & only\nhttps://a.example.com/1\nFirst hit",
        "[2] Two (2026-11-01)\nhttps://b.example.org/2\nSecond",
    ]
    assert found.text.endswith("Cite a result that you use by its number, for example [1], right after the statement.")
    assert (found.queries, found.error, len(found.hits)) == (("best dice 2026",), None, 3)


def test_results_are_numbered_through_a_response(server: ScriptedMCP) -> None:
    server.answers = lambda _: as_json({"results": PAGES[:2]})
    searches = search(server)
    searches.run(["a"])
    assert searches.run(["b"]).text.startswith("[3] One")


def test_tavily(server: ScriptedMCP) -> None:
    server.answers = lambda _: as_json({"results": PAGES})
    domains = Domains(("example.org",), ("sub.b.example.org",))
    found = search(server, "tavily").run(["dice"], size="high", domains=domains)
    (request,) = server.requests
    assert request.headers["Authorization"] == "Bearer hunter2"
    assert request.message == {
        "query": "dice", "max_results": 12, "include_domains": ["example.org"],
        "exclude_domains": ["sub.b.example.org"],
    }  # fmt: skip
    assert urls(found) == ["https://b.example.org/2"]


def test_brave(server: ScriptedMCP) -> None:
    news = {"url": "https://n.example.com/", "title": "News", "description": "new", "page_age": "2026-11-27T00:00:00"}
    web = {"results": [{**PAGES[0], "description": "x"}]}
    server.answers = lambda _: as_json({"web": web, "news": {"results": [news]}})
    found = search(server, "brave").run(["dice"], domains=Domains(("a.com", "example.com"), ("b.com",)), country="DE")
    (request,) = server.requests
    assert request.headers["X-Subscription-Token"] == "hunter2"
    assert parse_qs(urlsplit(request.path).query) == {
        "q": ["dice (site:a.com OR site:example.com) -site:b.com"], "count": ["6"], "country": ["DE"],
    }  # fmt: skip
    assert found.hits == (
        Hit("https://a.example.com/1", "One &amp; <b>only</b>", "x"),
        Hit("https://n.example.com/", "News", "new", "2026-11-27T00:00:00"),
    )


def test_several_queries_take_turns(server: ScriptedMCP) -> None:
    lists = iter([PAGES[:2], [PAGES[2], PAGES[0]]])
    server.answers = lambda _: as_json({"results": next(lists)})
    found = search(server).run(["a", "b", "a"])
    assert found.queries == ("a", "b")
    assert urls(found) == [PAGES[0]["url"], PAGES[2]["url"], PAGES[1]["url"]]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (raw(b"<html>", 403), "HTTP 403 from the service"),
        (raw(status=302, Location="http://169.254.169.254/"), "HTTP 302 from the service"),
        (raw(b"<html>"), "The service's answer is not a JSON object"),
        (raw(b"x" * (4 * 1024 * 1024 + 1)), "The service's answer is larger than the limit"),
        (as_json([]), "The service's answer is not a JSON object"),
    ],
    ids=str,
)
def test_a_backend_that_fails(reply: Reply, message: str, server: ScriptedMCP) -> None:
    server.answers = lambda _: reply
    found = search(server).run(["a"])
    assert (found.error, found.text, found.hits) == (message, f"Error: {message}", ())


@pytest.mark.parametrize("answer", [{}, {"results": None}, {"results": [{"url": 7}]}, {"web": 7}], ids=str)
def test_an_answer_without_results(answer: dict[str, Any], server: ScriptedMCP) -> None:
    server.answers = lambda _: as_json(answer)
    for backend in ("searxng", "tavily", "brave"):
        found = search(server, backend).run(["a"])
        assert (found.text, found.error) == ("Nothing was found.", None)


def test_an_empty_query_is_not_sent(server: ScriptedMCP) -> None:
    assert search(server).run([" ", "\x00"]).error == "the query is empty"
    assert server.requests == []


def test_a_long_query_is_cut(server: ScriptedMCP) -> None:
    server.answers = lambda _: as_json({"results": []})
    assert search(server).run(["x" * 1000]).queries == ("x" * 400,)


def test_an_mcp_server_that_searches(server: ScriptedMCP) -> None:
    text = "See [the rules](https://a.example.com/rules) and https://b.example.org/more."

    def answer(request: Request) -> Reply:
        if request.rpc == "tools/list":
            return as_json(result(request, resultType="complete", tools=[tool("search")]))
        assert request.message["params"]["arguments"] == {"query": "dice site:example.com"}
        return as_json(result(request, resultType="complete", content=[{"type": "text", "text": text}]))

    server.answers = answer
    policy = ToolPolicy(ToolSettings())
    settings = WebSearchSettings(backend="mcp", mcp="x", tool="search")
    searches = WebSearch(settings, lambda: policy.connect(MCPServerSettings(label="x", url=server.url)))
    found = searches.run(["dice"], domains=Domains(("example.com",)))
    assert (found.text, searches.filters_text) == (text, False)
    assert found.hits == (Hit("https://a.example.com/rules", "the rules", ""),)


@pytest.mark.parametrize(
    ("domains", "url", "allowed"),
    [
        (Domains(), "https://any.example/", True),
        (Domains(("example.com",)), "https://EXAMPLE.com./x", True),
        (Domains(("example.com",)), "https://a.b.example.com/", True),
        (Domains(("example.com",)), "https://badexample.com/", False),
        (Domains(("example.com",)), "https://example.com@evil.org/", False),
        (Domains((), ("example.com",)), "https://a.example.com/", False),
        (Domains(("example.com",), ("a.example.com",)), "https://a.example.com/", False),
        (Domains(("example.com",)), "https://[bad", False),
    ],
)
def test_domain_filters(domains: Domains, url: str, allowed: bool) -> None:
    assert domains.allow(url) is allowed


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Example.com", "example.com"), ("https://www.example.com/a", "example.com"), ("*.example.com", "example.com"),
        ("a b", ""), ("", ""), ("x site:evil.com", ""),
    ],
)  # fmt: skip
def test_a_domain_in_a_filter(text: str, domain: str) -> None:
    assert read_domain(text) == domain

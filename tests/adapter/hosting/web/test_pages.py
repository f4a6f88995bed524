"""Pages that a model opens, and what it may open."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adapter.files.files import Files
from adapter.files.guard import Guard
from adapter.hosting.web.pages import Pages, find_urls
from adapter.hosting.web.search import EVERY_DOMAIN, Domains
from adapter.settings.settings import Settings
from adapter.settings.tools.backends import WebSearchSettings
from tests.support.files.pdf import pdf
from tests.support.servers.web_server import WebServer, http_response, web_server

Open = Callable[..., Pages]


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as web:
        yield web


@pytest.fixture
def open_pages(web: WebServer) -> Open:
    def open_pages(guard: Guard | None = None, domains: Domains = EVERY_DOMAIN, **settings: Any) -> Pages:
        found = WebSearchSettings(backend="searxng", timeout=5, **settings)
        guard = Guard([web.host]) if guard is None else guard
        pages = Pages(found, Files(Settings()), "", domains=domains, guard=guard)
        pages.name(f"{web.url}{path}" for path in web.responses)
        return pages

    return open_pages


def test_a_page_is_its_text(web: WebServer, open_pages: Open) -> None:
    page = "<html><head><title>Dice</title></head><body><nav>menu</nav><p>Würfel</p></body></html>"
    web.responses["/a"] = http_response(page.encode("latin-1"), Content_Type="text/html; charset=ISO-8859-1")
    found = open_pages().open(f"{web.url}/a#part")
    assert (found.title, found.text) == ("Dice", f"Dice\n{web.url}/a#part\n\nWürfel")


def test_the_encoding_in_the_page(web: WebServer, open_pages: Open) -> None:
    page = '<!DOCTYPE html><meta charset="windows-1252"><p>\x80 5</p>'
    web.responses["/a"] = http_response(page.encode("latin-1"))
    assert open_pages().open(f"{web.url}/a").text.endswith("€ 5")


def test_a_long_page_is_cut_and_extracted_in_a_thread(web: WebServer, open_pages: Open) -> None:
    web.responses["/a"] = http_response(b"<p>" + b"word " * 20_000, Content_Type="text/html")
    text = open_pages().open(f"{web.url}/a").text
    assert 20 * 1024 < len(text) < 21 * 1024
    assert text.endswith("more bytes]")


@pytest.mark.parametrize("type", ["text/plain", "application/json", "text/csv"])
def test_text_is_read_as_it_is(type: str, web: WebServer, open_pages: Open) -> None:
    web.responses["/a"] = http_response(b"1 < 2", Content_Type=type)
    assert open_pages().open(f"{web.url}/a").text.endswith("1 < 2")


def test_a_pdf(web: WebServer, open_pages: Open) -> None:
    web.responses["/a.pdf"] = http_response(pdf("Rules of dice"), Content_Type="application/pdf")
    assert "Rules of dice" in open_pages().open(f"{web.url}/a.pdf").text


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (http_response(b"PK", Content_Type="application/zip"), "the page is not text but application/zip"),
        (http_response(b"", 404), "the page could not be opened: its server answered with status 404"),
        (http_response(b"x" * (2 * 1024 * 1024 + 1)), "the page could not be opened: it is larger than 2097152 bytes"),
        (http_response(b"%PDF-1.4 broken"), "the PDF could not be read as a PDF"),
        (http_response(b"", 302, Location="http://169.254.169.254/"), "pages of this host cannot be opened"),
    ],
    ids=["type", "status", "size", "PDF", "redirect"],
)
def test_a_page_that_cannot_be_read(answer: bytes, error: str, web: WebServer, open_pages: Open) -> None:
    web.responses["/a"] = answer
    found = open_pages().open(f"{web.url}/a")
    assert (found.error, found.text) == (error, f"Error: {error}")


def test_a_private_address_is_not_opened(web: WebServer, open_pages: Open) -> None:
    web.responses["/a"] = http_response(b"secret")
    found = open_pages(Guard(["*"]), open_any_url=True).open(f"http://127.0.0.1:{web.server_port}/a")
    assert found.error is not None
    assert open_pages(Guard(["*"]), open_any_url=True).open("http://127.0.0.1/a").error == (
        "the page could not be opened: its host has no public address"
    )
    assert web.requests == []


def test_only_urls_that_were_named_are_opened(web: WebServer, open_pages: Open) -> None:
    web.responses["/a"] = http_response(b"text")
    pages = open_pages()
    assert pages.open(f"{web.url}/a?stolen=data").error == (
        "only URLs of search results, or that the user gave, can be opened"
    )
    assert open_pages(domains=Domains(("example.com",))).open(f"{web.url}/a").error == (
        "the domain of this URL is not allowed"
    )
    assert web.requests == []


def test_find_in_a_page_that_was_opened(web: WebServer, open_pages: Open) -> None:
    web.responses["/a"] = http_response(b"<p>Roll the</p><p>DICE. " + b"x" * 500 + b" the dice fell</p>")
    pages = open_pages()
    pages.open(f"{web.url}/a")
    found = pages.find(f"{web.url}/a", "the  dice")
    assert found.text.startswith(f"{web.url}/a: 2 matches of 'the  dice'.\n\nRoll the\n\nDICE.")
    assert found.text.endswith("xxx the dice fell")
    assert len(web.requests) == 1
    assert pages.find(f"{web.url}/a", "(none").text.endswith("0 matches of '(none'.")
    assert pages.find(f"{web.url}/a", " ").error == "the pattern is empty"


def test_urls_of_the_user() -> None:
    text = "Read https://a.example/x?y=1, then (http://b.example/z) and <https://c.example>."
    assert find_urls(text) == ["https://a.example/x?y=1", "http://b.example/z", "https://c.example"]

"""What `check` says of providers whose first answer is already an error, and how it shows what they say."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import click
import pytest

from adapter.commands.check import report
from tests.adapter.commands.test_check import check, completion
from tests.support.servers.upstream import Upstream, whole

JSON = dict[str, Any]


@pytest.fixture
def listing() -> Iterator[Callable[[bytes], str]]:
    """Return the function that takes one HTTP answer to all requests, and returns a base URL that gives it."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        answers: list[bytes] = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    with peer:
                        peer.recv(10_000)
                        peer.sendall(b"HTTP/1.1 " + answers[0])

        def begin(answer: bytes) -> str:
            answers.append(answer)
            thread = threading.Thread(target=serve)
            thread.start()
            stack.callback(thread.join)
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"

        yield begin


@pytest.mark.parametrize(
    ("status", "error", "detail"),
    [
        (402, {"message": "No balance"}, "402: No balance. The account has no credit; the key itself is right."),
        (429, {"message": "Slow down"}, "429: Slow down. Too many requests at the moment; the key itself is right."),
        (503, {"message": "Loading"}, "503: Loading. The server still loads its model: try again in a moment."),
        (500, {"message": "Oops"}, "500: Oops"),
        (404, {"message": "No list"}, "404: No list. Name a model with --model."),
        (405, {"message": "POST only"}, "405: POST only. Name a model with --model."),
    ],
)
def test_a_model_is_asked_for_only_where_it_is_what_is_missing(
    listing: Callable[[bytes], str], status: int, error: JSON, detail: str
) -> None:
    body = json.dumps({"error": error}).encode()
    head = f"{status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    (only,) = check(listing(head.encode() + body)).values()
    assert (only.name, only.verdict, only.detail) == ("models", "no", detail)


@pytest.mark.parametrize(("location", "detail"), [
    ("https://there.test/v1/models", "301, a redirect, which is not followed: is https://there.test/v1 the base URL?"),
    ("/login", "301, a redirect to /login, which is not followed: is the base URL right?"),
])  # fmt: skip
def test_a_redirect_is_named_and_not_followed(
    listing: Callable[[bytes], str], location: str, detail: str
) -> None:
    head = f"301 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    (only,) = check(listing(head.encode())).values()
    assert (only.verdict, only.detail) == ("error", detail)


def test_a_web_page_of_a_proxy_is_no_wrong_base_url(listing: Callable[[bytes], str]) -> None:
    page = b"<html>Bad gateway</html>"
    head = b"502 Bad Gateway\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(page)
    (only,) = check(listing(head + page)).values()
    assert only.detail == "502, a web page instead of JSON: a proxy before the provider cannot reach it."


def test_a_base_url_without_a_version_is_asked_about(listing: Callable[[bytes], str]) -> None:
    body = b"404 page not found"
    head = b"404 -\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    (only,) = check(listing(head + body).replace("/v1", "/openai")).values()
    hint = "Is the base URL right? It often ends in /v1."
    assert only.detail == f"404: {body.decode()}. {hint} Name a model with --model."


def test_the_model_itself_is_no_suggestion(upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole({"error": {"message": "The model `m` does not exist"}}, 404)
    assert check(upstream.url)["completion"].detail.endswith(" Name another model with --model.")


def test_nothing_that_a_provider_says_steers_the_terminal(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.otherwise = lambda received: whole(completion(content="\x1b[2J\u202eready"))
    monkeypatch.setattr(upstream, "models", {"data": [{"id": "m\x1b]0;title\x07\r\nx"}]})
    lines = [click.unstyle(report(result)) for result in check(upstream.url).values()]
    assert [line for line in lines if not line.isprintable()] == []
    assert lines[0].endswith("  m<U+001B>]0;title<U+0007> x")

"""What `check` says of providers whose first answer is already an error, and how it shows what they say."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import click
import pytest

from adapter.commands.check.results import report
from tests.adapter.commands.test_check import check, completion
from tests.support.servers.upstream import Upstream, whole


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
    ("status", "message", "verdict", "detail"),
    [
        (402, "No balance", "error", "402: No balance. The account has no credit; the key itself is right."),
        (429, "Slow down", "error", "429: Slow down. Too many requests at the moment; the key itself is right."),
        (503, "Loading", "error", "503: Loading. The server still loads its model: try again in a moment."),
        (500, "Oops", "error", "500: Oops. Name a model with --model."),
        (404, "No list", "no", "404: No list. Name a model with --model."),
        (405, "POST only", "no", "405: POST only. Name a model with --model."),
    ],
)
def test_a_model_is_asked_for_only_where_it_is_what_is_missing(
    listing: Callable[[bytes], str], status: int, message: str, verdict: str, detail: str
) -> None:
    body = json.dumps({"error": {"message": message}}).encode()
    head = f"{status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    (only,) = check(listing(head.encode() + body)).values()
    assert (only.name, only.verdict, only.detail) == ("models", verdict, detail)


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


@pytest.mark.parametrize(("status", "words"), [
    (403, "a firewall, a proxy or a login before the provider refuses the request."),
    (413, "a proxy before the provider takes no requests of this size."),
    (429, "too many requests at the moment; try again later."),
    (500, "the provider, or a proxy before it, has failed."),
    (404, "is the base URL right?"),
])  # fmt: skip
def test_a_web_page_means_what_its_status_does(listing: Callable[[bytes], str], status: int, words: str) -> None:
    page = b"\xef\xbb\xbf<html><title>A  page</title></html>"
    head = b"%d -\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(page))
    (only,) = check(listing(head + page)).values()
    assert only.detail == f"{status}, a web page instead of JSON (A page): {words}"


def test_an_adapter_is_no_provider(listing: Callable[[bytes], str]) -> None:
    body = b'{"error": {"message": "Invalid URL (GET /v1/models): an adapter has no models of its own."}}'
    head = b"404 -\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    (only,) = check(listing(head + body), "m").values()
    assert only.verdict == "error"
    assert only.detail.endswith("or another one: give the base URL of a provider of chat completions.")


def test_a_list_that_alone_is_refused_is_none_of_the_model(listing: Callable[[bytes], str]) -> None:
    body = b'{"error": {"message": "Missing scope"}}'
    head = b"403 -\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    url = listing(head + body)
    (only,) = check(url).values()
    assert only.detail.endswith("Missing scope. If only the list is refused: --model.")
    assert list(check(url, "m")) == ["models", "dialect", "completion"]


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

"""Files on their way through the service: fetched and read while others are served, given up in time, read again."""

import threading
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import chat
from tests.support.files.pdf import of_contents, pdf
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Script, Upstream, stream
from tests.support.servers.web_server import WebServer, http_response, web_server


def heavy(weight: int) -> bytes:
    """Return a small PDF without text that takes about so many seconds to read."""
    return of_contents(b"BT () Tj ET " * (weight << 16))


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    with web_server() as web:
        yield web


@pytest.fixture(scope="module")
def fetching(provider: Upstream, web: WebServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of one worker that fetches from the web server and remembers no history."""
    with Service(
        tmp_path_factory.mktemp("fetching"), upstream_url=provider.url, workers=1, file_url_hosts=web.host,
        history_cache_bytes=0,
    ) as service:  # fmt: skip
        yield service


@pytest.fixture(scope="module")
def impatient(provider: Upstream, web: WebServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of one worker that waits a second for files."""
    with Service(
        tmp_path_factory.mktemp("impatient"), upstream_url=provider.url, workers=1, file_url_hosts=web.host,
        body_timeout=1,
    ) as service:  # fmt: skip
        yield service


def asking(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def by_url(url: str) -> dict[str, Any]:
    return {"type": "input_file", "file_url": url}


def by_data(data: bytes) -> dict[str, Any]:
    return {"type": "input_file", "file_data": b64encode(data).decode(), "filename": "a.pdf"}


def hello() -> Script:
    return stream(chat.text("Hello"), chat.end())


def refusal(service: Service, part: dict[str, Any]) -> dict[str, Any]:
    answer = service.post({"model": "m", "input": asking(part), "stream": True})
    assert answer.status == 400
    return answer.error


def test_files_reach_the_provider_as_text(fetching: Service, upstream: Upstream, web: WebServer) -> None:
    web.responses["/a.md"] = http_response(b"# Hi")
    upstream.plays(hello())
    input = asking({"type": "input_text", "text": "Look:"}, by_url(f"{web.url}/a.md"), by_data(pdf("Dear Ada")))
    with fetching.open_stream(input) as exchange:
        exchange.rest()
    notes = exchange.headers["x-adapter-notes"]
    assert "input[0].content[1] approximated: file a.md is sent as text" in notes
    assert "input[0].content[2] approximated: file a.pdf is sent as text" in notes
    (message,) = upstream.received().messages
    assert message["content"] == (
        'Look:\n\n<file name="a.md">\n# Hi\n</file>\n\n<file name="a.pdf">\nDear Ada\n</file>'
    )


def test_the_output_of_a_tool(fetching: Service, upstream: Upstream) -> None:
    upstream.plays(hello())
    call = {"type": "function_call", "call_id": "c", "name": "read", "arguments": "{}"}
    fetching.stream([call, {"type": "function_call_output", "call_id": "c", "output": [by_data(pdf("Dear Ada"))]}])
    assert upstream.received().messages[1] == {
        "role": "tool", "tool_call_id": "c", "content": '<file name="a.pdf">\nDear Ada\n</file>',
    }  # fmt: skip


def test_a_history_is_fetched_again_and_goes_on_without_it(
    fetching: Service, upstream: Upstream, web: WebServer
) -> None:
    web.responses["/b.md"] = http_response(b"one")
    upstream.plays(hello(), hello(), hello())
    first = fetching.stream(asking(by_url(f"{web.url}/b.md")))[-1]["response"]["id"]
    web.responses["/b.md"] = http_response(b"two")
    fetching.stream("And?", previous_response_id=first)
    assert upstream.received(2).messages[0]["content"] == '<file name="b.md">\ntwo\n</file>'
    web.responses["/b.md"] = http_response(status=404)
    with fetching.open_stream("And?", previous_response_id=first) as exchange:
        exchange.rest()
    assert "status 404" in exchange.headers["x-adapter-notes"]
    assert upstream.received(3).messages[0]["content"] == "[The file b.md is no longer available.]"
    (kept,) = fetching.get(f"/v1/responses/{first}/input_items").json["data"]
    assert kept["content"][0]["file_url"] == f"{web.url}/b.md"


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\na: ", b"HTTP/1.1 200 OK\r\n\r\nHel"])
def test_a_server_that_sends_a_byte_now_and_then(begun: bytes, impatient: Service, web: WebServer) -> None:
    web.trickles["/trickle"] = begun
    error = refusal(impatient, by_url(f"{web.url}/trickle"))
    assert error["param"] == "input[0].content[0].file_url"
    assert error["message"].endswith(": it did not arrive in time.")


def test_a_pdf_that_takes_too_long(impatient: Service) -> None:
    error = refusal(impatient, by_data(heavy(4)))
    assert (error["param"], error["code"]) == ("input[0].content[0]", "unsupported_file")
    assert "a.pdf could not be read in time" in error["message"]


def test_a_pdf_that_no_memory_can_hold(fetching: Service) -> None:
    error = refusal(fetching, by_data(of_contents(b" " * (200 << 20))))
    assert error["code"] == "unsupported_file"


def test_others_are_served_meanwhile(fetching: Service, upstream: Upstream, web: WebServer) -> None:
    errors: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: errors.append(refusal(fetching, by_data(heavy(2)))))
    waiting.start()
    upstream.plays(hello())
    fetching.stream()
    assert waiting.is_alive()
    waiting.join(LIMIT)
    assert errors

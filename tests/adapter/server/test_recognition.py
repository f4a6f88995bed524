"""Upstreams are asked who they are, once, and never for long."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest

from adapter.server import recognition
from adapter.server.recognition import recognise_dialects
from adapter.settings.settings import Settings
from tests.support.servers.upstream import Upstream, head

LIST = b'{"object":"list","data":[{"id":"m","owned_by":"vllm"}]}'


@contextmanager
def answering(*pieces: bytes, close: bool = True) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the URL of a server that answers one request, and a list for that request."""
    received: list[bytes] = []
    done = threading.Event()

    def answer() -> None:
        peer, _ = listener.accept()
        with peer:
            received.append(peer.recv(65536))
            for piece in pieces:
                peer.sendall(piece)
            if not close:
                done.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", received
        done.set()


def dialect_of(url: str, **settings: Any) -> str:
    return recognise_dialects(Settings(upstream_url=url, **settings)).all_upstreams()[0].dialect.name


def test_a_list_that_ends_with_the_connection() -> None:
    with answering(head(200) + LIST[:10], LIST[10:]) as (url, received):
        assert dialect_of(url, upstream_api_key="sk-1") == "vllm"
    assert received[0].startswith(b"GET /v1/models HTTP/1.0\r\n")
    assert b"\r\nAuthorization: Bearer sk-1\r\n" in received[0]


def test_a_list_with_a_length_on_a_connection_that_stays_open() -> None:
    with answering(head(200, content_length=str(len(LIST))) + LIST, close=False) as (url, _):
        assert dialect_of(url) == "vllm"


@pytest.mark.parametrize(
    "answer", [b"", b"\x00", head(404) + LIST, head(200) + b"<html>", head(200) + b"{}", head(200) + b'{"data":[]}']
)
def test_what_is_no_list_leaves_the_default(answer: bytes) -> None:
    with answering(answer) as (url, _):
        assert dialect_of(url) == "default"


def test_who_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "_SECONDS", 0.1)
    with answering(head(200), close=False) as (url, _):
        begun = monotonic()
        assert dialect_of(url) == "default"
        assert monotonic() - begun < 2


def test_who_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dialect_of("http://127.0.0.1:9/v1") == "default"
    assert dialect_of("http://nowhere.invalid/v1") == "default"


@pytest.mark.parametrize("chosen", ["groq", "default"])
def test_what_is_chosen_is_not_asked_for(upstream: Upstream, monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    monkeypatch.setattr(upstream, "models", {"data": [{"id": "m", "owned_by": "vllm"}]})
    assert dialect_of(upstream.url) == "vllm"
    assert dialect_of(upstream.url, dialect=chosen) == chosen


def test_nobody_is_asked_past_a_proxy(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "models", {"data": [{"id": "m", "owned_by": "vllm"}]})
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
    assert dialect_of(upstream.url) == "default"

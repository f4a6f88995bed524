"""Forwarded requests while providers, clients and limits fail: routing, disconnects, cut streams, secrets."""

import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapter.commands.keys import table_of
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import CLOSE, RESET, Gate, Upstream, stream, whole

PATH = "/v1/chat/completions"
KEYS = {name: f"ra-key-of-{name}-0123456789abcdef" for name in ("free", "slow", "small", "one")}
SETTINGS = """
[upstreams.a]
url = "{url}"
key = "sk-secret/of-a-0123456789"

[upstreams.b]
url = "{url}"
key = "sk-secret-of-b-0123456789"

[models]
"pair" = [{{ upstream = "a", model = "named/by-a" }}, {{ upstream = "b", model = "by-b", weight = 0 }}]
"only" = {{ upstream = "a", model = "only" }}
"other" = {{ upstream = "a", model = "other" }}
"""


@pytest.fixture(scope="module")
def gateway(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two upstreams at one provider, named keys, and little patience."""
    toml = SETTINGS.format(url=provider.url) + "\n".join(
        table_of(name, KEYS[name], **limits)
        for name, limits in {
            "free": {"models": ["pair", "only"]}, "slow": {"requests_per_minute": 6},
            "small": {"tokens_per_minute": 100}, "one": {"concurrent": 1},
        }.items()
    )  # fmt: skip
    with Service(
        tmp_path_factory.mktemp("gateway"), toml=toml, workers=1, upstream_timeout=2, max_output_bytes=4096,
        shutdown_grace=1, write_timeout=1,
    ) as service:  # fmt: skip
        service.key = KEYS["free"]
        yield service


def body(model: str = "only", **members: Any) -> bytes:
    message = {"role": "user", "content": "Hi"}
    return json.dumps({"model": model, "messages": [message], **members}).encode()


def test_the_next_candidate_gets_its_own_model_and_key(gateway: Service, upstream: Upstream) -> None:
    upstream.plays(whole(chat.error("Overloaded."), 503), whole(chat.completion("Hello.")))
    assert gateway.request("POST", PATH, body("pair")).status == 200
    first, second = upstream.received(1), upstream.received(2)
    assert [first.json["model"], second.json["model"]] == ["named/by-a", "by-b"]
    assert first.body == body("pair").replace(b'"pair"', b'"named/by-a"')
    assert [one.headers["Authorization"] for one in (first, second)] == [
        "Bearer sk-secret/of-a-0123456789", "Bearer sk-secret-of-b-0123456789",
    ]  # fmt: skip


def test_a_secret_that_the_provider_repeats_is_replaced(gateway: Service, upstream: Upstream) -> None:
    upstream.plays(whole(b'{ "error": {"message": "no sk-secret\\/of-a-0123456789", "code": "x"} }', 400))
    answer = gateway.request("POST", PATH, body())
    assert (answer.status, answer.json) == (400, {"error": {"message": "no ***", "code": "x"}})


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "secret",
    [b"sk-secret/of-a-0123456789", b"sk-secret\\/of-a-0123456789", b"sk-secret/of\\u002da-0123456789"],
)
def test_a_secret_inside_an_answer_is_replaced(
    gateway: Service, upstream: Upstream, streamed: bool, secret: bytes
) -> None:
    content = b'{"error": {"message": "no %b"}}' % secret
    first, second = b"data: " + content[:30], content[30:] + b"\n\n"
    upstream.plays(stream(chat.text("Hel"), first, second) if streamed else whole(content))
    answer = gateway.request("POST", PATH, body())
    assert answer.status == 200
    assert b"0123456789" not in answer.body
    assert b"***" in answer.body


def test_a_key_that_the_provider_refuses_is_the_operators(gateway: Service, upstream: Upstream) -> None:
    upstream.plays(whole(chat.error("Incorrect API key."), 401))
    answer = gateway.request("POST", PATH, body())
    assert answer.status >= 500
    assert answer.error["type"] == "server_error"


@pytest.mark.parametrize("ending", [CLOSE, RESET])
def test_a_cut_stream_ends_with_an_error_and_without_done(gateway: Service, upstream: Upstream, ending: Any) -> None:
    upstream.plays(stream(chat.text("Hel"), b'data: {"cut', ending))
    answer = gateway.request("POST", PATH, body())
    assert answer.status == 200
    *_, last = answer.body.strip().split(b"\n\n")
    assert "broke" in json.loads(last.removeprefix(b"data: "))["error"]["message"]
    assert b"[DONE]" not in answer.body


def test_a_whole_answer_that_is_cut_is_an_error(gateway: Service, upstream: Upstream) -> None:
    (content,) = whole(chat.completion("Hello."))
    assert isinstance(content, bytes)
    upstream.plays([content[:-10], CLOSE])
    assert gateway.request("POST", PATH, body()).error["type"] == "server_error"


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_without_end_is_cut(gateway: Service, upstream: Upstream, streamed: bool) -> None:
    content = chat.text("x" * 10_000)
    upstream.plays(stream(content, RESET) if streamed else whole(content, type="application/json"))
    answer = gateway.request("POST", PATH, body())
    assert b"larger than this adapter's limits allow" in answer.body
    assert len(answer.body) < 10_000


def test_a_client_that_leaves_ends_the_call(gateway: Service, upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays(stream(chat.text("Hel"), gate, chat.text("lo."), chat.end()))
    with gateway.open("POST", PATH, body()) as exchange:
        exchange.read_until(b"Hel")
    assert upstream.received().closed.wait(5)
    gate.set()


def test_a_client_that_leaves_before_the_answer_ends_the_call(gateway: Service, upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays([gate])
    connection = http.client.HTTPConnection(gateway.host, gateway.port)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {gateway.key}"}
    connection.request("POST", PATH, body(), headers)
    received = upstream.received()
    connection.close()
    assert received.closed.wait(5)
    gate.set()


def test_a_silent_provider(gateway: Service, upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays([gate])
    assert "sent nothing" in gateway.request("POST", PATH, body()).error["message"]
    gate.set()


@pytest.mark.parametrize(
    ("key", "model", "status", "code"),
    [("free", "other", 404, "model_not_found"), ("free", "none", 404, "model_not_found"),
     ("small", "only", 400, "request_too_large")],
)  # fmt: skip
def test_what_a_key_may_not_do(gateway: Service, key: str, model: str, status: int, code: str) -> None:
    answer = gateway.request(
        "POST", PATH, body(model, max_completion_tokens=60, n=2), {"Authorization": f"Bearer {KEYS[key]}"}
    )
    assert (answer.status, answer.error["code"]) == (status, code)


def test_requests_and_tokens_of_a_key_are_limited(gateway: Service, upstream: Upstream) -> None:
    for name, used in (("slow", chat.USAGE), ("small", {"prompt_tokens": 200, "completion_tokens": 50})):
        upstream.plays(stream(chat.text("Hello."), chat.end(usage=used)))
        headers = {"Authorization": f"Bearer {KEYS[name]}"}
        first = gateway.request("POST", PATH, body(), headers)
        assert (first.status, b"[DONE]" in first.body) == (200, True)
        second = gateway.request("POST", PATH, body(), headers)
        assert (second.status, second.error["code"]) == (429, "rate_limit_exceeded")
        kind = "requests" if name == "slow" else "tokens"
        assert second.headers[f"x-ratelimit-remaining-{kind}"] == "0"
        assert first.headers[f"x-ratelimit-limit-{kind}"]


def test_a_stream_without_usage_is_charged_by_its_events(gateway: Service, upstream: Upstream, tmp_path: Path) -> None:
    toml = SETTINGS.format(url=upstream.url) + table_of("small", KEYS["small"], tokens_per_minute=100)
    with Service(tmp_path, toml=toml, workers=1) as service:
        service.key = KEYS["small"]
        upstream.plays(stream(chat.text(*"x" * 150), chat.end(usage=None)))
        assert service.request("POST", PATH, body()).status == 200
        assert service.request("POST", PATH, body()).status == 429


def test_one_at_a_time(gateway: Service, upstream: Upstream) -> None:
    gate = Gate()
    headers = {"Authorization": f"Bearer {KEYS['one']}"}
    upstream.plays(stream(chat.text("Hel"), gate, chat.end()), whole(chat.completion("Hello.")))
    with gateway.open("POST", PATH, body(), headers) as exchange:
        exchange.read_until(b"Hel")
        assert gateway.request("POST", PATH, body(), headers).status == 429
        gate.set()
        exchange.rest()
    assert gateway.request("POST", PATH, body(), headers).status == 200


def test_without_a_key_nothing_is_forwarded(gateway: Service) -> None:
    assert gateway.request("POST", PATH, body(), {"Authorization": None}).status == 401


def test_a_provider_is_not_read_faster_than_the_client(provider: Upstream, upstream: Upstream, tmp_path: Path) -> None:
    size = 64 << 20
    content = chat.text("x" * (1 << 20))
    with Service(tmp_path, upstream_url=provider.url, workers=1, max_output_bytes=2 * size) as service:
        upstream.plays(stream(*[content] * (size >> 20), chat.end()))
        before = resident_bytes(service.workers[0])
        with service.open("POST", PATH, body()) as exchange:
            exchange.read_until(b"xxx")
            assert not upstream.received().closed.wait(0.3)
            assert resident_bytes(service.workers[0]) - before < size / 2


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

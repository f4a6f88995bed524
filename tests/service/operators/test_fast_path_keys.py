"""The fast path and the limits of a key: the same answers as without it, and each request counts once."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from time import monotonic, sleep
from typing import Any

import pytest

from adapter.commands.keys import table_of
from tests.service.test_fast_path import PLAIN, STREAMED, WithFastPath, WithoutFastPath, post, talk
from tests.support.chat import completion, end, text
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, ReceivedRequest, Script, Upstream, stream, whole

TIMES = re.compile(rb"(?i)(?:x-ratelimit-reset-\w+|retry-after(?:-ms)?): [^\r]*|in [0-9.]+s\.|Content-Length: [0-9]+")
"""What depends on the moment of a request."""
KINDS: dict[str, tuple[dict[str, Any], int]] = {
    "plain": (PLAIN, 200),
    "streamed": (STREAMED, 200),
    "background": ({**PLAIN, "background": True}, 200),
    "background stream": ({**STREAMED, "background": True}, 200),
    "refused by the provider": ({**PLAIN, "input": "fail"}, 400),
    "refused as a stream": ({**STREAMED, "input": "fail"}, 400),
    "continued from nothing": ({**PLAIN, "previous_response_id": "resp_" + "0" * 32}, 400),
    "with a field that is declined": (PLAIN, 200),
}


def key_of(kind: str) -> str:
    return f"ra-key-{kind.replace(' ', '-')}-0123456789"


def tables() -> str:
    kinds = [
        table_of(kind.replace(" ", "-"), key_of(kind), requests_per_minute=12, concurrent=None if "back" in kind else 1)
        for kind in KINDS
    ]
    others = [table_of("leaves", key_of("leaves"), concurrent=1), table_of("hosts", key_of("hosts"))]
    return "\n".join([*kinds, *others])


@pytest.fixture(scope="module")
def both(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Service]]:
    folders = tmp_path_factory.mktemp("with"), tmp_path_factory.mktemp("without")
    options: dict[str, Any] = {"toml": tables(), "upstream_url": provider.url, "upstream_api_key": "sk", "workers": 1}
    with WithFastPath(folders[0], **options) as first, WithoutFastPath(folders[1], **options) as second:
        yield first, second
        assert "plain request" in first.log


@pytest.fixture(autouse=True)
def answers(provider: Upstream) -> Iterator[Gate]:
    gate = Gate()

    def answer(received: ReceivedRequest) -> Script:
        asked = str(received.messages[-1])
        if "fail" in asked:
            return whole({"error": {"message": "This cannot be answered."}}, 422)
        if "wait" in asked:
            return stream(text("Hel"), gate, end())
        return stream(text("Hel", "lo") + end()) if received.json.get("stream") else whole(completion("Hello"))

    provider.otherwise = answer
    yield gate
    gate.set()
    provider.reset()


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_counts_once(both: tuple[Service, Service], kind: str) -> None:
    """Of 12 requests a minute two may come at once, each when the one before has ended; the third is refused."""
    body, status = KINDS[kind]
    fields = [f"Authorization: Bearer {key_of(kind)}", *["Origin: http://127.0.0.1"] * ("declined" in kind)]
    answers = [talk(service, [post(body, *fields) * 3]) for service in both]
    for answer in answers:
        assert [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+)", answer)] == [status, status, 429, 200]
        assert [int(found) for found in re.findall(rb"(?i)ratelimit-remaining-requests: (\d+)", answer)][-2:] == [0, 0]
        assert b"12 requests per minute" in answer
    if "back" not in kind:  # there the answer may have ended, or not
        assert TIMES.sub(b"", answers[0]) == TIMES.sub(b"", answers[1])


def test_a_client_that_leaves_is_counted_no_longer(both: tuple[Service, Service]) -> None:
    for service in both:
        fields = f"Authorization: Bearer {key_of('leaves')}"
        with closing(socket.create_connection((service.host, service.port), timeout=15)) as peer:
            peer.sendall(post({**STREAMED, "input": "wait"}, fields))
            received = b""
            while b'"Hel"' not in received:
                received += peer.recv(1 << 16)
            assert b" 429 " in talk(service, [post(PLAIN, fields)])
        until = monotonic() + 6
        while b" 429 " in talk(service, [post(PLAIN, fields)]):
            assert monotonic() < until
            sleep(0.1)


@pytest.mark.parametrize(
    "host",
    ["example.org", "EXAMPLE.org:8080", "10.0.0.1", "[::1]:80", "a_b", "a.org.", f"{'x' * 63}.org", f"{'x' * 64}.org",
     "a..b", ".org", "a.org..", "", ":80", "a b", "a.org/x", "b@a.org", "[::1", "a.org:x", "\xe9.org", "a.org, b.org"],
)  # fmt: skip
def test_any_host(both: tuple[Service, Service], host: str) -> None:
    """With keys, the server answers to every name."""
    request = post(PLAIN, f"Host: {host}", f"Authorization: Bearer {key_of('hosts')}")
    first, second = [talk(service, [request]) for service in both]
    assert first == second
    assert b" 400 " in first or b"Hello" in first

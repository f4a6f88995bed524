"""Faults of the client. Whoever leaves takes the provider's work with it: its connection is closed within
two seconds.

Else a provider goes on generating, and billing, what nobody reads.
"""

import json
import socket
from collections.abc import Callable

import pytest

from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Gate, Script, Upstream, stream, whole

SOON = 2.0
"""Seconds within which the provider must know."""

HEL = chat.text("Hel")
HEAD = "POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def ask(service: Service, **members: object) -> socket.socket:
    """Send a request and return its connection, nothing read."""
    body = json.dumps({"model": "m", "input": "Hi", **members}).encode()
    connection = socket.create_connection((service.host, service.port), timeout=LIMIT)
    connection.sendall(f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return connection


def read_until(connection: socket.socket, mark: bytes) -> None:
    read = b""
    while mark not in read:
        piece = connection.recv(65536)
        assert piece, f"the answer ended without {mark!r}: {read!r}"
        read += piece


def still_serves(service: Service, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Still here.")))
    assert service.create()["status"] == "completed"


LEAVING: dict[str, tuple[dict[str, object], Callable[[], Script], bytes | None]] = {
    "an unstreamed answer, the provider silent": ({}, lambda: [Gate()], None),
    "an unstreamed answer, the provider at work": ({}, lambda: stream(HEL, Gate()), None),
    "a stream, the provider silent": ({"stream": True}, lambda: [Gate()], None),
    "a stream past the grace window": ({"stream": True}, lambda: [Gate()], b"response.in_progress"),
    "a stream, the provider has fallen silent": ({"stream": True}, lambda: stream(HEL, Gate()), b'"Hel"'),
    "a stream at full speed": ({"stream": True}, lambda: stream(*[HEL] * 100_000, Gate()), b'"Hel"'),
}


@pytest.mark.parametrize("name", LEAVING)
def test_a_client_that_leaves(name: str, hasty: Service, service: Service, upstream: Upstream) -> None:
    members, script, mark = LEAVING[name]
    leaving = hasty if mark == b"response.in_progress" else service
    upstream.plays(script())
    connection = ask(leaving, **members)
    if mark:
        read_until(connection, mark)
    request = upstream.received()
    assert not request.closed.is_set()
    connection.close()
    assert request.closed.wait(SOON), "the provider goes on"
    still_serves(leaving, upstream)


def test_a_client_that_resets_its_connection(service: Service, upstream: Upstream) -> None:
    upstream.plays(stream(HEL, Gate()))
    connection = ask(service, stream=True)
    read_until(connection, b'"Hel"')
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    assert upstream.received().closed.wait(SOON)
    still_serves(service, upstream)


def test_a_client_that_reads_nothing(hasty: Service, upstream: Upstream) -> None:
    upstream.plays(stream(*[chat.text("x" * 10_000)] * 4000, Gate()))
    with ask(hasty, stream=True):
        assert upstream.received().closed.wait(LIMIT), "the provider is read for a client that takes nothing"
    still_serves(hasty, upstream)
    assert "Traceback" not in hasty.log


def test_a_client_that_leaves_in_its_own_request(service: Service, upstream: Upstream) -> None:
    with socket.create_connection((service.host, service.port)) as connection:
        connection.sendall(f"{HEAD}Content-Length: 1000\r\n\r\n{{".encode())
    with socket.create_connection((service.host, service.port)) as connection:
        connection.sendall(HEAD[:40].encode())
    still_serves(service, upstream)
    assert len(upstream.requests) == 1


def test_a_body_that_never_comes(hasty: Service, upstream: Upstream) -> None:
    with socket.create_connection((hasty.host, hasty.port), timeout=LIMIT) as connection:
        connection.sendall(f"{HEAD}Content-Length: 1000\r\n\r\n{{".encode())
        with connection.makefile("rb") as answer:
            assert answer.readline().split()[1] == b"408"
    still_serves(hasty, upstream)
    assert len(upstream.requests) == 1


def test_what_was_said_is_kept_when_the_client_leaves(service: Service, upstream: Upstream) -> None:
    upstream.plays(stream(HEL, Gate()))
    exchange = service.open_stream()
    id = json.loads(exchange.read_until(b'"Hel"').split(b"data: ")[1].split(b"\n")[0])["response"]["id"]
    exchange.leave()
    assert upstream.received().closed.wait(SOON)
    kept = service.get(f"/v1/responses/{id}").response
    assert kept["status"] == "cancelled"
    assert kept["output"][0]["content"][0]["text"] == "Hel"


def test_many_requests_on_one_connection(service: Service, upstream: Upstream) -> None:
    body = json.dumps({"model": "m", "input": "Hi"}).encode()
    request = f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body
    upstream.plays(*[whole(chat.completion("Hello."))] * 3)
    with socket.create_connection((service.host, service.port), timeout=LIMIT) as connection:
        connection.sendall(request * 3)
        with connection.makefile("rb") as answers:
            for _ in range(3):
                assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
                length = 0
                while (line := answers.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split()[1])
                assert json.loads(answers.read(length))["status"] == "completed"

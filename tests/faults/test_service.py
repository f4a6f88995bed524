"""Faults of the service itself: workers that die, stops in the middle, and what must survive them or must
not exist."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection
from time import monotonic, sleep
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support import chat
from tests.support.client import Client, judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Gate, Script, Upstream, stream, whole
from tests.support.websocket import Socket


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


def says(text: str) -> Script:
    return whole(chat.completion(text))


def prompts(upstream: Upstream, count: int) -> list[Any]:
    return [message["content"] for message in upstream.received(count).messages]


def test_sigterm_lets_an_open_stream_end(directory: Path, upstream: Upstream, provider: Upstream) -> None:
    gate = Gate()
    upstream.plays(stream(chat.text("Hel"), gate, chat.text("lo."), chat.end()))
    with Service(directory, upstream_url=provider.url) as service:
        with service.open_stream() as exchange:
            exchange.read_until(b'"Hel"')
            service.process.send_signal(signal.SIGTERM)
            wait_until_refused(service)
            gate.set()
            events = judged(exchange.rest())
        service.stop()
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "Hello."


def wait_until_refused(service: Service) -> None:
    """Return once the service takes no new connections."""
    deadline = monotonic() + LIMIT
    while monotonic() < deadline:
        try:
            service.get("/healthz")
        except OSError:
            return
    raise AssertionError("the service goes on taking requests")


def test_sigterm_ends_a_stream_that_goes_on(directory: Path, upstream: Upstream, provider: Upstream) -> None:
    upstream.plays(stream(chat.text("Hel"), Gate()))
    with Service(directory, upstream_url=provider.url, shutdown_grace=1) as service:
        with service.open_stream() as exchange:
            exchange.read_until(b'"Hel"')
            service.process.send_signal(signal.SIGTERM)
            events = judged(exchange.rest())
        service.stop()
    assert events[-1]["response"]["status"] == "failed"
    assert upstream.received().closed.wait(LIMIT)


def test_the_log_says_when_the_server_began_reloaded_and_ended(directory: Path, provider: Upstream) -> None:
    with Service(directory, upstream_url=provider.url, workers=1) as service:
        address, old = f"127.0.0.1:{service.port}", service.workers
        service.process.send_signal(signal.SIGHUP)
        deadline = monotonic() + 20
        while set(service.workers) & set(old) or not service.workers:
            assert monotonic() < deadline
            sleep(0.05)
        service.stop()
        lines = [json.loads(line) for line in service.log.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == ["listening", "reloading", "stopped"]
    assert (lines[0]["address"], lines[0]["workers"], bool(lines[0]["version"])) == (address, 1, True)
    assert lines[1]["settings"] == "as at the start"


def test_sigterm_does_not_wait_for_idle_connections(service: Service, directory: Path, provider: Upstream) -> None:
    with Service(directory, upstream_url=provider.url, shutdown_grace=3600) as own, own.open("GET", "/healthz"):
        own.stop()


def test_a_stopping_worker_answers_the_next_request_of_each_connection(
    directory: Path, upstream: Upstream, provider: Upstream
) -> None:
    """Over HTTP, on a new connection, on one whose head was under way and on a kept one, which then ends; and over a
    WebSocket, which is closed after it.
    """
    upstream.otherwise = lambda _: stream(chat.text("Hello."), chat.end())
    with Service(directory, upstream_url=provider.url, workers=1) as service:
        for _ in range(10):
            (worker,) = service.workers
            begun = monotonic()
            address = service.host, service.port
            with (
                Socket(service) as socket, create_connection(address) as plain, create_connection(address) as half,
                create_connection(address) as kept,
            ):  # fmt: skip
                half.sendall(b"GET /healthz HTTP/1.1\r\n")
                kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = b""
                while not answer.endswith(b'{"status":"ok"}'):
                    answer += kept.recv(4096)
                assert b"Connection: keep-alive" in answer
                sleep(0.1)  # until all are accepted
                os.kill(worker, signal.SIGTERM)
                sleep(0.1)
                is_in_time = monotonic() < begun + 0.5  # of the second that it has
                plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                half.sendall(b"Host: localhost\r\n\r\n")
                kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                if is_in_time:
                    assert socket.turn()["status"] == "completed"
                    with pytest.raises(ConnectionClosed) as closed:
                        socket.receive()
                    assert closed.value.rcvd is not None
                    assert closed.value.rcvd.code == 1001
                    assert plain.recv(4096).startswith(b"HTTP/1.1 200")
                    assert half.recv(4096).startswith(b"HTTP/1.1 200")
                    answer = b"".join(iter(lambda: kept.recv(4096), b""))
                    assert answer.startswith(b"HTTP/1.1 200")
                    assert b"Connection: close" in answer
                    return
            wait_until_replaced(service, worker)
    raise AssertionError("this machine is too slow to try it")


def wait_until_replaced(service: Service, worker: int) -> None:
    deadline = monotonic() + LIMIT
    while worker in service.workers or not service.workers:
        assert monotonic() < deadline
        sleep(0.05)


def test_a_chain_survives_a_killed_worker(directory: Path, upstream: Upstream, provider: Upstream) -> None:
    upstream.plays(says("One."), says("Two."), says("Three."))
    with Service(directory, upstream_url=provider.url, workers=1) as service:
        first = service.create("1")
        second = service.create("2", previous_response_id=first["id"])
        (worker,) = service.workers
        os.kill(worker, signal.SIGKILL)
        third = service.create("3", previous_response_id=second["id"])
        assert service.workers != [worker]
        assert prompts(upstream, 3) == ["1", "One.", "2", "Two.", "3"]
        assert service.get(f"/v1/responses/{third['id']}").response == third


def test_a_killed_worker_takes_its_streams_along(directory: Path, upstream: Upstream, provider: Upstream) -> None:
    upstream.plays(stream(chat.text("Hel"), Gate()), says("Here."))
    with Service(directory, upstream_url=provider.url, workers=1) as service:
        with service.open_stream() as exchange:
            exchange.read_until(b'"Hel"')
            os.kill(service.workers[0], signal.SIGKILL)
            assert upstream.received().closed.wait(LIMIT)
        assert service.create()["output"][0]["content"][0]["text"] == "Here."


def test_a_chain_survives_a_restart(directory: Path, upstream: Upstream, provider: Upstream) -> None:
    upstream.plays(says("One."), says("Two."))
    with Service(directory, upstream_url=provider.url) as service:
        first = service.create("1")
    with Service(directory, upstream_url=provider.url) as service:
        assert service.get(f"/v1/responses/{first['id']}").response == first
        service.create("2", previous_response_id=first["id"])
    assert prompts(upstream, 2) == ["1", "One.", "2"]


def test_two_workers_share_the_history(directory: Path, upstream: Upstream, provider: Upstream) -> None:
    """While one worker stands still the other has to answer, so each sees what the other stored."""
    upstream.plays(says("One."), says("Two."), says("Three."))
    with Service(directory, upstream_url=provider.url, workers=2) as service:
        one, other = service.workers
        with stopped(one):
            first = service.create("1")
        with stopped(other):
            second = service.create("2", previous_response_id=first["id"])
            assert service.get(f"/v1/responses/{first['id']}").response == first
        with stopped(one):
            service.create("3", previous_response_id=second["id"])
            assert service.delete(f"/v1/responses/{first['id']}").status == 200
        with stopped(other):
            assert service.get(f"/v1/responses/{first['id']}").status == 404
        assert service.workers == [one, other]
    assert prompts(upstream, 3) == ["1", "One.", "2", "Two.", "3"]


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Make a process stand still for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_forks_of_one_response(service: Service, upstream: Upstream) -> None:
    upstream.plays(says("One."), says("Left."), says("Right."), says("On."))
    first = service.create("1")
    left = service.create("left", previous_response_id=first["id"])
    service.create("right", previous_response_id=first["id"])
    service.create("on", previous_response_id=left["id"])
    assert prompts(upstream, 3) == ["1", "One.", "right"]
    assert prompts(upstream, 4) == ["1", "One.", "left", "Left.", "on"]


@pytest.mark.parametrize("streamed", [False, True])
def test_store_false_leaves_nothing(
    streamed: bool, directory: Path, upstream: Upstream, provider: Upstream
) -> None:
    question, answer = "a question without trace", "an answer without trace"
    upstream.plays(stream(chat.text(answer), chat.end()) if streamed else says(answer), says("kept"))
    with Service(directory, upstream_url=provider.url, log_level="debug") as service:
        if streamed:
            made = service.stream(question, store=False)[-1]["response"]
        else:
            made = service.create(question, store=False)
        assert made["store"] is False
        assert service.get(f"/v1/responses/{made['id']}").status == 404
        refused = service.post({"model": "m", "input": "Hi", "previous_response_id": made["id"]})
        assert (refused.status, refused.error["code"]) == (400, "previous_response_not_found")
        service.create("something that is kept")
    written = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
    assert b"something that is kept" in written
    assert b"without trace" not in written


def test_an_unknown_previous_response(service: Service, upstream: Upstream) -> None:
    for streamed in (False, True):
        for id in ("resp_" + "0" * 32, "resp_1", "", "x" * 500, "'; drop table responses; --"):
            body = {"model": "m", "input": "Hi", "previous_response_id": id, "stream": streamed}
            answer = service.post(body)
            assert answer.status == 400
            assert answer.error["code"] == "previous_response_not_found"
            assert answer.error["param"] == "previous_response_id"
    assert upstream.requests == []


def test_a_foreign_response_is_an_unknown_one(service: Service, upstream: Upstream) -> None:
    upstream.plays(says("A secret."))
    mine = service.create()
    stranger = Client(service.host, service.port, key="sk-stranger")
    for reader in (stranger, Client(service.host, service.port, key=None)):
        unknown = "resp_" + "0" * 32
        for path in ("/v1/responses/{}", "/v1/responses/{}/input_items"):
            found, missing = reader.get(path.format(mine["id"])), reader.get(path.format(unknown))
            assert found.status == missing.status == 404
            assert found.error["message"] == missing.error["message"].replace(unknown, mine["id"])
        assert reader.delete(f"/v1/responses/{mine['id']}").status == 404
        body = {"model": "m", "input": "Hi", "previous_response_id": mine["id"]}
        assert reader.post(body).error["code"] == "previous_response_not_found"
    assert service.get(f"/v1/responses/{mine['id']}").response == mine


def test_keys(directory: Path, upstream: Upstream, provider: Upstream) -> None:
    own = "sk-upstream-0123456789"
    upstream.plays(says("One."), says("Two."), whole(chat.error(f"No model of that name for {own}."), 400))
    with Service(
        directory, upstream_url=provider.url, api_keys="sk-test-1234,sk-other-1234", upstream_api_key=own
    ) as service:
        service.key = "sk-test-1234"
        mine = service.create()
        other = Client(service.host, service.port, key="sk-other-1234")
        assert other.get(f"/v1/responses/{mine['id']}").status == 404
        assert other.create()["status"] == "completed"
        assert other.post({"model": "x", "input": "Hi"}).error["message"] == "No model of that name for ***."
        for key in ("sk-wrong-1234", "sk-test-1234,sk-other-1234", "", None):
            answer = Client(service.host, service.port, key=key).post({"model": "m", "input": "Hi"})
            assert answer.status == 401
            assert answer.error["type"] == "invalid_request_error"
        assert Client(service.host, service.port, key=None).get("/healthz").status == 200
    assert [received.headers["Authorization"] for received in upstream.requests] == [f"Bearer {own}"] * 3
    assert own not in service.log

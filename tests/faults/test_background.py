"""Faults around background responses: clients that leave, workers that die or stop, cancellation from elsewhere."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.faults.test_service import stopped
from tests.support import chat
from tests.support.client import judged
from tests.support.judges.sse import parse_sse
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Gate, Upstream, stream


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.set()


def ended(service: Service, id: str) -> dict[str, Any]:
    deadline = monotonic() + LIMIT
    while (response := service.get(f"/v1/responses/{id}").response)["status"] in ("queued", "in_progress"):
        assert monotonic() < deadline, "the response does not end"
        sleep(0.05)
    return response


def replayed(service: Service, id: str) -> bytes:
    answer = service.get(f"/v1/responses/{id}?stream=true")
    assert answer.status == 200, answer.body
    return answer.body


def id_in(stream: bytes) -> str:
    return stream.partition(b'"id":"')[2].partition(b'"')[0].decode()


def begun(service: Service) -> str:
    """Begin a streamed background response, leave when its first text has come, and return its id."""
    with service.open_stream(background=True) as exchange:
        return id_in(exchange.read_until(b'"Hel"'))


def test_a_client_that_leaves_ends_nothing(service: Service, upstream: Upstream, gate: Gate) -> None:
    upstream.plays(stream(chat.text("Hel"), gate, chat.text("lo."), chat.end()))
    id = begun(service)
    assert not upstream.received().closed.wait(1.5), "nobody reads along, but the response is to be made"
    gate.set()
    assert ended(service, id)["output"][0]["content"][0]["text"] == "Hello."
    assert judged(replayed(service, id))[-1]["type"] == "response.completed"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_killed_worker_leaves_its_runs_failed(
    streamed: bool, directory: Path, upstream: Upstream, provider: Upstream
) -> None:
    upstream.plays(stream(chat.text("Hel"), Gate()))
    with Service(directory, upstream_url=provider.url, workers=2) as service:
        one, other = service.workers
        with stopped(one):
            id = begun(service) if streamed else service.create(background=True)["id"]
            assert upstream.received()
            os.kill(other, signal.SIGKILL)
        if streamed:
            with service.open("GET", f"/v1/responses/{id}?stream=true") as reader:
                reader.rest()
        response = ended(service, id)
        assert (response["status"], response["output"]) == ("failed", [])
        assert response["error"]["code"] == "server_error"
        if streamed:
            events = parse_sse(reader.body)
            assert [event["sequence_number"] for event in events] == list(range(len(events)))
            assert (events[-1]["type"], events[-1]["response"]) == ("response.failed", response)
            assert reader.body == replayed(service, id)
        assert service.delete(f"/v1/responses/{id}").status == 200


def test_another_worker_reads_along_and_cancels(directory: Path, upstream: Upstream, provider: Upstream) -> None:
    gate = Gate()
    upstream.plays(stream(chat.text("Hel"), gate, chat.text("lo "), Gate()))
    with Service(directory, upstream_url=provider.url, workers=2) as service:
        one, other = service.workers
        with stopped(one):
            id = begun(service)
        with stopped(other):
            reader = service.open("GET", f"/v1/responses/{id}?stream=true")
        with reader:
            reader.read_until(b'"Hel"')
            gate.set()
            reader.read_until(b'"lo "')
            with stopped(other):
                cancelled = service.request("POST", f"/v1/responses/{id}/cancel").response
            assert cancelled["status"] == "cancelled"
            assert upstream.received().closed.wait(2), "the provider goes on for longer than 2 s"
            events = parse_sse(reader.rest())
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert (events[-1]["type"], events[-1]["response"]) == ("response.failed", cancelled)
        for worker in (one, other):
            with stopped(worker):
                assert service.get(f"/v1/responses/{id}").response == cancelled
                assert replayed(service, id) == reader.body


def test_a_provider_that_never_pauses_is_cancelled(service: Service, upstream: Upstream) -> None:
    """There is no silence in which to look up."""
    upstream.plays(stream(*([chat.text("on ")] * 200_000), chat.end()))
    with service.open_stream(background=True) as exchange:
        id = id_in(exchange.read_until(b'"on "'))
        cancelled = service.request("POST", f"/v1/responses/{id}/cancel").response
        assert upstream.received().closed.wait(2)
        assert parse_sse(exchange.rest())[-1]["response"] == cancelled


def test_a_stop_ends_what_goes_on(directory: Path, upstream: Upstream, provider: Upstream) -> None:
    upstream.plays(stream(chat.text("Hel"), Gate()), stream(chat.text("Hel"), Gate()))
    settings = {"upstream_url": provider.url, "shutdown_grace": 1}
    with Service(directory, **settings) as service:
        streamed = begun(service)
        polled = service.create(background=True)["id"]
        assert upstream.received(2)
    with Service(directory, **settings) as service:
        for id in (streamed, polled):
            response = service.get(f"/v1/responses/{id}").response
            assert response["status"] == "failed"
            assert "restarted" in response["error"]["message"]
            assert response["output"][0]["content"][0]["text"] == "Hel"
        events = judged(replayed(service, streamed))
        assert events[-1]["response"] == service.get(f"/v1/responses/{streamed}").response


def test_a_stop_lets_end_what_is_about_to(directory: Path, upstream: Upstream, provider: Upstream) -> None:
    gate = Gate()
    upstream.plays(stream(chat.text("Hel"), gate, chat.text("lo."), chat.end()))
    service = Service(directory, upstream_url=provider.url, workers=1)
    with service:
        id = begun(service)
        service.process.send_signal(signal.SIGTERM)
        gate.set()
    with service:
        assert service.get(f"/v1/responses/{id}").response["status"] == "completed"
        assert judged(replayed(service, id))[-1]["type"] == "response.completed"


def test_a_foreign_run_is_an_unknown_one(service: Service, upstream: Upstream, gate: Gate) -> None:
    upstream.plays(stream(chat.text("Hel"), gate, chat.end()))
    id = begun(service)
    mine, service.key = service.key, "sk-stranger"
    try:
        for method, path in (("GET", ""), ("GET", "?stream=true"), ("POST", "/cancel"), ("DELETE", "")):
            answer = service.request(method, f"/v1/responses/{id}{path}")
            assert (answer.status, answer.error["message"]) == (404, f"Response with id '{id}' not found.")
    finally:
        service.key = mine
    gate.set()
    assert ended(service, id)["status"] == "completed"

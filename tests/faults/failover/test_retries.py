"""Requests that the provider has not accepted are sent again, after a delay, as often as the settings say.

The delays are those that the provider asks for, so that the tests are quick.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import chat
from tests.support.client import judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import CLOSE, RESET, Script, Upstream, stream, whole

AT_ONCE = {"retry_after_ms": "1"}
HELLO = whole(chat.completion("Hello."))
STREAMED = stream(chat.text("Hel", "lo."), chat.end())


@pytest.fixture(scope="module")
def patient(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("patient")
    with Service(directory, upstream_url=provider.url, workers=1, retries=2, grace_window=0.1) as service:
        yield service


def text_of(response: dict[str, Any]) -> str:
    return str(response["output"][-1]["content"][0]["text"])


def busy(status: int, **headers: str) -> Script:
    return whole(chat.error("Not now."), status, **{**AT_ONCE, **headers})


@pytest.mark.parametrize("status", [429, 502, 503, 504, 529])
def test_a_provider_that_is_busy_for_a_moment(status: int, patient: Service, upstream: Upstream) -> None:
    upstream.plays(busy(status), HELLO)
    assert text_of(patient.create()) == "Hello."
    first, second = upstream.requests
    assert first.body == second.body


def test_an_overload_in_the_place_of_an_answer(patient: Service, upstream: Upstream) -> None:
    upstream.plays(stream(chat.role(), chat.block(chat.error("Overloaded.", retryDelay="0.001s"))), STREAMED)
    assert text_of(patient.stream()[-1]["response"]) == "Hello."


def test_as_often_as_the_settings_say(patient: Service, upstream: Upstream) -> None:
    upstream.plays(busy(503), busy(503), busy(503))
    refused = patient.post({"model": "m", "input": "Hi"})
    assert (refused.status, refused.error["message"]) == (503, "Not now.")


NOT_RETRIED: dict[str, Script] = {
    "400": whole(chat.error("No."), 400),
    "401": whole(chat.error("Bad key."), 401),
    "500": whole(chat.error("Crashed."), 500),
    "no credit": whole(chat.error("You exceeded your current quota.", code="insufficient_quota"), 429),
    "a longer wait than a client has": busy(429, retry_after_ms="60000"),
    "closed without an answer": [CLOSE],
    "reset": [RESET],
    "cut after the status": stream(chat.role(), CLOSE),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("failure", NOT_RETRIED)
def test_what_is_not_sent_again(failure: str, streamed: bool, patient: Service, upstream: Upstream) -> None:
    upstream.plays(NOT_RETRIED[failure])
    patient.post({"model": "m", "input": "Hi", "stream": streamed})
    assert len(upstream.requests) == 1


def test_a_stream_is_kept_alive_while_it_waits(patient: Service, upstream: Upstream) -> None:
    upstream.plays(busy(429, retry_after_ms="300"), STREAMED)
    with patient.open_stream() as exchange:
        exchange.read_until(b"event: response.in_progress")
        assert len(upstream.requests) == 1, "it did not wait"
        events = judged(exchange.rest())
    assert text_of(events[-1]["response"]) == "Hello."
    assert [event["type"] for event in events].count("response.created") == 1


def test_a_client_that_leaves_while_it_waits(patient: Service, upstream: Upstream) -> None:
    upstream.plays(busy(429, retry_after_ms="2500"))
    with patient.open_stream() as exchange:
        exchange.read_until(b"event: response.in_progress")
    deadline = time.monotonic() + 10
    while '"status":"cancelled"' not in patient.log and time.monotonic() < deadline:
        time.sleep(0.05)
    assert '"status":"cancelled"' in patient.log
    assert len(upstream.requests) == 1


def test_the_log_says_what_is_sent_again_and_why(patient: Service, upstream: Upstream) -> None:
    upstream.plays(busy(529), HELLO)
    response = patient.create()
    ids = [json.loads(line).get("request_id") for line in patient.log.splitlines() if response["id"] in line]
    lines = [json.loads(line) for line in patient.log.splitlines() if str(ids[0]) in line]
    (retried,) = [line for line in lines if line["event"] == "retried later"]
    assert (retried["failed"], retried["status"], retried["next"]) == ("default", 529, "default")
    assert 0 < retried["seconds"] < 1


def test_a_provider_that_is_being_restarted(tmp_path: Any) -> None:
    """Nothing listens at first; a moment later the provider is back."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    body = json.dumps(chat.completion("Hello.")).encode()

    def come_back() -> None:
        while service.log.count("retried later") < 2:
            time.sleep(0.02)
        with socket.create_server(("127.0.0.1", port)) as listener:
            for _ in range(2):
                peer, _ = listener.accept()
                with peer:
                    peer.recv(65536)
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with Service(tmp_path, upstream_url=f"http://127.0.0.1:{port}/v1", workers=1, retries=2) as service:
        back = threading.Thread(target=come_back)
        back.start()
        run = service.create(background=True)
        assert text_of(service.create()) == "Hello."
        while run["status"] in ("queued", "in_progress"):
            run = service.get(f"/v1/responses/{run['id']}").response
            time.sleep(0.05)
        assert text_of(run) == "Hello."
        back.join()


def test_a_second_round_is_sent_again_to_who_answered_the_first(patient: Service, upstream: Upstream) -> None:
    form = {"type": "json_schema", "name": "city", "schema": {"type": "object"}, "strict": True}
    upstream.plays(
        whole(chat.completion("Paris")), busy(503), whole(chat.completion('{"city":"Paris"}'))
    )
    response = patient.create("The capital of France, as JSON.", text={"format": form})
    assert text_of(response) == '{"city":"Paris"}'
    assert upstream.requests[1].body == upstream.requests[2].body


def test_lessons_are_learned_beside_retries(patient: Service, upstream: Upstream) -> None:
    unsupported = whole(chat.error("Unsupported parameter: 'top_p'.", param="top_p"), 400)
    upstream.plays(busy(503), unsupported, busy(503), HELLO, HELLO)
    assert text_of(patient.create(model="picky", top_p=0.5)) == "Hello."
    patient.create(model="picky", top_p=0.5)
    assert ["top_p" in received.json for received in upstream.requests] == [True, True, False, False, False]



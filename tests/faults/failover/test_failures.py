"""Failover, and where it ends.

Until the first byte of an answer, a failure of the upstream sends the request to the next candidate, translated anew.
The caller's mistakes, and what breaks later, stay where they are.
"""

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.faults.failover.two_upstreams import BUSY, EMPTY_HEAD, FAILURES, HELLO, LOST, answer, name, settings, text_of
from tests.support import chat
from tests.support.client import judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import (
    CLOSE,
    LIMIT,
    Gate,
    ReceivedRequest,
    Script,
    Upstream,
    stream,
    whole,
)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_the_others_work(failure: str, streamed: bool, routed: Service, a: Upstream, b: Upstream) -> None:
    model = name("first")
    a.plays(*FAILURES[failure])
    b.otherwise = lambda received: answer("Hello.", received)
    response = (routed.stream(model=model)[-1]["response"]) if streamed else routed.create(model=model)
    assert (response["status"], response["model"], text_of(response)) == ("completed", model, "Hello.")
    assert len(a.requests) == len(FAILURES[failure])
    (received,) = b.requests
    assert received.json["model"] == model.replace("first", "b")
    assert (received.headers["authorization"], received.headers["x-team"]) == ("Bearer key-of-b", "search")
    assert {request.headers["authorization"] for request in a.requests} <= {"Bearer key-1-of-a", "Bearer key-2-of-a"}
    assert routed.get(f"/v1/responses/{response['id']}").json == response
    a.plays(HELLO)
    assert text_of(routed.create(model=name("first"))) == "Hello.", "one failure, and it is left alone"
    assert len(b.requests) == 1


def test_an_upstream_that_nobody_can_reach(routed: Service, b: Upstream) -> None:
    b.otherwise = lambda received: answer("Hello.", received)
    for _ in range(5):
        assert text_of(routed.create(model="lost")) == "Hello."


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("loss", LOST)
def test_a_request_that_may_have_been_accepted(
    loss: str, streamed: bool, routed: Service, a: Upstream, b: Upstream
) -> None:
    """The request may be charged already, so no other provider gets it."""
    model = name("first")
    a.plays(LOST[loss])
    answer = routed.post({"model": model, "input": "Hi", "stream": streamed})
    assert answer.status >= 500 or b"response.failed" in answer.body
    assert (len(a.requests), len(b.requests)) == (1, 0)


@pytest.mark.parametrize("script", [[Gate()], [EMPTY_HEAD, Gate()]], ids=["no status", "nothing behind the status"])
def test_silence(script: Script, routed: Service, a: Upstream, b: Upstream) -> None:
    a.plays(script)
    failed = routed.stream(model="silent")[-1]["response"]
    assert failed["error"]["message"] == "The provider sent nothing for 1 seconds."
    assert a.received().closed.wait(LIMIT), "the silent call goes on"
    assert not b.requests


@pytest.mark.parametrize("failure", ["429 for both keys", "401 for both keys"])
def test_another_key_of_the_same_upstream(failure: str, routed: Service, a: Upstream, b: Upstream) -> None:
    a.plays(FAILURES[failure][0], HELLO)
    assert text_of(routed.create(model=name("first"))) == "Hello."
    assert len({request.headers["authorization"] for request in a.requests}) == 2
    assert not b.requests


MISTAKES: dict[str, tuple[Script, str | None]] = {
    "400": (whole(chat.error("Bad image.", param="messages"), 400), None),
    "too long": (whole(chat.error("maximum context length is 8192 tokens"), 400), "context_length_exceeded"),
    "content": (whole(chat.error("Refused.", code="content_policy_violation"), 400), "content_filter"),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_the_caller_got_wrong(mistake: str, streamed: bool, routed: Service, a: Upstream, b: Upstream) -> None:
    script, code = MISTAKES[mistake]
    a.plays(script)
    refused = routed.post({"model": name("first"), "input": "Hi", "stream": streamed})
    assert (refused.status, refused.error["code"] if code else None) == (400, code)
    assert not b.requests


@pytest.mark.parametrize("streamed", [False, True])
def test_what_breaks_after_the_first_byte(streamed: bool, routed: Service, a: Upstream, b: Upstream) -> None:
    a.plays(stream(chat.text("Hel"), CLOSE))
    model = name("first")
    if streamed:
        assert routed.stream(model=model)[-1]["type"] == "response.failed"
    else:
        assert routed.post({"model": model, "input": "Hi"}).status == 500
    assert not b.requests


def test_a_failure_when_the_stream_has_begun(routed: Service, a: Upstream, b: Upstream) -> None:
    gate = Gate()
    a.plays([gate, *BUSY])
    b.plays(stream(chat.text("Hel", "lo."), chat.end()))
    with routed.open_stream(model=name("first")) as exchange:
        exchange.read_until(b"event: response.in_progress")
        gate.set()
        events = judged(exchange.rest())
    assert text_of(events[-1]["response"]) == "Hello."
    assert [event["type"] for event in events].count("response.created") == 1


# --- all fail -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True])
def test_when_all_fail_the_shortest_wait_is_told(streamed: bool, routed: Service, a: Upstream, b: Upstream) -> None:
    a.plays(*(whole(chat.error("Slow down."), 429, retry_after=seconds) for seconds in ("9", "7")))
    b.plays(whole(chat.error("Overloaded."), 503, retry_after="30"))
    refused = routed.post({"model": name("first"), "input": "Hi", "stream": streamed})
    assert (refused.status, refused.error["code"]) == (503, "server_is_overloaded")
    assert refused.headers["retry-after"] == "7"


def test_when_all_are_down_they_are_left_alone(routed: Service, a: Upstream, b: Upstream) -> None:
    model = name("first")
    a.otherwise = b.otherwise = lambda received: BUSY
    for _ in range(3):
        assert routed.post({"model": model, "input": "Hi"}).error["message"] == "Overloaded."
    before = len(a.requests) + len(b.requests)
    refused = routed.post({"model": model, "input": "Hi"})
    assert (refused.status, refused.error["code"]) == (503, "server_is_overloaded")
    assert 1 <= int(refused.headers["retry-after"]) <= 5
    assert len(a.requests) + len(b.requests) == before, "a candidate in cooldown was asked"
    a.otherwise = lambda received: answer("Hello.", received)
    assert text_of(routed.create(model=name("first"))) == "Hello.", "another model was taken for the same"


def test_the_log_tells_a_failure_that_is_an_http_error(routed: Service, a: Upstream, b: Upstream) -> None:
    model = name("first")
    a.plays(whole(chat.error("Bad key."), 401))
    b.plays(whole(chat.error("Bad key."), 401))
    answer = routed.post({"model": model, "input": "Hi"})
    told = [json.loads(line) for line in routed.log.splitlines() if answer.headers["x-request-id"] in line]
    assert [event["status"] for event in told if event["event"] == "response"] == ["failed"]
    (failed,) = [event for event in told if event["event"] == "upstream failed"]
    assert (failed["status"], failed["provider_status"]) == (500, 401)


def test_the_log_names_who_failed_and_no_key(routed: Service, a: Upstream, b: Upstream) -> None:
    model = name("first")
    a.plays(*[whole(chat.error("Slow down, key-1-of-a and key-2-of-a."), 429, retry_after="3")] * 2)
    b.plays(HELLO)
    routed.create(model=model)
    events = [json.loads(line) for line in routed.log.splitlines() if model in line or '"cooldown"' in line]
    told = [event for event in events if event["event"] == "retried elsewhere"]
    assert [(event["failed"], event["status"], event["next"]) for event in told] == [("a", 429, "a"), ("a", 429, "b")]
    alone = [event for event in events if event["event"] == "cooldown" and event["model"] == model]
    assert [(event["upstream"], event["seconds"]) for event in alone] == [("a", 3.0), ("a", 3.0)]
    assert "of-a" not in routed.log


# --- random failures --------------------------------------------------------------------------------------------------


def test_one_fails_at_random_and_no_client_sees_it(upstreams: tuple[Upstream, Upstream], tmp_path: Any) -> None:
    """Each answer names the call that it is of: it must be one call, of which nobody else got anything."""
    a, b = upstreams
    chance, lock = random.Random(4), threading.Lock()
    served: set[str] = set()
    ways = [scripts[0] for name, scripts in FAILURES.items() if name != "404 for the model"]

    def serve(who: str) -> Any:
        def script(received: ReceivedRequest) -> Script:
            with lock:
                if who == "a" and chance.random() < 0.6:
                    return chance.choice(ways)
                call = f"{who}{len(served)}-" + "x" * chance.randrange(40)
                served.add(call)
            return answer(call, received)

        return script

    a.otherwise, b.otherwise = serve("a"), serve("b")

    def ask(number: int) -> str:
        model = f"even-{number % 7}"
        response = service.stream(model=model)[-1]["response"] if number % 2 else service.create(model=model)
        assert (response["status"], len(response["output"])) == ("completed", 1), response
        assert service.get(f"/v1/responses/{response['id']}").json == response
        return text_of(response)

    try:
        with (
            Service(tmp_path, toml=settings(*upstreams), workers=2) as service,
            ThreadPoolExecutor(6) as clients,
        ):
            got = list(clients.map(ask, range(120)))
        assert sorted(got) == sorted(served), "an answer was mixed, told twice or lost"
        assert {text[0] for text in got} == {"a", "b"}
    finally:
        for one in upstreams:
            one.reset()

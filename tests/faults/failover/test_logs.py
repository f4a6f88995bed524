"""The log says of each failed call where it went and why, and of each response how it ended."""

import json
import time
from typing import Any

import pytest

from tests.faults.failover.two_upstreams import EMPTY_HEAD, HELLO, name
from tests.support import chat
from tests.support.client import Client
from tests.support.servers.service import Service
from tests.support.servers.upstream import CLOSE, Script, Upstream, stream, whole

Line = dict[str, Any]
CUT = "The provider's connection broke before the answer was complete."
FAILED: dict[str, tuple[Script, str, int | None, str]] = {
    "a status": (whole(chat.error("Slow down, key-of-b.", code="slow"), 429), "status", 429, "Slow down, ***."),
    "a wrong key": (whole(chat.error("Bad key."), 401), "status", 401, "Bad key."),
    "no answer": ([CLOSE], "broken", None, "closed without an answer"),
    "nothing behind the status": ([EMPTY_HEAD, CLOSE], "broken", None, CUT),
    "a broken answer": (stream(chat.text("Hel"), CLOSE), "broken", None, CUT),
    "an error in its place": (whole(chat.error("Crashed.", code=500)), "answer", 500, "Crashed."),
    "an error after a part": (stream(chat.text("Hel"), chat.block(chat.error("Crashed."))), "answer", None, "Crashed."),
    "a web page": (whole(b"<html>Hello</html>", 200, "text/html"), "answer", None, "a web page"),
    "not HTTP": ([b"SSH-2.0-OpenSSH_9.2\r\n", CLOSE], "not http", None, "not HTTP: 'SSH-2.0"),
    "TLS": ([b"\x15\x03\x01\x00\x02\x02\x46", CLOSE], "not http", None, "should the URL begin with https://?"),
}


def lines_of(service: Service, request_id: str) -> list[Line]:
    return [json.loads(line) for line in service.log.splitlines() if request_id in line]


def response_line(service: Service, request_id: str) -> Line:
    """Return the line of a request's response, which may come after the last byte of the answer."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for line in lines_of(service, request_id):
            if line["event"] == "response":
                return line
        time.sleep(0.02)
    raise AssertionError("the log has no such line")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("failure", FAILED)
def test_each_failed_call(failure: str, streamed: bool, routed: Service, b: Upstream) -> None:
    script, cause, status, words = FAILED[failure]
    b.plays(script)
    model = name("only-b")
    answer = routed.post({"model": model, "input": "Hi", "stream": streamed})
    request_id = answer.headers["x-request-id"]
    response = response_line(routed, request_id)
    assert (response["status"], response["upstream"]) == ("failed", "b")
    assert response["error"]
    failures = ("upstream call failed", "upstream unreachable")
    (failed,) = [line for line in lines_of(routed, request_id) if line["event"] in failures]
    assert (failed["upstream"], failed["model"], failed["key"]) == ("b", model, 0)
    assert (failed["host"], failed["cause"], failed["provider_status"]) == (b.url.split("/")[2], cause, status)
    assert words in failed["reason"]
    assert "key-of-b" not in routed.log


def test_a_provider_that_nobody_can_reach(routed: Service, b: Upstream) -> None:
    b.plays(HELLO)
    answer = routed.post({"model": "lost", "input": "Hi"})
    lines = lines_of(routed, answer.headers["x-request-id"])
    (failed,) = [line for line in lines if line["event"] == "upstream unreachable"]
    assert (failed["upstream"], failed["host"], failed["cause"]) == ("nobody", "127.0.0.1:9", "refused")
    assert failed["reason"] == "Connection refused"


@pytest.mark.parametrize("streamed", [False, True])
def test_how_a_response_ended(streamed: bool, routed: Service, a: Upstream) -> None:
    usage = {
        "prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16, "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }  # fmt: skip
    a.plays(stream(chat.text("Hi"), chat.end("length", usage)))
    caller = Client(routed.host, routed.port, key="sk-of-the-caller")
    answer = caller.post({"model": name("first"), "input": "Hi", "stream": streamed})
    line = response_line(routed, answer.headers["x-request-id"])
    assert (line["transport"], line["status"]) == ("sse" if streamed else "http", "incomplete")
    assert (line["error"], line["incomplete"]) == (None, "max_output_tokens")
    assert 0 <= line["first_token"] <= line["seconds"]
    counted = [line[f"{kind}_tokens"] for kind in ("input", "cached", "output", "reasoning")]
    assert counted == [9, 4, 7, 2]
    assert len(line["tenant"]) == 12


def test_a_background_response_has_the_id_of_its_request(routed: Service, a: Upstream) -> None:
    a.plays(whole(chat.error("No."), 400))
    answer = routed.post({"model": name("first"), "input": "Hi", "background": True})
    request_id = answer.headers["x-request-id"]
    line = response_line(routed, request_id)
    assert (line["transport"], line["status"]) == ("background", "failed")
    assert [line["event"] for line in lines_of(routed, request_id)] == ["upstream call failed", "response"]

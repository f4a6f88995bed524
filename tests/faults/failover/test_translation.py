"""Failover translates anew: each candidate has its own dialect, lessons and seals."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.failover.two_upstreams import BUSY, HELLO, LOOK, name, settings
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import (
    Upstream,
    stream,
    whole,
)

REQUESTED = {
    "input": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    "max_output_tokens": 64, "safety_identifier": "u-1",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["first", "second"])
def test_each_is_asked_in_its_own_dialect_and_the_notes_are_those_of_who_answered(
    kind: str, routed: Service, a: Upstream, b: Upstream
) -> None:
    failing, answering = (a, b) if kind == "first" else (b, a)
    failing.plays(BUSY)
    answering.plays(HELLO)
    answered = routed.post({"model": name(kind), **REQUESTED})
    assert answered.response["status"] == "completed"
    (of_a,), (of_b,) = a.requests, b.requests
    assert of_a.messages[0]["role"] == "developer"
    assert (of_a.json["max_completion_tokens"], of_a.json["safety_identifier"]) == (64, "u-1")
    assert of_b.messages[0]["role"] == "system"
    assert of_b.json["max_tokens"] == 64
    assert "safety_identifier" not in of_b.json
    told = answered.headers.get("x-adapter-notes", "")
    assert ("safety_identifier dropped" in told) == (kind == "first")
    again = routed.get(f"/v1/responses/{answered.response['id']}")
    assert again.headers.get("x-adapter-notes", "") == told


DOCX = "data:application/vnd.openxmlformats-officedocument.wordprocessingml.document;base64,UEsDBP/+AIA="


def test_what_one_cannot_be_told_is_told_another(routed: Service, a: Upstream, b: Upstream) -> None:
    """A file that one provider takes and the other does not; it is refused only where nobody takes it."""
    a.plays(HELLO, BUSY)
    parts = [{"type": "input_file", "filename": "a.docx", "file_data": DOCX}]
    for kind in ("second", "first"):
        answered = routed.post({"model": name(kind), "input": [{"role": "user", "content": parts}]})
        assert answered.status == (200 if kind == "second" else 503)
    refused = routed.post({"model": "counted", "input": [{"role": "user", "content": parts}]})
    assert (refused.status, refused.error["param"]) == (400, "input[0].content[0]")
    assert not b.requests


def test_what_a_refusal_teaches_is_learned_about_the_one_who_refused(routed: Service, a: Upstream, b: Upstream) -> None:
    model = name("first")
    a.plays(BUSY, HELLO)
    b.plays(whole(chat.error("Unsupported parameter: 'tool_choice'", param="tool_choice"), 400))
    b.otherwise = lambda received: whole(chat.completion(tool_calls=[CALL]))
    for _ in range(2):
        routed.create(model=model, tools=[LOOK], tool_choice="required")
    assert ["tool_choice" in received.json for received in b.requests] == [True, False]
    assert ["tool_choice" in received.json for received in a.requests] == [True, True]


CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
SIGNED = {**CALL, "extra_content": {"google": {"thought_signature": "c2ln"}}}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "done"}


@pytest.fixture
def signing(tmp_path: Any) -> Iterator[tuple[Service, Upstream, Upstream]]:
    """Two upstreams that take back what they signed, which the strict ones do not."""
    with Upstream() as a, Upstream() as b, Service(tmp_path, toml=settings(a, b), workers=1) as service:
        yield service, a, b


@pytest.mark.parametrize("streamed", [False, True])
def test_what_one_has_sealed_goes_back_to_it_alone(
    streamed: bool, signing: tuple[Service, Upstream, Upstream]
) -> None:
    routed, a, b = signing
    model = name("first")
    a.plays(whole(chat.completion(tool_calls=[SIGNED])), BUSY, HELLO)
    b.plays(stream(chat.text("Hi."), chat.end()) if streamed else whole(chat.completion("Hi.")))
    first = routed.create("Look.", model=model, tools=[LOOK])
    rest = {"model": model, "input": [OUTPUT], "previous_response_id": first["id"], "tools": [LOOK]}
    elsewhere = routed.post({**rest, "stream": streamed})
    assert "encrypted_content dropped" in elsewhere.headers["x-adapter-notes"]
    back = routed.post(rest)
    assert "encrypted_content" not in back.headers.get("x-adapter-notes", "")
    (call,) = next(message["tool_calls"] for message in b.requests[0].messages if "tool_calls" in message)
    assert "extra_content" not in call
    (call,) = next(message["tool_calls"] for message in a.requests[2].messages if "tool_calls" in message)
    assert call["extra_content"] == SIGNED["extra_content"]


def test_what_is_sealed_after_a_failure_is_sealed_for_who_answered(signing: tuple[Service, Upstream, Upstream]) -> None:
    routed, a, b = signing
    model = name("first")
    a.plays(BUSY, BUSY)
    b.plays(stream(chat.chunk({"tool_calls": [{"index": 0, **SIGNED}]}), chat.end()), HELLO)
    first = routed.stream("Look.", model=model, tools=[LOOK])[-1]["response"]
    routed.create([OUTPUT], model=model, previous_response_id=first["id"], tools=[LOOK])
    (call,) = next(message["tool_calls"] for message in b.requests[1].messages if "tool_calls" in message)
    assert call["extra_content"] == SIGNED["extra_content"]

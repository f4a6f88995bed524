"""The WebSocket tests of Open Responses, in our own words, against the running service.

The tests have the names of the official ones. The judges take the part of its schemas; what the provider received is
checked as well. Source: Open Responses conformance tests.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole
from tests.support.websocket import Socket


def obliging(received: ReceivedRequest) -> Script:
    if received.json.get("stream"):
        return stream(chat.text("Hello ", "to you."), chat.end())
    return whole(chat.completion("They said hello."))


@pytest.fixture(autouse=True)
def _model(upstream: Upstream) -> None:
    upstream.otherwise = obliging


@pytest.fixture
def socket(service: Service) -> Iterator[Socket]:
    with Socket(service) as socket:
        yield socket


def message(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(parts)}


def told(upstream: Upstream, number: int) -> list[Any]:
    return [message["content"] for message in upstream.received(number).messages]


def test_response(socket: Socket, upstream: Upstream) -> None:
    response = socket.turn([{"role": "user", "content": "Say hello."}])
    assert response["status"] == "completed"
    assert told(upstream, 1) == ["Say hello."]


def test_sequential_responses(socket: Socket, upstream: Upstream) -> None:
    turns = [socket.turn(text, store=False) for text in ("One", "Two")]
    assert [turn["status"] for turn in turns] == ["completed", "completed"]
    assert told(upstream, 2) == ["Two"]


def test_continuation(socket: Socket, upstream: Upstream) -> None:
    first = socket.turn("One", store=False)
    second = socket.turn("Two", store=False, previous_response_id=first["id"])
    socket.turn("Three", store=False, previous_response_id=second["id"])
    assert told(upstream, 3) == ["One", "Hello to you.", "Two", "Hello to you.", "Three"]


def test_reconnect_store_false_recovery(socket: Socket, service: Service) -> None:
    first = socket.turn("One", store=False)
    with Socket(service) as other:
        error = other.refused("Two", store=False, previous_response_id=first["id"])
        assert error["code"] == "previous_response_not_found"
        assert other.turn("Two", store=False)["status"] == "completed"


def test_previous_response_not_found(socket: Socket) -> None:
    error = socket.refused(store=False, previous_response_id="resp_openresponses_missing")
    assert error["code"] == "previous_response_not_found"


def test_failed_continuation_evicts_cache(socket: Socket) -> None:
    first = socket.turn("One", store=False)
    output = {"type": "function_call_output", "call_id": "call_openresponses_missing", "output": "x"}
    refused = socket.refused([output], store=False, previous_response_id=first["id"])
    assert "call_openresponses_missing" in refused["message"]
    error = socket.refused("Two", store=False, previous_response_id=first["id"])
    assert error["code"] == "previous_response_not_found"


def test_compact_new_chain(socket: Socket, service: Service, upstream: Upstream) -> None:
    answer = service.request(
        "POST",
        "/v1/responses/compact",
        {
            "model": "m",
            "input": [
                message("user", {"type": "input_text", "text": "Hello"}),
                message("assistant", {"type": "output_text", "text": "Hello to you."}),
                message("user", {"type": "input_text", "text": "And now?"}),
            ],
        },
    )
    window = answer.json["output"]
    response = socket.turn([*window, message("user", {"type": "input_text", "text": "Go on."})], store=False, tools=[])
    assert response["status"] == "completed"
    sent = upstream.received(2).json
    assert "tools" not in sent
    assert "They said hello." in str(sent["messages"])

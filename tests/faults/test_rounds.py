"""Faults in the second round of a response: what the first one cost is counted, and the response fails as any other.

Each way to a second round is tried with each fault. Two ways need a provider that has refused something before, and
have a model of their own.
"""

import json
from typing import Any

import pytest

from tests.support import chat
from tests.support.client import judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import CLOSE, Gate, Script, Upstream, stream, whole

FORMAT = {"type": "json_schema", "name": "place", "schema": {"type": "object", "required": ["city"]}}
TOOL = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
TURNS = [
    {"role": "user", "content": "word " * 1200}, {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": "And?"},
]  # fmt: skip
TOO_LONG = chat.error("This model's maximum context length is 9 tokens.", code="context_length_exceeded")


def says(*pieces: str) -> Script:
    return stream(chat.text(*pieces), chat.end())


Way = tuple[dict[str, Any], Script, int]
"""What is asked, the answer of the first round, and how many tokens that costs."""

WAYS: dict[str, Way] = {
    "a repair": ({"model": "formless", "text": {"format": FORMAT}}, says("Paris!"), 16),
    "a call that must be": (
        {"model": "choiceless", "tools": [TOOL], "tool_choice": "required"}, says("There it is."), 16,
    ),
    "a compaction": (
        {"input": TURNS, "context_management": [{"type": "compaction", "compact_threshold": 1000}]},
        says("They said hello."), 16,
    ),
    "a shorter input": ({"input": TURNS, "truncation": "auto"}, whole(TOO_LONG, 400), 0),
}  # fmt: skip
FAULTS: dict[str, tuple[Script, str]] = {
    "an error": (whole(chat.error("Out of order."), 500), "Out of order."),
    "a refusal": (whole(chat.error("Not this."), 400), "Not this."),
    "a web page": (whole(b"<html>", type="text/html"), "a web page"),
    "a cut": (stream(chat.text('{"ci'), CLOSE), "broke before the answer was complete"),
    "an error in the stream": (stream(chat.block(chat.error("Out of order."))), "Out of order."),
    "an empty stream": (stream(chat.DONE), "without an answer"),
}


@pytest.fixture(scope="module")
def taught(hasty: Service, provider: Upstream) -> Service:
    """A service that knows what the provider refuses to two models."""
    provider.plays(whole(chat.error("This response_format type is unavailable now"), 400), says('{"city": 1}'))
    hasty.create(**WAYS["a repair"][0])
    unknown = chat.error("tool_choice 'required' is not supported", param="tool_choice")
    provider.plays(whole(unknown, 400), stream(chat.call(0, "call_1", "look", "{}"), chat.end("tool_calls")))
    hasty.create(**WAYS["a call that must be"][0])
    provider.reset()
    return hasty


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_second_round_that_fails(way: str, fault: str, taught: Service, upstream: Upstream) -> None:
    members, first, spent = WAYS[way]
    broken, told = FAULTS[fault]
    upstream.plays(first, broken, first, broken)
    with taught.open_stream(**members) as exchange:
        body = exchange.rest()
    if exchange.status == 200:
        last = judged(body)[-1]
        response = last["response"]
        assert (last["type"], told in response["error"]["message"]) == ("response.failed", True)
        assert response["usage"]["total_tokens"] >= spent
        assert taught.get(f"/v1/responses/{response['id']}").response == response
    else:
        assert told in json.loads(body)["error"]["message"]
    answer = taught.post({"model": "m", "input": "Hi", **members})
    assert told in answer.error["message"]
    assert len(upstream.requests) == 4


@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_leaves_between_two_rounds(way: str, taught: Service, upstream: Upstream) -> None:
    members, first, _ = WAYS[way]
    upstream.plays(first, stream(Gate(), chat.end()))
    with taught.open_stream(**members):
        second = upstream.received(2)
    assert second.closed.wait(3)

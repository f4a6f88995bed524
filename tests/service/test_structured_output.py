"""Structured output through the whole service: what the provider is asked, what becomes of answers that do not fit.

A refused form is remembered for its model, so each test that teaches has a model of its own.
"""

import json
from typing import Any

import pytest

from tests.support import chat
from tests.support.client import judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Gate, Script, Upstream, stream, whole

SCHEMA = {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False,
}  # fmt: skip
FORMAT = {"type": "json_schema", "name": "place", "schema": SCHEMA}
GOOD = '{"city": "Paris"}'
FENCED = f"Here you are:\n```json\n{GOOD}\n```\nAnything else?"
UNFIT = "does not fit text.format"
NO_SCHEMA = chat.error("This response_format type is unavailable now")


def asks(format: dict[str, Any] = FORMAT, **members: Any) -> dict[str, Any]:
    return {"text": {"format": format}, **members}


def says(text: str) -> Script:
    return whole(chat.completion(text))


def streams(*pieces: str) -> Script:
    return stream(chat.text(*pieces), chat.end())


def refuses(body: dict[str, Any] = NO_SCHEMA, status: int = 400) -> Script:
    return whole(body, status)


def text_of(response: dict[str, Any]) -> str:
    return str(response["output"][-1]["content"][0]["text"])


def forms(upstream: Upstream) -> list[str | None]:
    return [received.json.get("response_format", {}).get("type") for received in upstream.requests]


def test_down_the_ladder_and_remembered(service_of_one: Service, upstream: Upstream) -> None:
    no_object = chat.error("response_format json_object is not supported by this model", param="response_format")
    upstream.plays(refuses(), refuses(no_object, 422), says(GOOD), says(GOOD))
    members = asks(model="ladder", instructions="Be kind.")
    assert text_of(service_of_one.create(**members)) == GOOD
    assert forms(upstream) == ["json_schema", "json_object", None]
    first, *_ = upstream.requests[-1].messages
    assert first["role"] == "system"
    assert first["content"].startswith("Be kind.\n\nAnswer with one JSON value")
    assert json.dumps(SCHEMA, separators=(",", ":")) in first["content"]
    assert text_of(service_of_one.create(**members)) == GOOD
    assert forms(upstream)[3:] == [None]


CALLERS_MISTAKES = [
    "Invalid schema for response_format 'place': 'oneOf' is not permitted.",
    "Failed to generate JSON. Please adjust your prompt. response_format not supported for it.",
    "The prompt was rejected.",
]


@pytest.mark.parametrize("message", CALLERS_MISTAKES)
def test_what_teaches_nothing(service_of_one: Service, upstream: Upstream, message: str) -> None:
    upstream.plays(refuses(chat.error(message)), says(GOOD))
    answer = service_of_one.post({"model": "careful", "input": "Hi", **asks()})
    assert (answer.status, answer.error["message"]) == (400, message)
    service_of_one.create(**asks(model="careful"))
    assert forms(upstream) == ["json_schema", "json_schema"]


@pytest.mark.parametrize("streamed", [False, True])
def test_what_stands_around_the_json_is_cut_off(service_of_one: Service, upstream: Upstream, streamed: bool) -> None:
    answer = streams("Here you are:\n```js", f"on\n{GOOD}\n```\nAnything else?") if streamed else says(FENCED)
    upstream.plays(refuses(), answer)
    members = asks(model=f"fenced-{streamed}")
    response = service_of_one.stream(**members)[-1]["response"] if streamed else service_of_one.create(**members)
    assert text_of(response) == GOOD
    assert service_of_one.get(f"/v1/responses/{response['id']}").response == response


@pytest.mark.parametrize("streamed", [False, True])
def test_a_wrong_answer_is_mended_by_one_more_call(
    service_of_one: Service, upstream: Upstream, streamed: bool
) -> None:
    play = streams if streamed else says
    upstream.plays(refuses(), play('{"city": 1}'), play(GOOD))
    members = asks(model=f"mended-{streamed}")
    if streamed:
        events = service_of_one.stream(**members)
        response = events[-1]["response"]
        assert [event["type"] for event in events].count("response.output_text.delta") == 1
    else:
        response = service_of_one.create(**members)
    assert text_of(response) == GOOD
    assert (response["usage"]["input_tokens"], response["usage"]["output_tokens"]) == (18, 14)
    *before, wrong, told = upstream.requests[-1].messages
    assert before == upstream.requests[-2].messages
    assert wrong == {"role": "assistant", "content": '{"city": 1}'}
    assert "$.city: 1 is not of type 'string'" in told["content"]


def test_a_wrong_answer_twice(service_of_one: Service, upstream: Upstream) -> None:
    upstream.plays(refuses(), says("Paris!"), says("Still Paris!"), streams("Paris!"), streams("Paris!"))
    answer = service_of_one.post({"model": "stubborn", "input": "Hi", **asks()})
    assert (answer.status, answer.error["code"], answer.headers["x-should-retry"]) == (502, "server_error", "false")
    assert UNFIT in answer.error["message"]
    last = service_of_one.stream(**asks(model="stubborn"))[-1]
    assert last["type"] == "response.failed"
    assert UNFIT in last["response"]["error"]["message"]
    assert last["response"]["usage"]["total_tokens"] == 32


def test_a_native_stream_flows_and_is_judged_at_its_end(service_of_one: Service, upstream: Upstream) -> None:
    gate = Gate()
    strict = asks({**FORMAT, "strict": True})
    upstream.plays(stream(chat.text('{"city":'), gate, chat.text(" 1}"), chat.end()))
    with service_of_one.open_stream(**strict) as exchange:
        exchange.read_until(b"response.output_text.delta")
        gate.set()
        events = judged(exchange.rest())
    assert events[-1]["type"] == "response.failed"
    assert UNFIT in events[-1]["response"]["error"]["message"]


def test_a_native_answer_that_nobody_saw_is_mended(service_of_one: Service, upstream: Upstream) -> None:
    upstream.plays(says("{}"), says(GOOD))
    assert text_of(service_of_one.create(**asks({**FORMAT, "strict": True}))) == GOOD


def test_a_native_answer_without_strict_is_as_it_is(service_of_one: Service, upstream: Upstream) -> None:
    upstream.plays(says("{}"))
    assert text_of(service_of_one.create(**asks())) == "{}"


@pytest.mark.parametrize("format", [FORMAT, {"type": "json_object"}])
def test_a_native_answer_without_strict_is_trimmed_if_it_is_not_streamed(
    service_of_one: Service, upstream: Upstream, format: dict[str, Any]
) -> None:
    upstream.plays(says(FENCED), streams(FENCED))
    response = service_of_one.create("Where, as JSON?", **asks(format))
    assert text_of(response) == GOOD
    last = service_of_one.stream("Where, as JSON?", **asks(format))[-1]
    assert text_of(last["response"]) == FENCED
    assert len(upstream.requests) == 2


def test_refusals_calls_and_cut_answers_are_as_they_are(service_of_one: Service, upstream: Upstream) -> None:
    cut, refused = chat.completion('{"ci', finish="length"), chat.completion(None, refusal="No.")
    upstream.plays(whole(cut), whole(refused))
    strict = asks({**FORMAT, "strict": True})
    assert service_of_one.create(**strict)["status"] == "incomplete"
    assert service_of_one.create(**strict)["output"][0]["content"][0]["refusal"] == "No."


def test_an_invalid_schema(service_of_one: Service) -> None:
    members = asks({**FORMAT, "schema": {"type": 1}, "strict": True})
    answer = service_of_one.post({"model": "m", "input": "Hi", **members})
    assert (answer.status, answer.error["code"]) == (400, "invalid_json_schema")
    assert answer.error["param"] == "text.format.schema"


def test_a_client_that_leaves_while_its_answer_is_mended(service_of_one: Service, upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays(refuses(), streams("Paris!"), [gate])
    with service_of_one.open_stream(**asks(model="left")) as exchange:
        exchange.read_until(b"response.in_progress")
        received = upstream.received(3)
    assert received.closed.wait(LIMIT)
    gate.set()

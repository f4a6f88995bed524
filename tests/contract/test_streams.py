"""Each kind of answer, streamed and whole: every judge passes it, and all ways to see it show the same
response.

What the client folds from the events, what the terminal event carries, what GET returns and what the
unstreamed answer is are one object. The `Client` judges each stream and response as it reads it.
"""

import json
import socket
from typing import Any, NamedTuple

import pytest

from tests.support import chat
from tests.support.client import judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Upstream, drip, stream, whole

LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}


class Case(NamedTuple):
    """The same answer as a provider streams it and as it sends it whole, and what it has to become."""

    blocks: bytes
    message: dict[str, Any]
    output: list[Any]
    """Texts of messages, ("reasoning", text), ("refusal", text), (name, arguments) of calls, ("image", base64)."""
    status: str = "completed"
    finish: str = "stop"
    members: dict[str, Any] = {}  # noqa: RUF012 - never changed


def call(index: int, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function}


PROBABLE = {"content": [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}]}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}, "index": 0}
LENGTH, FILTER = chat.end("length"), chat.end("content_filter")

CASES = {
    "text": Case(chat.text("Hel", "lo.") + chat.end(), {"content": "Hello."}, ["Hello."]),
    "text of many alphabets": Case(
        chat.text("Grüße, ", "世界 ", "🌊") + chat.end(), {"content": "Grüße, 世界 🌊"}, ["Grüße, 世界 🌊"]
    ),
    "reasoning": Case(
        chat.thinking("H", "m.") + chat.text("Yes.") + chat.end(),
        {"content": "Yes.", "reasoning_content": "Hm."},
        [("reasoning", "Hm."), "Yes."],
    ),
    "think tags": Case(
        chat.text("<thi", "nk>Hm.</th", "ink>\n\nYe", "s.") + chat.end(),
        {"content": "<think>Hm.</think>\n\nYes."},
        [("reasoning", "Hm."), "Yes."],
    ),
    "a refusal": Case(
        chat.chunk({"refusal": "I "}) + chat.chunk({"refusal": "will not."}) + chat.end(),
        {"content": None, "refusal": "I will not."},
        [("refusal", "I will not.")],
    ),
    "a text with sources": Case(
        chat.text("As [1]", " says.") + chat.chunk(choices=[], citations=["https://a.example/"]) + chat.end(),
        {"content": "As [1] says.", "annotations": [{"type": "url_citation", "url_citation": {
            "start_index": 3, "end_index": 6, "url": "https://a.example/", "title": "https://a.example/"}}]},
        ["As [1] says."],
    ),
    "what is heard": Case(
        chat.chunk({"audio": {"transcript": "Hel"}}) + chat.chunk({"audio": {"transcript": "lo."}}) + chat.end(),
        {"content": None, "audio": {"transcript": "Hello."}},
        ["Hello."],
    ),
    "an image": Case(
        chat.text("Look:") + chat.chunk({"images": [IMAGE]}) + chat.end(),
        {"content": "Look:", "images": [IMAGE]},
        ["Look:", ("image", PIXEL)],
    ),
    "a call": Case(
        chat.call(0, "call_0", "look", '{"at":', "1}") + chat.end("tool_calls"),
        {"content": None, "tool_calls": [call(0, "look", '{"at":1}')]},
        [("look", '{"at":1}')],
        finish="tool_calls",
        members={"tools": [LOOK]},
    ),
    "a call without arguments": Case(
        chat.call(0, "call_0", "look") + chat.end("tool_calls"),
        {"content": None, "tool_calls": [call(0, "look", "")]},
        [("look", "{}")],
        finish="tool_calls",
        members={"tools": [LOOK]},
    ),
    "text and parallel calls": Case(
        chat.text("Both.") + chat.call(0, "call_0", "look", '{"at":1}') + chat.call(1, "call_1", "see", "{}")
        + chat.end("tool_calls"),
        {"content": "Both.", "tool_calls": [call(0, "look", '{"at":1}'), call(1, "see", "{}")]},
        ["Both.", ("look", '{"at":1}'), ("see", "{}")],
        finish="tool_calls",
        members={"tools": [LOOK]},
    ),
    "calls whose pieces alternate": Case(
        chat.call(0, "call_0", "look", '{"at"') + chat.call(1, "call_1", "see", '{"by"')
        + chat.chunk({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]})
        + chat.chunk({"tool_calls": [{"index": 1, "function": {"arguments": ":2}"}}]}) + chat.end("tool_calls"),
        {"content": None, "tool_calls": [call(0, "look", '{"at":1}'), call(1, "see", '{"by":2}')]},
        [("look", '{"at":1}'), ("see", '{"by":2}')],
        finish="tool_calls",
        members={"tools": [LOOK]},
    ),
    "a text cut short": Case(
        chat.text("Hel") + LENGTH, {"content": "Hel"}, ["Hel"], status="incomplete", finish="length"
    ),
    "a call cut short": Case(
        chat.call(0, "call_0", "look", '{"at":') + LENGTH,
        {"content": None, "tool_calls": [call(0, "look", '{"at":')]},
        [("look", '{"at":')],
        status="incomplete",
        finish="length",
        members={"tools": [LOOK]},
    ),
    "a text that was filtered": Case(
        chat.text("Hel") + FILTER, {"content": "Hel"}, ["Hel"], status="incomplete", finish="content_filter"
    ),
    "a schema": Case(
        chat.text('{"a":', "1}") + chat.end(),
        {"content": '{"a":1}'},
        ['{"a":1}'],
        members={"text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}}}},
    ),
    "an answer of nothing": Case(chat.chunk({"content": ""}) + chat.end(), {"content": ""}, []),
}  # fmt: skip


def told(response: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for item in response["output"]:
        if item["type"] == "function_call":
            found.append((item["name"], item["arguments"]))
        elif item["type"] == "reasoning":
            found.append(("reasoning", item["summary"][0]["text"]))
        elif item["type"] == "image_generation_call":
            found.append(("image", item["result"]))
        else:
            found += [part["text"] if "text" in part else ("refusal", part["refusal"]) for part in item["content"]]
    return found


def without_ids(response: dict[str, Any]) -> dict[str, Any]:
    items = [{**item, "id": item["type"]} for item in response["output"]]
    return {**response, "id": "", "created_at": 0, "completed_at": 0, "output": items}


@pytest.mark.parametrize("name", CASES)
def test_an_answer(name: str, service: Service, upstream: Upstream) -> None:
    case = CASES[name]
    body = chat.completion(finish=case.finish, **{"content": None, **case.message})
    upstream.plays(stream(case.blocks), whole(body))
    streamed = service.stream(**case.members)[-1]["response"]
    assert streamed["status"] == case.status
    assert told(streamed) == case.output
    assert service.get(f"/v1/responses/{streamed['id']}").response == streamed
    assert without_ids(service.create(**case.members)) == without_ids(streamed)


def test_an_image_is_shown_to_the_model_again(service: Service, upstream: Upstream) -> None:
    upstream.plays(stream(chat.chunk({"images": [IMAGE]}) + chat.end()), stream(chat.text("A dot.") + chat.end()))
    drawn = service.stream(input="Draw a dot.")[-1]["response"]
    service.stream(input="What is it?", previous_response_id=drawn["id"])
    messages = upstream.received(2).json["messages"]
    images = [part for message in messages if isinstance(message["content"], list) for part in message["content"]]
    assert IMAGE["image_url"] in [part.get("image_url") for part in images]


def test_reasoning_as_content(upstream: Upstream, provider: Upstream, tmp_path_factory: Any) -> None:
    directory = tmp_path_factory.mktemp("content")
    with Service(directory, upstream_url=provider.url, workers=1, reasoning_as="content") as service:
        upstream.plays(stream(chat.thinking("H", "m.") + chat.text("Yes.") + chat.end()))
        events = service.stream()
    assert [event["delta"] for event in events if event["type"].endswith("reasoning_text.delta")] == ["H", "m."]
    assert events[-1]["response"]["output"][0]["content"] == [{"type": "reasoning_text", "text": "Hm."}]


def test_token_probabilities(service: Service, upstream: Upstream) -> None:
    block = chat.chunk(
        choices=[{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None, "logprobs": PROBABLE}]
    )
    upstream.plays(stream(block, chat.end()))
    members = {"top_logprobs": 0, "include": ["message.output_text.logprobs"]}
    (part,) = service.stream(**members)[-1]["response"]["output"][0]["content"]
    assert part["logprobs"] == PROBABLE["content"]
    assert upstream.received().json["logprobs"] is True


def test_usage_is_whole_where_the_provider_counts_nothing(service: Service, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("Hello.") + chat.end(usage=None)))
    usage = service.stream()[-1]["response"]["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0


def test_a_frame_is_one_write(service: Service, upstream: Upstream) -> None:
    """Strict readers take an event only when its frame comes in one piece.

    Source: Open Responses specification, Streaming.
    """
    upstream.plays(stream(*drip(chat.text("Hel", "lo.") + chat.end())))
    body = json.dumps({"model": "m", "input": "Hi", "stream": True}).encode()
    head = f"POST /v1/responses HTTP/1.1\r\nHost: [::1]\r\nContent-Length: {len(body)}"
    with socket.create_connection((service.host, service.port), timeout=LIMIT) as connection:
        connection.sendall(f"{head}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n".encode() + body)
        with connection.makefile("rb") as answer:
            while answer.readline() != b"\r\n":
                pass
            written = []
            while size := int(answer.readline(), 16):
                written.append(answer.read(size))
                assert answer.read(2) == b"\r\n"
    assert len(judged(b"".join(written))) == 10
    for data in written:
        assert data.startswith((b"event: ", b"data: [DONE]")), data
        assert data.endswith(b"\n\n"), data

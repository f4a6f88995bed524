"""The HTTP tests of Open Responses, in our own words, against the running service.

The official suite is a schema suite: it sends one request a test and validates the answer. Here the same
requests are sent, and the judges (the Open Responses document, the openai package, the grammar) take its
part. What the provider received, which the official tests do not check, is checked as well. The tests have the names
of the official ones, hosted tools left out. Those run in parallel, and so does the last test here. The tests over
WebSocket are in test_websocket.py. Source: Open Responses conformance tests.
"""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support import chat
from tests.support.files.pdf import pdf
from tests.support.judges import oracles
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole

PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "The city and state"}},
        "required": ["location"],
    },
}
QUESTION = "What's the weather like in San Francisco?"
HELLO = "Say hello in exactly 3 words."


def obliging(received: ReceivedRequest) -> Script:
    """Answer as a model would: call the first tool there is, tell of its result, else say hello."""
    body = received.json
    answered = body["messages"][-1]["role"] == "tool"
    if body.get("tools") and not answered:
        name = body["tools"][0]["function"]["name"]
        arguments = '{"location":"San Francisco, CA"}'
        if body.get("stream"):
            return stream(chat.call(0, "call_1", name, *arguments.partition(":")), chat.end("tool_calls"))
        function = {"name": name, "arguments": arguments}
        calls = [{"id": "call_1", "type": "function", "function": function}]
        return whole(chat.completion(tool_calls=calls, finish="tool_calls"))
    text = "It is sunny." if answered else "Hello to you."
    if body.get("stream"):
        return stream(chat.text(*text.partition(" ")), chat.end())
    return whole(chat.completion(text))


@pytest.fixture(autouse=True)
def _model(upstream: Upstream) -> None:
    upstream.otherwise = obliging


def message(role: str, content: Any, **members: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content, **members}


def completed(response: dict[str, Any]) -> dict[str, Any]:
    assert response["status"] == "completed"
    assert response["output"]
    return response


def test_basic_response(service: Service, upstream: Upstream) -> None:
    completed(service.create([message("user", HELLO)]))
    assert upstream.received().messages == [{"role": "user", "content": HELLO}]


def test_assistant_phase(service: Service, upstream: Upstream) -> None:
    completed(
        service.create(
            [
                message("assistant", "I will look.", phase="commentary"),
                message("assistant", "It is 4.", phase="final_answer"),
                message("user", "Are you sure?"),
            ]
        )
    )
    assert b"phase" not in upstream.received().body
    assert b"It is 4." in upstream.received().body


def test_streaming_response(service: Service) -> None:
    events = service.stream([message("user", "Count from 1 to 5.")])
    completed(events[-1]["response"])


def test_system_prompt(service: Service, upstream: Upstream) -> None:
    completed(service.create([message("system", "You are a pirate."), message("user", "Say hello.")]))
    assert upstream.received().messages[0] == {"role": "system", "content": "You are a pirate."}


def test_tool_calling(service: Service) -> None:
    response = completed(service.create([message("user", QUESTION)], tools=[WEATHER]))
    assert [item["type"] for item in response["output"]] == ["function_call"]
    assert response["tools"] == [WEATHER | {"strict": response["tools"][0]["strict"]}]


def test_image_input(service: Service, upstream: Upstream) -> None:
    parts = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": PIXEL}]
    completed(service.create([message("user", parts)]))
    text, image = upstream.received().messages[0]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert image["image_url"]["url"] == PIXEL


def test_multi_turn(service: Service, upstream: Upstream) -> None:
    turns = [("user", "My name is Alice."), ("assistant", "Hello Alice."), ("user", "What is my name?")]
    completed(service.create([message(role, content) for role, content in turns]))
    assert [(told["role"], told["content"]) for told in upstream.received().messages] == turns


def test_compact_response(service: Service, upstream: Upstream) -> None:
    items = [message("user", "My name is Alice."), message("assistant", "Hello Alice.")]
    body = {"model": "m", "prompt_cache_key": "compact-test", "input": items}
    compacted = service.request("POST", "/v1/responses/compact", body).json
    oracles.validate_compaction_with_openapi(compacted)
    assert compacted["object"] == "response.compaction"
    assert [item["type"] for item in compacted["output"]] == ["message", "compaction"]
    assert [told["content"] for told in upstream.received().messages][:2] == ["My name is Alice.", "Hello Alice."]
    completed(service.create([*compacted["output"], message("user", "What is my name?")], store=False, tools=[]))
    assert "tools" not in upstream.received(2).json
    assert "Hello to you." in upstream.received(2).messages[1]["content"]


def test_compact_missing_model(service: Service) -> None:
    answer = service.request("POST", "/v1/responses/compact", {"input": "Hi"})
    assert answer.status == 400
    assert answer.error["param"] == "model"


def test_tool_calling_streaming(service: Service) -> None:
    events = service.stream([message("user", QUESTION)], tools=[WEATHER])
    items = [event["item"]["type"] for event in events if event["type"].startswith("response.output_item.")]
    assert items == ["function_call", "function_call"]
    kinds = [event["type"] for event in events]
    assert "response.function_call_arguments.delta" in kinds
    assert "response.function_call_arguments.done" in kinds


def test_file_input(service: Service, upstream: Upstream) -> None:
    data = base64.b64encode(pdf("The sea is blue.")).decode()
    file = {"type": "input_file", "filename": "sea.pdf", "file_data": f"data:application/pdf;base64,{data}"}
    completed(service.create([message("user", [file, {"type": "input_text", "text": "What colour is it?"}])]))
    assert "The sea is blue." in str(upstream.received().messages)


def test_previous_response_id(service: Service, upstream: Upstream) -> None:
    first = completed(service.create("My name is Alice."))
    second = completed(service.create("What is my name?", previous_response_id=first["id"]))
    assert second["previous_response_id"] == first["id"]
    told = [message["content"] for message in upstream.received(2).messages]
    assert told == ["My name is Alice.", "Hello to you.", "What is my name?"]


def test_function_call_roundtrip(service: Service, upstream: Upstream) -> None:
    first = service.create(QUESTION, tools=[WEATHER], tool_choice={"type": "function", "name": "get_weather"})
    (call,) = completed(first)["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": '{"temperature":"72F"}'}
    second = completed(service.create([output], previous_response_id=first["id"]))
    assert second["output"][0]["content"][0]["text"] == "It is sunny."
    assert upstream.received().json["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    assert "tools" not in upstream.received(2).json
    assert [told["role"] for told in upstream.received(2).messages] == ["user", "assistant", "tool"]


def test_all_at_once(service: Service) -> None:
    with ThreadPoolExecutor(10) as pool:
        whole_ones = [pool.submit(service.create, [message("user", f"{HELLO} {n}")]) for n in range(20)]
        streams = [pool.submit(service.stream, [message("user", QUESTION)], tools=[WEATHER]) for _ in range(20)]
        ids = [completed(future.result())["id"] for future in whole_ones]
        ids += [completed(future.result()[-1]["response"])["id"] for future in streams]
    assert len(set(ids)) == 40

"""The openai package of today (3.x): each call that its users make of the Responses API, through its own
methods.
"""

import json

import openai
import pytest
from openai.types.responses import Response, ResponseFunctionToolCall
from pydantic import BaseModel

from tests.support import chat
from tests.support.servers.upstream import Upstream, stream, whole

LOOK = {
    "type": "function", "name": "look", "description": "Look at a place.", "strict": True,
    "parameters": {
        "type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"],
        "additionalProperties": False,
    },
}  # fmt: skip


def tool_call(id: str, at: str) -> dict[str, object]:
    return {"id": id, "type": "function", "function": {"name": "look", "arguments": json.dumps({"at": at})}}


def test_create(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello.")))
    response = client.responses.create(model="m", input="Hi", instructions="Be brief.", temperature=0.5)
    assert response.output_text == "Hello."
    assert response.status == "completed"
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (9, 7)
    received = upstream.received().json
    assert received["messages"] == [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"},
    ]  # fmt: skip
    assert received["temperature"] == 0.5
    assert upstream.received().headers["Authorization"] == "Bearer sk-test"


def test_create_with_explicit_nulls(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello.")))
    response = client.responses.create(
        model="m", input="Hi", instructions=None, max_output_tokens=None, metadata=None,
        previous_response_id=None, tools=[], include=[], text={},
    )  # fmt: skip
    assert response.output_text == "Hello."
    assert not upstream.received().json.keys() & {"tools", "tool_choice", "max_tokens", "metadata"}


def test_a_raw_stream(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("Hel", "lo."), chat.end()))
    with client.responses.create(model="m", input="Hi", stream=True) as events:
        seen = list(events)
    assert [event.type for event in seen] == [
        "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
        "response.output_text.delta", "response.output_text.delta", "response.output_text.done",
        "response.content_part.done", "response.output_item.done", "response.completed",
    ]  # fmt: skip
    assert upstream.received().json["stream_options"] == {"include_usage": True}


def test_the_stream_manager(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(stream(chat.thinking("Hm."), chat.text("Let me ", "look."),
                          chat.call(0, "call_1", "look", '{"at":', '"sea"}'), chat.end("tool_calls")))  # fmt: skip
    with client.responses.stream(model="m", input="Hi", tools=[LOOK]) as manager:
        text = [event.snapshot for event in manager if event.type == "response.output_text.delta"]
        final = manager.get_final_response()
    assert text == ["Let me ", "Let me look."]
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    call = final.output[2]
    assert (call.call_id, call.name, call.parsed_arguments) == ("call_1", "look", {"at": "sea"})


class Place(BaseModel):
    name: str
    deep: bool


def test_parse(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion('{"name":"sea","deep":true}')))
    response = client.responses.parse(model="m", input="Where?", text_format=Place)
    assert response.output_parsed == Place(name="sea", deep=True)
    received = upstream.received().json["response_format"]
    assert received["type"] == "json_schema"
    assert received["json_schema"]["name"] == "Place"
    assert received["json_schema"]["strict"] is True
    assert received["json_schema"]["schema"]["required"] == ["name", "deep"]


def test_parse_streamed(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text('{"name":"sea",', '"deep":true}'), chat.end()))
    with client.responses.stream(model="m", input="Where?", text_format=Place) as manager:
        assert manager.get_final_response().output_parsed == Place(name="sea", deep=True)


def test_parallel_tools_in_two_rounds(client: openai.OpenAI, upstream: Upstream) -> None:
    calls = [tool_call("call_1", "sea"), tool_call("call_2", "sky")]
    upstream.plays(whole(chat.completion(tool_calls=calls, finish="tool_calls")), whole(chat.completion("Blue.")))
    first = client.responses.create(model="m", input="What colour?", tools=[LOOK], parallel_tool_calls=True)
    found = [item for item in first.output if isinstance(item, ResponseFunctionToolCall)]
    assert [(call.call_id, call.name) for call in found] == [("call_1", "look"), ("call_2", "look")]
    second = client.responses.create(
        model="m", tools=[LOOK], previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "blue"} for call in found],
    )  # fmt: skip
    assert second.output_text == "Blue."
    user, assistant, *outputs = upstream.received(2).messages
    assert user == {"role": "user", "content": "What colour?"}
    assert [call["id"] for call in assistant["tool_calls"]] == ["call_1", "call_2"]
    assert outputs == [
        {"role": "tool", "tool_call_id": id, "content": "blue"} for id in ("call_1", "call_2")
    ]  # fmt: skip


def test_the_caller_keeps_the_history(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(stream(chat.thinking("Hm."), chat.text("Looking."), chat.call(0, "call_1", "look", "{}"),
                          chat.end("tool_calls")), whole(chat.completion("Blue.")))  # fmt: skip
    with client.responses.stream(model="m", input="What colour?", tools=[LOOK], store=False) as manager:
        first = manager.get_final_response()
    history = [
        {"role": "user", "content": "What colour?"},
        *(item.to_dict() for item in first.output),
        {"type": "function_call_output", "call_id": "call_1", "output": "blue"},
    ]
    assert client.responses.create(model="m", input=history, store=False).output_text == "Blue."
    assistant, output = upstream.received(2).messages[1:]
    assert assistant["content"] == "Looking."
    assert [call["id"] for call in assistant["tool_calls"]] == ["call_1"]
    assert output["tool_call_id"] == "call_1"


def test_retrieve_and_delete(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello.")))
    made = client.responses.create(model="m", input="Hi", metadata={"a": "b"})
    found = client.responses.retrieve(made.id)
    assert isinstance(found, Response)
    assert found.to_dict() == made.to_dict()
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.retrieve(made.id)
    assert caught.value.message.count(f"Response with id '{made.id}' not found.")
    with pytest.raises(openai.NotFoundError):
        client.responses.delete(made.id)


def test_input_items_in_pages(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello.")))
    prompts = [{"role": "user", "content": f"prompt {n}"} for n in range(7)]
    made = client.responses.create(model="m", input=prompts)
    texts = [item.content[0].text for item in client.responses.input_items.list(made.id, limit=3, order="asc")]
    assert texts == [f"prompt {n}" for n in range(7)]
    page = client.responses.input_items.list(made.id, limit=3)
    assert [item.content[0].text for item in page.data] == ["prompt 6", "prompt 5", "prompt 4"]
    assert page.has_more
    rest = client.responses.input_items.list(made.id, after=page.data[-1].id)
    assert len(rest.data) == 4
    assert not rest.has_more


def test_models(client: openai.OpenAI, upstream: Upstream) -> None:
    assert [model.id for model in client.models.list()] == ["m"]
    assert client.models.retrieve("m").id == "m"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("unknown")


def test_an_unknown_previous_response(client: openai.OpenAI, upstream: Upstream) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="m", input="Hi", previous_response_id="resp_" + "0" * 32)
    assert caught.value.code == "previous_response_not_found"
    assert caught.value.param == "previous_response_id"
    assert upstream.requests == []


REFUSALS = [
    (401, openai.AuthenticationError, "invalid_api_key"),
    (429, openai.RateLimitError, "rate_limit_exceeded"),
    (400, openai.BadRequestError, None),
    (500, openai.InternalServerError, "server_error"),
]


@pytest.mark.parametrize(("status", "kind", "code"), REFUSALS)
@pytest.mark.parametrize("streamed", [False, True])
def test_the_providers_refusals(
    client: openai.OpenAI, upstream: Upstream, status: int, kind: type[openai.APIStatusError], code: str | None,
    streamed: bool,
) -> None:  # fmt: skip
    upstream.plays(whole(chat.error("No."), status))
    with pytest.raises(kind) as caught:
        client.responses.create(model="m", input="Hi", stream=streamed)
    assert caught.value.code == code
    assert "No." in caught.value.message
    assert caught.value.request_id is not None


def test_a_failure_in_the_stream(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("Hel"), chat.block(chat.error("The model crashed."))))
    with client.responses.stream(model="m", input="Hi") as manager:
        last = list(manager)[-1]
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert last.response.error.message == "The model crashed."

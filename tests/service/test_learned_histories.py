"""What a provider's rejection of a history teaches, through the whole service: one failed call each, then none."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole

IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
CALL = {"type": "function_call", "call_id": "functions.look:0", "name": "look", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "functions.look:0", "output": "A dog."}
HI = {"role": "user", "content": "Hi"}
GO_ON = {"role": "user", "content": "Go on."}
NO_IMAGES = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
FORMAT = {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object", "properties": {}}}}


@pytest.fixture(scope="module")
def own() -> Iterator[Upstream]:
    """A provider that accepts any request."""
    with Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def service(own: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("own"), upstream_url=own.url, workers=1) as service:
        yield service


def rejecting(message: str, status: int, is_wrong: Callable[[ReceivedRequest], Any]) -> Callable[..., Script]:
    def answer(received: ReceivedRequest) -> Script:
        if is_wrong(received):
            return whole(chat.error(message), status)
        if received.json.get("stream"):
            return stream(chat.text("Hi."), chat.end())
        return whole(chat.completion("Hi."))

    return answer


def has_image(received: ReceivedRequest) -> bool:
    return "image_url" in json.dumps(received.messages)


def calls_without_tools(received: ReceivedRequest) -> bool:
    return "tools" not in received.json and any("tool_calls" in message for message in received.messages)


def has_odd_ids(received: ReceivedRequest) -> bool:
    return any(":" in message.get("tool_call_id", "") for message in received.messages)


LEARNED: dict[str, tuple[str, int, Callable[[ReceivedRequest], Any], dict[str, Any]]] = {
    "an image of an earlier turn": (
        NO_IMAGES, 500, has_image,
        {"input": [{"role": "user", "content": [IMAGE]}, {**HI, "role": "assistant"}, HI]},
    ),
    "an image in an output": (NO_IMAGES, 500, has_image, {"input": [HI, CALL, {**OUTPUT, "output": [IMAGE]}]}),
    "calls without tools": (
        "Bedrock doesn't support tool calling without `tools=` param specified.", 400, calls_without_tools,
        {"input": [HI, CALL, OUTPUT, GO_ON], "tools": []},
    ),
    "ids of calls": (
        "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", 400, has_odd_ids,
        {"input": [HI, CALL, OUTPUT]},
    ),
    "the user behind a tool": (
        "Unexpected role 'user' after role 'tool'", 400,
        lambda received: [message["role"] for message in received.messages][2:4] == ["tool", "user"],
        {"input": [HI, CALL, OUTPUT, GO_ON]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", LEARNED)
def test_a_history_is_learned_in_one_failed_call(service: Service, own: Upstream, name: str, streamed: bool) -> None:
    message, status, is_wrong, body = LEARNED[name]
    own.reset()
    own.otherwise = rejecting(message, status, is_wrong)
    for _ in range(2):
        if streamed:
            assert service.stream(**{"model": f"{name}, streamed", "tools": [LOOK], **body})[-1]["type"] == (
                "response.completed"
            )
        else:
            assert service.post({"model": name, "tools": [LOOK], **body}).status == 200
    assert [bool(is_wrong(received)) for received in own.requests] == [True, False, False]


def test_an_image_in_the_last_message_is_the_requests_fault(service: Service, own: Upstream) -> None:
    own.reset()
    own.otherwise = rejecting(NO_IMAGES, 500, has_image)
    answer = service.post({"model": "blind", "input": [{"role": "user", "content": [IMAGE]}]})
    assert (answer.status, answer.error["code"], answer.error["param"]) == (
        400, "unsupported_parameter", "input"
    )  # fmt: skip
    assert answer.headers.get("x-should-retry") != "true"
    assert len(own.requests) == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_no_choices_in_place_of_an_answer_teach_the_format(service: Service, own: Upstream, streamed: bool) -> None:
    """Source: modelscope/modelscope#1801."""

    def answer(received: ReceivedRequest) -> Script:
        nothing = {"id": "", "object": "", "choices": None, "usage": {"prompt_tokens": 0, "completion_tokens": 0}}
        if received.json["response_format"]["type"] == "json_schema":
            return stream(chat.block(nothing), chat.DONE) if streamed else whole(nothing)
        return stream(chat.text("{}"), chat.end()) if received.json.get("stream") else whole(chat.completion("{}"))

    own.reset()
    own.otherwise = answer
    for _ in range(2):
        response = (
            service.stream(model="scope, streamed", text=FORMAT, input="Hi")[-1]["response"]
            if streamed
            else service.create("Hi", model="scope", text=FORMAT)
        )
        assert response["output"][0]["content"][0]["text"] == "{}"
    formats = [received.json["response_format"]["type"] for received in own.requests]
    assert formats == ["json_schema", "json_object", "json_object"]


def test_a_summary_of_a_history_with_calls_is_learned_too(service: Service, own: Upstream) -> None:
    """The request for it is the adapter's own."""
    own.reset()
    message = "The toolConfig field must be defined when using toolUse and toolResult content blocks."
    own.otherwise = rejecting(message, 400, calls_without_tools)
    body = {"model": "summaries", "input": [HI, CALL, OUTPUT]}
    for _ in range(2):
        answer = service.request("POST", "/v1/responses/compact", body)
        assert (answer.status, answer.json["output"][-1]["type"]) == (200, "compaction")
    assert [calls_without_tools(received) for received in own.requests] == [True, False, False]
    assert own.requests[-1].json["tool_choice"] == "none"

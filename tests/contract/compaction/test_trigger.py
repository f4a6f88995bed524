"""`compaction_trigger` in an input, and how Codex uses it and the call."""

import json
from typing import Any

import openai
import pytest

from tests.contract.compaction.summaries import (
    HI_AND_COMPACT,
    LOOK,
    SUMMARY,
    messages_to_summarise,
    post,
    received_messages,
    streamed,
    summary,
)
from tests.support import chat
from tests.support.beside import RECORDED_CLIENTS
from tests.support.servers.service import Service
from tests.support.servers.upstream import CLOSE, LIMIT, RESET, Gate, Upstream, stream, whole


def test_a_trigger_streams_one_compaction_item(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(stream(chat.thinking("Hm."), chat.text("They ", "said."), chat.end()))
    types, response = streamed(
        client.responses.create(
            model="m", stream=True, store=False, tools=[LOOK], tool_choice="required",  # type: ignore[list-item]
            input=HI_AND_COMPACT,
        )
    )  # fmt: skip
    assert types == [
        "response.created", "response.in_progress", "response.output_item.added", "response.compaction.compacting",
        "response.output_item.done", "response.completed",
    ]  # fmt: skip
    assert [item.type for item in response.output] == ["compaction"]
    assert (response.usage.input_tokens, response.usage.output_tokens) == (9, 7)
    assert (upstream.received().json["tool_choice"], len(upstream.received().json["tools"])) == ("none", 1)


def test_a_trigger_in_a_chain_makes_the_window_the_chain(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(
        whole(chat.completion("Hello!")), summary(), whole(chat.completion("Well.")), whole(chat.completion("Fine."))
    )
    first = client.responses.create(model="m", input="Hello.")
    second = client.responses.create(
        model="m", previous_response_id=first.id,
        input=[{"role": "user", "content": "Go on."}, {"type": "compaction_trigger"}],
    )  # fmt: skip
    assert [item.type for item in second.output] == ["compaction"]
    listed = client.responses.input_items.list(second.id, order="asc")
    assert [item.type for item in listed] == ["message", "message", "message"]
    third = client.responses.create(model="m", previous_response_id=second.id, input="How was it?")
    window = [("user", "Hello."), ("user", "Go on."), ("user", SUMMARY), ("user", "How was it?")]
    assert received_messages(upstream, 3) == window
    client.responses.create(model="m", previous_response_id=third.id, input="And you?")
    assert received_messages(upstream, 4) == [*window, ("assistant", "Well."), ("user", "And you?")]


def test_a_trigger_in_the_background(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("They ", "said."), chat.end()))
    types, response = streamed(
        client.responses.create(model="m", stream=True, background=True, input=HI_AND_COMPACT)
    )
    assert types[-3:] == ["response.compaction.compacting", "response.output_item.done", "response.completed"]
    assert client.responses.retrieve(response.id).output == response.output


def test_a_trigger_in_a_conversation(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(summary(), whole(chat.completion("Well.")))
    conversation = client.conversations.create(
        items=[{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello!"}]
    )
    client.responses.create(model="m", conversation=conversation.id, input=[{"type": "compaction_trigger"}])
    assert messages_to_summarise(upstream) == [("user", "Hello."), ("assistant", "Hello!")]
    client.responses.create(model="m", conversation=conversation.id, input="And?")
    assert received_messages(upstream, 2) == [("user", "Hello."), ("user", SUMMARY), ("user", "And?")]
    kept = [item.type for item in client.conversations.items.list(conversation.id, order="asc")]
    assert kept == ["message", "message", "compaction", "message", "message"]


def test_a_summary_that_fails_in_a_stream_fails_the_response(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("They sa"), chat.end("length")))
    types, response = streamed(
        client.responses.create(
            model="m", stream=True, store=False, input=HI_AND_COMPACT
        )
    )
    assert types[-2:] == ["response.output_item.done", "response.failed"]
    assert "it was cut short" in response.error.message
    assert (response.usage.input_tokens, response.usage.output_tokens) == (9, 7)


def test_a_refused_summary_is_an_http_error(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.error("No such model."), 404))
    with pytest.raises(openai.BadRequestError, match="No such model"):
        client.responses.create(
            model="m", stream=True, store=False, input=HI_AND_COMPACT
        )


def test_nothing_cannot_be_compacted(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="There is nothing to compact"):
        client.responses.create(model="m", input=[{"type": "compaction_trigger"}])


def test_a_trigger_is_not_kept_in_a_conversation(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="cannot be stored"):
        client.conversations.create(items=[{"type": "compaction_trigger"}])


@pytest.mark.parametrize("script", [CLOSE, RESET])
def test_a_provider_that_breaks_off_a_summary(service: Service, upstream: Upstream, script: Any) -> None:
    upstream.plays(stream(chat.text("They sa"), script))
    events = service.stream(HI_AND_COMPACT)
    assert [event["type"] for event in events][-2:] == ["response.output_item.done", "response.failed"]


def test_a_client_that_leaves_ends_the_summary(service: Service, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("They sa"), Gate(), chat.end()))
    with service.open_stream(HI_AND_COMPACT) as exchange:
        exchange.read_until(b"response.compaction.compacting")
    assert upstream.received().closed.wait(LIMIT)


# --- what Codex sends -----------------------------------------------------------------------------------------------


def recorded(path: str) -> list[dict[str, Any]]:
    """Return the bodies that a client was recorded to send."""
    file = RECORDED_CLIENTS / path
    if not file.exists():
        pytest.skip(f"{file} is not there: what Codex sends is not tested")
    return [request["body"] for request in json.loads(file.read_text())]


def beginnings(upstream: Upstream, count: int) -> list[tuple[str, str]]:
    """Return what the provider was told behind the system message, each text as its first word."""
    return [(role, text.split()[0] if text else "") for role, text in received_messages(upstream, count)[1:]]


def test_codex_compacts_by_a_trigger(service: Service, upstream: Upstream) -> None:
    _, trigger, after = recorded("codex-variants/named_openai_compact.json")
    upstream.plays(stream(chat.text("They said hello."), chat.end()), stream(chat.text("Done."), chat.end()))
    output = service.stream(**trigger)[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["compaction"]
    assert [role for role, _ in beginnings(upstream, 1)] == ["user", "user", "assistant", "tool", "user"]
    assert upstream.received().json["tool_choice"] == "none"
    window = [output[0] if item["type"] == "compaction" else item for item in after["input"]]
    service.stream(**{**after, "input": window})
    assert beginnings(upstream, 2) == [("user", "<environment_context>"), ("user", "Do."), ("user", "Summary")]


def test_codex_compacts_by_a_call(service: Service, upstream: Upstream) -> None:
    _, compact, after = recorded("codex-old-variants/named_openai_compact.json")
    upstream.plays(summary(), stream(chat.text("Done."), chat.end()))
    output = post(service, "compact", compact).json["output"]
    assert [item["type"] for item in output][-1] == "compaction"
    assert [item.get("role") for item in output[:-1]] == [
        item.get("role") for item in compact["input"] if item.get("role") in ("developer", "user")
    ]
    service.stream(**{**after, "input": [*output, {"role": "user", "content": "Go on."}]})
    assert beginnings(upstream, 2)[-2:] == [("user", "Summary"), ("user", "Go")]

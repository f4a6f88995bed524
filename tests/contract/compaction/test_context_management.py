"""`context_management`: a context beyond the threshold is compacted before the model answers."""

from typing import Any

import openai
import pytest

from tests.contract.compaction.summaries import (
    AT_1000,
    LOOK,
    SUMMARY,
    TOO_LONG,
    messages_to_summarise,
    received_messages,
    streamed,
    summary,
)
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, stream, whole


def test_a_long_context_is_compacted_and_the_turn_goes_on(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(summary(), whole(chat.completion("Well.")), whole(chat.completion("Fine.")))
    history: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": TOO_LONG}, {"role": "assistant", "content": "Hello!"},
        {"role": "developer", "content": "Be kind."}, {"role": "user", "content": "And?"},
    ]  # fmt: skip
    response = client.responses.create(model="m", input=history, context_management=AT_1000)
    assert [item.type for item in response.output] == ["compaction", "message"]
    assert response.output_text == "Well."
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (109, 27)
    assert [role for role, _ in messages_to_summarise(upstream)] == ["system", "user", "assistant"]
    window = [("system", "Be brief.\n\nBe kind."), ("user", SUMMARY), ("user", "And?")]
    assert received_messages(upstream, 2) == window
    output: Any = [item.model_dump(exclude_unset=True, warnings=False) for item in response.output]
    client.responses.create(model="m", input=[*history, *output, {"role": "user", "content": "So?"}])
    assert received_messages(upstream, 3) == [*window, ("assistant", "Well."), ("user", "So?")]


@pytest.mark.parametrize("cached", [True, False])
def test_a_chain_goes_on_behind_its_compaction(client: openai.OpenAI, upstream: Upstream, cached: bool) -> None:
    first_usage = {"prompt_tokens": 900, "completion_tokens": 200, "total_tokens": 1100}
    upstream.plays(
        whole(chat.completion("Hello!", usage=first_usage)), summary(), whole(chat.completion("Well.")),
        whole(chat.completion("Fine.")),
    )  # fmt: skip
    first = client.responses.create(model="m", input="Hello.")
    second = client.responses.create(
        model="m", input="And?", previous_response_id=first.id, context_management=AT_1000
    )
    assert [item.type for item in second.output] == ["compaction", "message"]
    # another model has another rendering, which no worker has cached
    client.responses.create(
        model="m" if cached else "n", input="So?", previous_response_id=second.id, context_management=AT_1000
    )
    assert received_messages(upstream, 4) == [
        ("user", SUMMARY), ("user", "And?"), ("assistant", "Well."), ("user", "So?"),
    ]  # fmt: skip


def test_the_calls_of_the_turn_stay_with_their_outputs(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(summary(), stream(chat.text("It is ", "there."), chat.end()))
    types, response = streamed(
        client.responses.create(
            model="m", stream=True, tools=[LOOK], context_management=AT_1000,  # type: ignore[list-item]
            input=[
                {"role": "user", "content": TOO_LONG},
                {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "a", "output": "Nothing."},
            ],
        )
    )  # fmt: skip
    assert [role for role, _ in messages_to_summarise(upstream)] == ["user"]
    assert received_messages(upstream, 2) == [("user", SUMMARY), ("assistant", ""), ("tool", "Nothing.")]
    assert types[:6] == [
        "response.created", "response.in_progress", "response.output_item.added", "response.compaction.compacting",
        "response.output_item.done", "response.output_item.added",
    ]  # fmt: skip
    assert [item.type for item in response.output] == ["compaction", "message"]


def test_a_short_context_is_left_alone(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello!")))
    response = client.responses.create(model="m", input="Hi", context_management=AT_1000)
    assert [item.type for item in response.output] == ["message"]


def test_one_long_turn_cannot_be_compacted(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello!")))
    response = client.responses.create(model="m", input=TOO_LONG, context_management=AT_1000)
    assert [item.type for item in response.output] == ["message"]


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    "script",
    [whole(chat.error("Too long."), 400), whole(chat.completion("They sa", finish="length"))],
    ids=["refused", "cut short"],
)
def test_without_a_summary_the_turn_goes_on_whole(
    service: Service, upstream: Upstream, script: list[Any], streams: bool
) -> None:
    upstream.plays(script, stream(chat.text("Well."), chat.end()) if streams else whole(chat.completion("Well.")))
    history = [{"role": "user", "content": TOO_LONG}, {"role": "assistant", "content": "Hello!"}]
    body = {
        "context_management": AT_1000,
        "input": [*history, {"role": "user", "content": "And?"}],
    }  # fmt: skip
    if streams:
        response = service.stream(**body)[-1]["response"]
    else:
        answer = service.post({"model": "m", **body})
        response = answer.response
        assert "context_management dropped: nothing was compacted" in answer.headers["x-adapter-notes"]
    assert [item["type"] for item in response["output"]] == ["message"]
    assert [role for role, _ in received_messages(upstream, 2)] == ["user", "assistant", "user"]


def test_a_threshold_that_is_not_named_is_noted(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello!")))
    answer = client.responses.with_raw_response.create(
        model="m", input="Hi", context_management=[{"type": "compaction"}]
    )
    assert "context_management dropped" in answer.headers["x-adapter-notes"]

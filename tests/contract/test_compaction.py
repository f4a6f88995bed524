"""Compaction and counts through the openai package: what is summarised, what stays, and what a window is worth.

The provider sees a request for a summary like any other; what goes on behind it sees the summary in the user's words.
"""

import json
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.support import chat
from tests.support.client import Answer
from tests.support.servers.service import Service
from tests.support.servers.upstream import CLOSE, LIMIT, RESET, Gate, Upstream, stream, whole

HEADING = "Summary of the earlier conversation (compacted):\n\n"
SUMMARY = HEADING + "They said hello."
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": None}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
TOO_LONG = "long " * 1000
"""More than the threshold of 1,000 tokens."""
HI_AND_COMPACT: Any = [{"role": "user", "content": "Hi"}, {"type": "compaction_trigger"}]
AT_1000: Any = [{"type": "compaction", "compact_threshold": 1000}]


def said(upstream: Upstream, count: int = 1) -> list[tuple[str, str]]:
    """Return what the provider was told in the latest of so many requests; a long text as its beginning."""
    messages = upstream.received(count).json["messages"]
    return [(message["role"], (message["content"] or "")[: len(SUMMARY)]) for message in messages]


def summarised(upstream: Upstream, count: int = 1) -> list[tuple[str, str]]:
    """Return the same of a request for a summary, without the request itself."""
    told = said(upstream, count)
    assert told[-1][0] == "user"
    assert told[-1][1].startswith("Write a summary")
    return told[:-1]


def summary(text: str = "They said hello.", **usage: int) -> list[Any]:
    counts = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, **usage}
    return whole(chat.completion(text, usage=counts))


def post(service: Service, path: str, body: dict[str, Any]) -> Answer:
    return service.request("POST", f"/v1/responses/{path}", body)


def streamed(events: Any) -> tuple[list[str], Any]:
    """Return the types of a stream's events, and its last response."""
    seen = list(events)
    return [event.type for event in seen], seen[-1].response


# --- POST /v1/responses/compact -------------------------------------------------------------------------------------


def test_a_window_goes_on_as_the_conversation(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(summary(), whole(chat.completion("Well.")))
    compacted = client.responses.compact(
        model="m",
        instructions="Be brief.",
        input=[
            {"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": "Go on."},
        ],
    )  # fmt: skip
    assert compacted.object == "response.compaction"
    assert compacted.usage.total_tokens == 120
    assert [item.type for item in compacted.output] == ["message", "message", "compaction"]
    assert summarised(upstream) == [
        ("system", "Be brief."), ("user", "Hello."), ("assistant", "Hello!"), ("user", "Go on."),
    ]  # fmt: skip
    received = upstream.received().json
    assert received["max_tokens"] == 8192
    assert "stream" not in received
    window: Any = [item.model_dump(exclude_unset=True, warnings=False) for item in compacted.output]
    client.responses.create(model="another", input=[*window, {"role": "user", "content": "How was it?"}])
    assert said(upstream, 2) == [
        ("user", "Hello."), ("user", "Go on."), ("user", SUMMARY), ("user", "How was it?"),
    ]  # fmt: skip


def test_a_chain_can_be_compacted(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello!")), summary())
    first = client.responses.create(model="m", input="Hello.")
    compacted = client.responses.compact(model="m", previous_response_id=first.id)
    assert summarised(upstream, 2) == [("user", "Hello."), ("assistant", "Hello!")]
    assert [item.type for item in compacted.output] == ["message", "compaction"]
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(compacted.id)


def test_a_window_can_be_compacted_again(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(summary(), summary("They parted."), whole(chat.completion("Well.")))
    first = client.responses.compact(model="m", input="Hello.")
    window: Any = [item.model_dump(exclude_unset=True, warnings=False) for item in first.output]
    second = client.responses.compact(model="m", input=[*window, {"role": "user", "content": "Bye."}])
    assert summarised(upstream, 2) == [("user", "Hello."), ("user", SUMMARY), ("user", "Bye.")]
    assert [item.type for item in second.output] == ["message", "message", "compaction"]
    window = [item.model_dump(exclude_unset=True, warnings=False) for item in second.output]
    client.responses.create(model="m", input=window)
    assert said(upstream, 3) == [("user", "Hello."), ("user", "Bye."), ("user", HEADING + "They parted.")]


def test_broken_pairs_are_left_out_of_what_is_summarised(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(summary())
    answer = client.responses.with_raw_response.compact(
        model="m",
        input=[
            {"role": "user", "content": "Look."},
            {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "b", "output": "Nothing."},
        ],
    )
    assert summarised(upstream) == [("user", "Look.")]
    assert "call a, which has no output" in answer.headers["x-adapter-notes"]
    assert "the output of call b, whose call is missing" in answer.headers["x-adapter-notes"]


def test_what_a_compaction_has_no_use_for_is_noted(service: Service, upstream: Upstream) -> None:
    upstream.plays(summary())
    body = {"model": "m", "input": "Hi", "tools": [{"type": "x"}], "store": True, "reasoning": None}
    answer = post(service, "compact", body)
    assert answer.status == 200
    assert answer.headers["x-adapter-notes"] == (
        "tools dropped: it has no effect here; store dropped: it has no effect here"
    )
    assert "tools" not in upstream.received().json


@pytest.mark.parametrize(
    ("body", "param"),
    [({"input": "Hi"}, "model"), ({"model": None, "input": "Hi"}, "model"), ({"model": "m"}, "input"),
     ({"model": "m", "input": "Hi", "conversation": "conv_1"}, "conversation"),
     ({"model": "m", "input": "Hi", "prompt": {"id": "pmpt_1"}}, "prompt"),
     ({"model": "m", "input": "Hi", "shrink": 1}, "shrink"), ({"model": "m", "input": 5}, "input")],
)  # fmt: skip
def test_a_refused_compaction(service: Service, upstream: Upstream, body: dict[str, Any], param: str) -> None:
    answer = post(service, "compact", body)
    assert answer.status == 400
    assert answer.error["param"] == param


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (whole(chat.completion("They sa", finish="length")), "it was cut short"),
        (whole(chat.completion(" ")), ""),
        (whole(chat.completion("Let me look.", tool_calls=[CALL], finish="tool_calls")), "it is more than text"),
        (whole(chat.error("Overloaded."), 500), "Overloaded."),
    ],
    ids=["cut short", "empty", "a call", "an error"],
)
def test_what_is_no_summary_is_an_error(
    service: Service, upstream: Upstream, script: list[Any], message: str
) -> None:
    upstream.plays(script)
    answer = post(service, "compact", {"model": "m", "input": "Hi"})
    assert answer.status >= 500
    assert message in answer.error["message"]


# --- compaction items in the input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", "gAAAAABmQ0h5c2Vj", "ra1_AAAA"])
def test_a_foreign_compaction_is_refused(service: Service, upstream: Upstream, content: str) -> None:
    items = [{"role": "user", "content": "Hi"}, {"type": "compaction", "id": "cmp_1", "encrypted_content": content}]
    error = service.post({"model": "m", "input": items}).error
    assert (error["code"], error["param"]) == ("invalid_encrypted_content", "input[1].encrypted_content")


def test_paths_of_errors_count_what_the_summary_stands_for(service: Service, upstream: Upstream) -> None:
    upstream.plays(summary())
    window = post(service, "compact", {"model": "m", "input": "Hi"}).json["output"]
    wrong = {"role": "user", "content": [{"type": "input_file", "file_data": "%%%", "filename": "a.txt"}]}
    error = service.post({"model": "m", "input": [*window, *window, wrong]}).error
    assert error["param"] == "input[4].content[0].file_data"


def test_a_whole_history_with_a_compaction_is_its_window(service: Service, upstream: Upstream) -> None:
    upstream.plays(summary(), whole(chat.completion("Well.")))
    history = [
        {"role": "user", "content": "Look."},
        {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "Nothing."},
    ]
    triggered = {"model": "m", "store": False, "input": [*history, {"type": "compaction_trigger"}]}
    output = service.post(triggered).response["output"]
    again = [*history, *output, {"role": "user", "content": "And?"}]
    service.post({"model": "m", "input": again})
    assert said(upstream, 2) == [("user", "Look."), ("user", SUMMARY), ("user", "And?")]


# --- compaction_trigger ---------------------------------------------------------------------------------------------


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
    assert said(upstream, 3) == window
    client.responses.create(model="m", previous_response_id=third.id, input="And you?")
    assert said(upstream, 4) == [*window, ("assistant", "Well."), ("user", "And you?")]


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
    assert summarised(upstream) == [("user", "Hello."), ("assistant", "Hello!")]
    client.responses.create(model="m", conversation=conversation.id, input="And?")
    assert said(upstream, 2) == [("user", "Hello."), ("user", SUMMARY), ("user", "And?")]
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
    file = Path(__file__).parents[3] / "shared/wire/clients" / path
    if not file.exists():
        pytest.skip(f"{file} is not there: what Codex sends is not tested")
    return [request["body"] for request in json.loads(file.read_text())]


def beginnings(upstream: Upstream, count: int) -> list[tuple[str, str]]:
    """Return what the provider was told behind the system message, each text as its first word."""
    return [(role, text.split()[0] if text else "") for role, text in said(upstream, count)[1:]]


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


# --- context_management ---------------------------------------------------------------------------------------------


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
    assert [role for role, _ in summarised(upstream)] == ["system", "user", "assistant"]
    window = [("system", "Be brief.\n\nBe kind."), ("user", SUMMARY), ("user", "And?")]
    assert said(upstream, 2) == window
    output: Any = [item.model_dump(exclude_unset=True, warnings=False) for item in response.output]
    client.responses.create(model="m", input=[*history, *output, {"role": "user", "content": "So?"}])
    assert said(upstream, 3) == [*window, ("assistant", "Well."), ("user", "So?")]


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
    assert said(upstream, 4) == [("user", SUMMARY), ("user", "And?"), ("assistant", "Well."), ("user", "So?")]


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
    assert [role for role, _ in summarised(upstream)] == ["user"]
    assert said(upstream, 2) == [("user", SUMMARY), ("assistant", ""), ("tool", "Nothing.")]
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
    assert [role for role, _ in said(upstream, 2)] == ["user", "assistant", "user"]


def test_a_threshold_that_is_not_named_is_noted(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello!")))
    answer = client.responses.with_raw_response.create(
        model="m", input="Hi", context_management=[{"type": "compaction"}]
    )
    assert "context_management dropped" in answer.headers["x-adapter-notes"]


# --- POST /v1/responses/input_tokens --------------------------------------------------------------------------------


def test_tokens_are_counted_without_the_model(client: openai.OpenAI, upstream: Upstream) -> None:
    answer = client.responses.input_tokens.with_raw_response.count(model="m", input="Hello there.", instructions="Be.")
    counted = answer.parse()
    assert counted.object == "response.input_tokens"
    assert 10 < counted.input_tokens < 60
    assert "input_tokens estimated" in answer.headers["x-adapter-notes"]
    more = client.responses.input_tokens.count(
        model="m", input="Hello there.", instructions="Be.", tools=[LOOK], personality="friendly"  # type: ignore[list-item]
    )
    assert more.input_tokens > counted.input_tokens
    assert upstream.requests == []


def test_the_tokens_of_a_chain_and_of_a_conversation_count(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion(TOO_LONG)))
    alone = client.responses.input_tokens.count(model="m", input="Hi")
    first = client.responses.create(model="m", input="Hello.")
    chained = client.responses.input_tokens.count(model="m", input="Hi", previous_response_id=first.id)
    assert chained.input_tokens > alone.input_tokens + 1000
    conversation = client.conversations.create(items=[{"role": "user", "content": TOO_LONG}])
    talked = client.responses.input_tokens.count(model="m", input="Hi", conversation=conversation.id)
    assert talked.input_tokens > alone.input_tokens + 1000


def test_the_provider_counts_where_it_can(provider: Upstream, upstream: Upstream, tmp_path: Path) -> None:
    upstream.answers = {"/tokenize": {"count": 5, "max_model_len": 4096, "tokens": []}}
    with Service(tmp_path, upstream_url=provider.url, dialect="vllm", workers=1) as service:
        answer = post(service, "input_tokens", {"model": "m", "input": "Hi"})
    assert answer.json == {"object": "response.input_tokens", "input_tokens": 5}


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [({"model": "m"}, "missing_required_parameter", "input"),
     ({"input": "Hi", "conversation": "conv_0"}, None, "conversation"),
     ({"input": "Hi", "previous_response_id": "resp_0"}, "previous_response_not_found", "previous_response_id"),
     ({"input": "Hi", "tools": 5}, "invalid_type", "tools"),
     ({"input": "Hi", "count": 1}, "unknown_parameter", "count")],
)  # fmt: skip
def test_a_refused_count(
    service: Service, upstream: Upstream, body: dict[str, Any], code: str | None, param: str
) -> None:
    error = post(service, "input_tokens", body).error
    assert (error["code"], error["param"]) == (code, param)

"""`POST /v1/responses/compact`, and compaction items in an input.

The provider gets a request for a summary like any other; what follows it contains the summary as the user's words.
"""

from typing import Any

import openai
import pytest

from tests.contract.compaction.summaries import (
    CALL,
    HEADING,
    SUMMARY,
    messages_to_summarise,
    post,
    received_messages,
    summary,
)
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, whole


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
    assert messages_to_summarise(upstream) == [
        ("system", "Be brief."), ("user", "Hello."), ("assistant", "Hello!"), ("user", "Go on."),
    ]  # fmt: skip
    received = upstream.received().json
    assert received["max_tokens"] == 8192
    assert "stream" not in received
    window: Any = [item.model_dump(exclude_unset=True, warnings=False) for item in compacted.output]
    client.responses.create(model="another", input=[*window, {"role": "user", "content": "How was it?"}])
    assert received_messages(upstream, 2) == [
        ("user", "Hello."), ("user", "Go on."), ("user", SUMMARY), ("user", "How was it?"),
    ]  # fmt: skip


def test_a_chain_can_be_compacted(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello!")), summary())
    first = client.responses.create(model="m", input="Hello.")
    compacted = client.responses.compact(model="m", previous_response_id=first.id)
    assert messages_to_summarise(upstream, 2) == [("user", "Hello."), ("assistant", "Hello!")]
    assert [item.type for item in compacted.output] == ["message", "compaction"]
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(compacted.id)


def test_a_window_can_be_compacted_again(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(summary(), summary("They parted."), whole(chat.completion("Well.")))
    first = client.responses.compact(model="m", input="Hello.")
    window: Any = [item.model_dump(exclude_unset=True, warnings=False) for item in first.output]
    second = client.responses.compact(model="m", input=[*window, {"role": "user", "content": "Bye."}])
    assert messages_to_summarise(upstream, 2) == [("user", "Hello."), ("user", SUMMARY), ("user", "Bye.")]
    assert [item.type for item in second.output] == ["message", "message", "compaction"]
    window = [item.model_dump(exclude_unset=True, warnings=False) for item in second.output]
    client.responses.create(model="m", input=window)
    assert received_messages(upstream, 3) == [("user", "Hello."), ("user", "Bye."), ("user", HEADING + "They parted.")]


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
    assert messages_to_summarise(upstream) == [("user", "Look.")]
    assert "call a, which has no output" in answer.headers["x-adapter-notes"]
    assert "the output of call b, whose call is missing" in answer.headers["x-adapter-notes"]


def test_what_a_compaction_has_no_use_for_is_noted(service: Service, upstream: Upstream) -> None:
    upstream.plays(summary())
    body = {"model": "m", "input": "Hi", "metadata": {"a": "b"}, "store": True, "reasoning": None}
    answer = post(service, "compact", body)
    assert answer.status == 200
    assert answer.headers["x-adapter-notes"] == (
        "metadata dropped: it has no effect here; store dropped: it has no effect here"
    )


def test_a_request_for_a_summary_has_the_tools_of_the_conversation(service: Service, upstream: Upstream) -> None:
    """Providers refuse calls in a conversation that declares no tools."""
    upstream.plays(summary())
    look = {"type": "function", "name": "look", "parameters": {"type": "object"}}
    assert post(service, "compact", {"model": "m", "input": "Hi", "tools": [look]}).status == 200
    sent = upstream.received().json
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["look"]
    assert sent["tool_choice"] == "none"


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
    assert received_messages(upstream, 2) == [("user", "Look."), ("user", SUMMARY), ("user", "And?")]

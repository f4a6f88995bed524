"""The stream machine where the laws (tests/properties) leave a choice: ids, limits, notes, late pieces."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.properties.strategies.streamed_answers import Object
from tests.support import chat
from tests.support.stream_harness import StreamHarness, contents
from translators.errors import UpstreamError
from translators.responses.tools import FunctionTool
from translators.to_responses.expectations import Limits
from translators.tools.names import ToolNames


def read_deltas(
    *deltas: Object,
    chunks: Sequence[Object] = (),
    finish: str | None = "stop",
    tier: str | None = None,
    **given: Any,
) -> StreamHarness:
    """Feed the machine these chunks, then a chunk for each of these deltas, and finish."""
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], "service_tier": tier}
    return StreamHarness(**given).feed([*chunks, *map(chunk, deltas), last]).finish()


def chunk(delta: Object) -> Object:
    return {"choices": [{"index": 0, "delta": delta}]}


def call(id: str | None = "a", name: str | None = "f", arguments: str = "{}", index: int = 0) -> Object:
    return {"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]}


@pytest.mark.parametrize(
    ("id", "kept"),
    [("a", True), ("x" * 64, True), ("x" * 65, False), ("", False), (None, False), ("taken", False)],
)
def test_a_call_keeps_the_providers_id_where_it_can_serve(id: str | None, kept: bool) -> None:
    item = read_deltas(call(id), taken_call_ids=["taken"]).output[0]
    assert item["call_id"] == (id if kept else "call_" + "0" * 31 + "2")


def test_two_calls_never_share_an_id() -> None:
    first, second = read_deltas(call("a", index=0), call("a", index=1)).output
    assert first["call_id"] == "a"
    assert second["call_id"] == "call_" + "0" * 31 + "3"


def test_an_id_that_comes_after_its_call_was_told_is_too_late() -> None:
    item = read_deltas(call(None, "f", "{"), call("a", None, "}")).output[0]
    assert item["call_id"].startswith("call_0")


def test_a_call_waits_for_its_name() -> None:
    answer = read_deltas(call("a", None, '{"x":'), call(None, "f", "1}"), {"content": "Hi"})
    assert [item["type"] for item in answer.output] == ["function_call", "message"]
    assert answer.output[0]["arguments"] == '{"x":1}'


AT_ONCE: dict[str, tuple[list[Object], str]] = {
    "a call is opened with its name": ([call("a", None, "{"), call(None, "f", "")], "output_item.added"),
    "a call is done when another has begun": ([call("a", "f", "{}"), call("b", "g", "{", 1)], "output_item.done"),
    "a call is done although another has begun": (
        [call("a", "f", "{"), call("b", "g", "{", 1), call(None, None, "}")], "output_item.done"
    ),
    "a message is done when a call begins": ([{"content": "Hi"}, call("a", None, "")], "output_item.done"),
}  # fmt: skip


@pytest.mark.parametrize("what", AT_ONCE)
def test_nothing_waits_longer_than_it_must(what: str) -> None:
    deltas, expected = AT_ONCE[what]
    chunks = [chunk(delta) for delta in deltas]
    before, after = StreamHarness().feed(chunks[:-1]), StreamHarness().feed(chunks)
    assert f"response.{expected}" not in [event["type"] for event in before.events]
    assert f"response.{expected}" in [event["type"] for event in after.events]


def test_a_call_that_never_gets_a_name_fails_the_response() -> None:
    answer = read_deltas({"content": "Hi"}, call("a", None, "{}"))
    assert answer.response["error"]["message"] == "The provider called a tool without naming it."
    assert [item["type"] for item in answer.output] == ["message"]


def test_names_are_the_clients() -> None:
    names = ToolNames()
    flat = names.flatten("close", "crm")
    item = read_deltas(call("a", flat), names=names).output[0]
    assert (item["name"], item["namespace"]) == ("close", "crm")
    assert "namespace" not in read_deltas(call("a", "unheard_of")).output[0]


def test_late_arguments_of_a_call_that_is_done_fail_the_response() -> None:
    for arguments in ("{}", '{"x":1}'):
        deltas = call("a", "f", arguments), {"content": "Hi"}
        assert read_deltas(*deltas, call(None, None, '{"y":2}')).response["status"] == "failed"
        assert read_deltas(*deltas, call(None, None, " \n")).response["status"] == "completed"


def test_what_stands_behind_a_call_that_was_cut_short_is_dropped() -> None:
    answer = read_deltas(call("a", "f", '{"x"'), call("b", "g", "{", index=1), finish="length")
    assert [(item["call_id"], item["status"]) for item in answer.output] == [("a", "incomplete")]
    assert ("tool_calls", "dropped") in answer.notes


RUNNING: dict[str, list[Object]] = {
    "a piece without text": [call(None, None, "")],
    "another call, and the first again": [call("b", "g", "", 1), call(None, None, "y")],
    "text between": [{"content": "Hi"}, call(None, None, "y")],
    "a call of another name under the same index": [call("b", "g", '{"z":1}'), call("a", None, "y")],
}


@pytest.mark.parametrize("what", RUNNING)
def test_a_call_goes_on_with_its_own_pieces(what: str) -> None:
    start = call("a", "f", '{"x":'), call(None, None, '"'), call(None, None, "x")
    answer = read_deltas(*start, *RUNNING[what], call("a" if "name" in what else None, None, '"}'))
    arguments = [item["arguments"] for item in answer.output if item.get("name") == "f"]
    assert arguments == ['{"x":"x"}' if "without" in what else '{"x":"xy"}']
    deltas = [event["delta"] for event in answer.events if event["type"] == "response.function_call_arguments.delta"]
    assert "" not in deltas


def test_reasoning_as_content() -> None:
    item = read_deltas({"reasoning": "Hm."}, {"content": "Hi"}, reasoning_as="content").output[0]
    assert (item["summary"], item["content"]) == ([], [{"type": "reasoning_text", "text": "Hm."}])


def test_a_refusal_behind_text_is_another_part_of_the_message() -> None:
    item = read_deltas({"content": "Well."}, {"refusal": "No."}, {"refusal": " No!"}, {"content": "Sorry."}).output[0]
    assert [part.get("text", part.get("refusal")) for part in item["content"]] == ["Well.", "No. No!", "Sorry."]


HELD: dict[str, tuple[Object, Object]] = {
    "a refusal": ({"content": "<"}, {"refusal": "No."}),
    "a call": ({"content": "\n"}, call()),
    "content in parts": ({"content": "\n"}, {"content": [{"type": "text", "text": "Hi"}]}),
    "the end": ({"content": "<thi"}, {}),
}


@pytest.mark.parametrize("what", HELD)
def test_content_that_might_have_become_a_tag_keeps_its_place(what: str) -> None:
    held, then = HELD[what]
    first = contents(read_deltas(held, then).output)[0]
    assert first[0] == "output_text"
    assert first[1].startswith(held["content"])


@pytest.mark.parametrize("pieces", [["Hi", "<think>", "x"], ["<think>Hm.</think>Hi", "\nx", "<think>"]])
def test_once_the_answer_has_begun_content_is_text(pieces: list[str]) -> None:
    text = "".join(pieces).partition("</think>")[2] or "".join(pieces)
    assert contents(read_deltas(*({"content": piece} for piece in pieces)).output)[-1] == ("output_text", text)


def test_content_that_was_held_back_keeps_its_logprobs() -> None:
    chunks = [
        {"choices": [{"delta": {"content": text}, "logprobs": {"content": [{"token": text, "logprob": -0.5}]}}]}
        for text in ("\n", "\n", "Hi", "!")
    ]
    part = read_deltas(chunks=chunks).output[0]["content"][0]
    assert part["text"] == "\n\nHi!"
    assert [token["token"] for token in part["logprobs"]] == ["\n", "\n", "Hi", "!"]
    assert part["logprobs"][3] == {"token": "!", "logprob": -0.5, "bytes": [33], "top_logprobs": []}


@pytest.mark.parametrize("pieces", [["<think>Hm.</think>Hi!"], ["<thi", "nk>Hm", ".</think>", "Hi", "!"]])
def test_thinking_in_tags_has_no_logprobs_in_any_split(pieces: list[str]) -> None:
    chunks = [
        {"choices": [{"delta": {"content": text}, "logprobs": {"content": [{"token": text, "logprob": -0.5}]}}]}
        for text in pieces
    ]
    harness = read_deltas(chunks=chunks)
    part = harness.output[1]["content"][0]
    assert (part["text"], part["logprobs"]) == ("Hi!", [])
    assert ("logprobs", "dropped") in harness.notes


TIERS = {"default": "default", "priority": "priority", "flex": "flex", "on_demand": "default", None: "default"}


@pytest.mark.parametrize("tier", TIERS)
def test_service_tiers(tier: str | None) -> None:
    assert read_deltas({"content": "Hi"}, tier=tier).response["service_tier"] == TIERS[tier]


def test_no_usage_is_estimated_and_noted() -> None:
    answer = read_deltas({"content": "x" * 40}, prompt_bytes=80)
    assert answer.response["usage"]["total_tokens"] == 30
    assert ("usage", "estimated") in answer.notes


def image(*urls: str) -> Object:
    return {"content": "", "images": [{"type": "image_url", "image_url": {"url": url}} for url in urls]}


def sources(*urls: str) -> Object:
    return {"annotations": [{"type": "url_citation", "url_citation": {"url": url}} for url in urls]}


PNG = "data:image/png;base64,QUJD"


def test_an_image_is_done_when_it_is_there() -> None:
    harness = StreamHarness().feed([{"choices": [{"delta": image(PNG)}]}])
    assert harness.events[-1]["type"] == "response.output_item.done"
    harness.emitted += harness.stream.fail(UpstreamError("It broke."))
    assert contents(harness.output) == [("image", "QUJD")]
    assert harness.output[0]["status"] == "completed"


def test_an_image_waits_behind_a_call_that_may_go_on() -> None:
    answer = read_deltas(call("a", "f", '{"x":'), image(PNG), call(None, None, "1}"))
    assert contents(answer.output) == [("call", "f", {"x": 1}), ("image", "QUJD")]


def test_an_image_behind_a_call_that_was_cut_short_is_noted() -> None:
    answer = read_deltas(call("a", "f", '{"x":'), image(PNG), finish="length")
    assert [item["type"] for item in answer.output] == ["function_call"]
    assert ("tool_calls", "dropped") in answer.notes


def test_an_image_is_no_tokens() -> None:
    assert read_deltas({"content": "x" * 40}, image(PNG)).response["usage"]["output_tokens"] == 10


@pytest.mark.parametrize("before", [None, "Here:"])
def test_an_image_elsewhere_is_a_link(before: str | None) -> None:
    answer = read_deltas({"content": before}, image("https://a.example/b.png"))
    link = "![image](https://a.example/b.png)"
    assert contents(answer.output) == [("output_text", f"{before}\n\n{link}" if before else link)]
    assert ("images", "approximated") in answer.notes


def test_what_is_no_image_is_noted() -> None:
    assert ("images", "dropped") in read_deltas({"content": "Hi"}, image("nowhere")).notes


BEHIND_HALF_A_TAG: dict[str, tuple[Object, list[Any]]] = {
    "an image": (image(PNG), [("output_text", "<th"), ("image", "QUJD")]),
    "what is heard": ({"audio": {"transcript": "Hi"}}, [("output_text", "<thHi")]),
    "a refusal": ({"refusal": "No."}, [("output_text", "<th"), ("refusal", "No.")]),
    "parts": ({"content": [{"type": "text", "text": "Hi"}]}, [("output_text", "<thHi")]),
    "a call": (call(), [("output_text", "<th"), ("call", "f", {})]),
}


@pytest.mark.parametrize("what", BEHIND_HALF_A_TAG)
def test_what_was_held_back_stands_before_what_comes_now(what: str) -> None:
    delta, expected = BEHIND_HALF_A_TAG[what]
    assert contents(read_deltas({"content": "<th"}, delta).output) == expected


TOO_MUCH = {
    "an image": image("data:image/png;base64," + "A" * 100),
    "sources": sources(*(f"https://a.example/{number}" for number in range(10))),
    "what is heard": {"audio": {"transcript": "a" * 101}},
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_whatever_an_answer_is_made_of_counts_against_the_limit(what: str) -> None:
    answer = read_deltas({"content": "Hi"}, TOO_MUCH[what], limits=Limits(output_bytes=100))
    assert answer.response["error"]["message"] == "The provider's answer is larger than this adapter's limits allow."


def test_sources_that_come_when_their_text_is_done_are_noted() -> None:
    answer = read_deltas({"content": "Hi"}, call(), sources("https://a.example/"))
    assert answer.output[0]["content"][0]["annotations"] == []
    assert ("annotations", "dropped") in answer.notes


def test_sound_is_dropped_and_what_was_said_is_text() -> None:
    answer = read_deltas({"audio": {"id": "a", "transcript": "Hel"}}, {"audio": {"transcript": "lo", "data": "UklG"}})
    assert contents(answer.output) == [("output_text", "Hello")]
    assert ("audio", "dropped") in answer.notes


@pytest.mark.parametrize("finish", [None, "odd"])
def test_an_odd_end_is_noted(finish: str | None) -> None:
    answer = read_deltas({"content": "Hi"}, finish=finish)
    assert answer.response["status"] == "completed"
    assert ("finish_reason", "approximated") in answer.notes


def test_items_that_wait_count_against_the_limit() -> None:
    """Behind a call that may still go on, nothing else is opened."""
    calls = [call(f"c{index}", "f", "", index) for index in range(5)]
    answer = read_deltas(*calls, limits=Limits(items=4))
    assert answer.response["error"]["message"] == "The provider's answer is larger than this adapter's limits allow."
    assert len(answer.output) == 1


def test_a_response_that_cannot_be_kept_is_revoked() -> None:
    answer = read_deltas({"content": "Hi"})
    answer.emitted = answer.stream.revoke(answer.emitted, UpstreamError("The store is down."))
    assert answer.response["status"] == "failed"
    assert answer.response["error"] == {"code": "server_error", "message": "The store is down."}
    assert isinstance(answer.stream.error, UpstreamError)


def test_a_failure_inside_a_choice() -> None:
    answer = read_deltas(chunks=[{"choices": [{"delta": {"content": "Hi"}, "error": {"message": "It broke."}}]}])
    assert answer.response["error"]["message"] == "It broke."
    assert answer.output[0]["content"][0]["text"] == "Hi"


def test_nobody_asked_for_a_second_choice() -> None:
    other = {"index": 1, "delta": {"content": "Ho"}, "finish_reason": "length"}
    answer = read_deltas({"content": "Hi"}, chunks=[{"choices": [other]}])
    assert answer.response["status"] == "completed"
    assert answer.output[0]["content"][0]["text"] == "Hi"


def allowing(*tools: str) -> ToolNames:
    names = ToolNames([FunctionTool("f"), FunctionTool("g")])
    names.allow_only([FunctionTool(name) for name in tools])
    return names


@pytest.mark.parametrize("pieces", [
    [call("a", "g"), call("b", "f", index=1)],
    [call("b", "f"), call("a", "g", index=1)],
    [call("a", "g", '{"x":'), call("a", None, "1}"), call("b", "f", index=1)],
    [call("a", "unheard_of"), call("b", "f", index=1)],
])  # fmt: skip
def test_a_call_that_is_not_allowed_does_not_reach_the_client(pieces: list[Object]) -> None:
    answer = read_deltas(*pieces, names=allowing("f"), finish="tool_calls")
    assert [(item["name"], item["call_id"]) for item in answer.output] == [("f", "b")]
    assert answer.response["status"] == "completed"
    assert ["tool_calls", "dropped"] in [list(note[:2]) for note in answer.notes]
    assert not any(name in str(answer.events) for name in ("unheard_of", "'g'", '"g"'))


@pytest.mark.parametrize("pieces", [[], [{"reasoning_content": "Hm"}]])
def test_a_call_that_never_came_fails(pieces: list[Object]) -> None:
    answer = read_deltas(*pieces, finish="tool_calls")
    assert answer.response["error"]["message"] == "The provider stopped with 'tool_calls', but sent no call."
    assert read_deltas(*pieces, {"content": "Hi"}, finish="tool_calls").response["status"] == "completed"


def test_an_answer_of_nothing_but_calls_that_are_not_allowed_fails() -> None:
    answer = read_deltas({"reasoning_content": "Hm"}, call("a", "g"), names=allowing("f"), finish="tool_calls")
    assert answer.response["status"] == "failed"
    assert "'g', which tool_choice does not allow" in answer.response["error"]["message"]
    told = read_deltas({"content": "Hi"}, call("a", "g"), names=allowing(), finish="tool_calls")
    assert (told.response["status"], contents(told.output)) == ("completed", [("output_text", "Hi")])


@pytest.mark.parametrize(
    ("arguments", "meant"), [('```json\n{"x": 1}\n```', {"x": 1}), ('```{"x": 1}```', {"x": 1}), ("undefined", {})]
)
def test_arguments_that_are_not_json_as_they_stand(arguments: str, meant: dict[str, int]) -> None:
    for fragments in ([arguments], list(arguments)):
        answer = StreamHarness().read([chat.call(0, "a", "get", *fragments), chat.end("tool_calls")])
        assert contents(answer.output) == [("call", "get", meant)]


WRITTEN_ANEW = [
    json.dumps('{"x": "\n\\ud83d"}'),
    "{'x': '\\n\\ud83d'}",
    '{"name": "get", "arguments": {"x": "\n\\ud83d"}}',
]


@pytest.mark.parametrize("arguments", WRITTEN_ANEW)
def test_half_a_surrogate_pair_in_arguments_that_are_written_anew(arguments: str) -> None:
    answer = StreamHarness().read([chat.call(0, "a", "get", arguments), chat.end("tool_calls")])
    assert contents(answer.output) == [("call", "get", {"x": "\n\ufffd"})]

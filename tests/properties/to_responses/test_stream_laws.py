"""The laws of the stream machine, for whatever a provider sends and however it sends it. Source: docs/stream-laws.md.

`check_stream` asserts the laws one by one: the order of events, numbers and indexes, deltas that add up to the done
events, items done once, and a terminal response equal to what was streamed. The provider is made up by hypothesis, so
the answer that it meant is known.
"""

import json
from dataclasses import replace
from itertools import pairwise, takewhile
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.strategies.streamed_answers import (
    SOURCES,
    Answer,
    CallPart,
    ImagePart,
    Object,
    StreamedAnswer,
    TextPart,
    deltas_of,
    streamed_answers,
)
from tests.support.stream_harness import NOW, StreamHarness, contents, decode_arguments
from translators.errors import UpstreamError
from translators.to_responses.expectations import Limits


def expected_contents(answer: Answer) -> list[Any]:
    kinds = {"reasoning": "summary_text", "text": "output_text", "refusal": "refusal"}
    found: list[Any] = []
    for part in answer:
        if isinstance(part, TextPart):
            found.append((kinds[part.kind], part.text))
        elif isinstance(part, CallPart):
            found.append(("call", part.name, decode_arguments(part.arguments)))
        else:
            found.append(("image", part.data))
    return found


@given(streamed_answers())
def test_the_output_is_what_the_provider_meant(streamed: StreamedAnswer) -> None:
    response = StreamHarness().read(streamed.blocks).response
    assert contents(response["output"]) == expected_contents(streamed.answer)
    statuses = [item["status"] for item in response["output"]]
    if streamed.finish == "length":
        assert response["status"] == "incomplete"
        last = streamed.answer[-1]
        cut = isinstance(last, TextPart) or (isinstance(last, CallPart) and not last.arguments)
        assert statuses[-1] == ("incomplete" if cut else "completed")
        assert set(statuses[:-1]) <= {"completed"}
    else:
        assert response["status"] == "completed"
        assert set(statuses) == {"completed"}
    if streamed.style.usage != "none":
        assert response["usage"]["total_tokens"] == 18


@given(streamed_answers(), st.data())
def test_any_split_of_the_bytes_gives_the_same_events(streamed: StreamedAnswer, data: st.DataObject) -> None:
    whole = b"".join(streamed.blocks)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=20)))
    split = [whole[start:end] for start, end in pairwise([0, *cuts, len(whole)])]
    assert StreamHarness().read(split).events == StreamHarness().read([whole]).events


@given(streamed_answers(), st.data())
def test_another_split_of_the_deltas_gives_the_same_response(streamed: StreamedAnswer, data: st.DataObject) -> None:
    deltas = data.draw(deltas_of(streamed.answer, streamed.style))
    again = replace(streamed, deltas=deltas)
    assert StreamHarness().read(again.blocks).response == StreamHarness().read(streamed.blocks).response


@given(streamed_answers())
def test_a_whole_completion_gives_the_same_response(streamed: StreamedAnswer) -> None:
    order = [part.kind if isinstance(part, TextPart) else part.__class__.__name__ for part in streamed.answer]
    said_once = [kind for kind in ("reasoning", "text", "refusal") if kind in order]
    if order != [*said_once, *["ImagePart"] * order.count("ImagePart"), *["CallPart"] * order.count("CallPart")]:
        return  # a completion cannot say this
    events = StreamHarness().read(streamed.blocks).response
    whole = StreamHarness().read([completion(streamed)]).response
    assert contents(whole["output"]) == contents(events["output"])
    assert [item["status"] for item in whole["output"]] == [item["status"] for item in events["output"]]
    assert whole["status"] == events["status"]


def completion(streamed: StreamedAnswer) -> bytes:
    message: Object = {"role": "assistant", "content": None, "images": [], "tool_calls": []}
    for part in streamed.answer:
        if isinstance(part, CallPart):
            message["tool_calls"].append({"function": {"name": part.name, "arguments": part.arguments}})
        elif isinstance(part, ImagePart):
            message["images"].append({"image_url": f"data:image/png;base64,{part.data}"})
        else:
            message[{"reasoning": "reasoning_content", "text": "content"}.get(part.kind, part.kind)] = part.text
    return json.dumps({"choices": [{"message": message, "finish_reason": streamed.finish}]}).encode()


untagged = streamed_answers().filter(lambda streamed: streamed.style.reasoning != "tags")
"""Without think tags: half a tag, where the stream was cut, would be text."""


@given(untagged, st.data())
def test_a_cut_anywhere_fails_with_the_beginning_of_the_answer(streamed: StreamedAnswer, data: st.DataObject) -> None:
    whole = b"".join(streamed.blocks)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    response = StreamHarness().read([cut]).response
    if response["status"] == "failed":
        assert response["error"]["code"] == "server_error"
        assert is_beginning(expected_contents(streamed.answer), contents(response["output"]))
    else:
        assert contents(response["output"]) == expected_contents(streamed.answer)  # the finish reason had come


def is_beginning(every: list[Any], some: list[Any]) -> bool:
    """Whether an answer begins with these parts, the last of which may be unfinished."""
    if not some:
        return True
    whole, last = some[:-1], some[-1]
    if whole != every[: len(whole)] or len(whole) >= len(every):
        return False
    there = every[len(whole)]
    if last[0] != "call":
        return there[0] == last[0] and there[1].startswith(last[1])
    return there[:2] == last[:2]


ERRORS = [
    {"error": {"message": "Overloaded", "type": "server_error", "code": 503}},
    {"error": "Internal error"},
    {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}], "error": {"message": "x"}},
    {"object": "error", "message": "Bad", "code": "3051"},
    {"detail": [{"msg": "too long"}]},
]


@given(untagged, st.sampled_from(ERRORS), st.data())
def test_an_error_anywhere_fails(streamed: StreamedAnswer, error: Object, data: st.DataObject) -> None:
    chunks = streamed.chunks
    at = data.draw(st.integers(0, len(chunks)))
    harness = StreamHarness().feed([*chunks[:at], error, *chunks[at:]])
    assert harness.stream.finish(NOW + 1, done=True) == []
    assert harness.response["status"] == "failed"
    assert is_beginning(expected_contents(streamed.answer), contents(harness.output))


@given(untagged, st.booleans(), st.data())
def test_it_can_be_ended_at_any_point(streamed: StreamedAnswer, cancelled: bool, data: st.DataObject) -> None:
    chunks = streamed.chunks
    at = data.draw(st.integers(0, len(chunks)))
    harness = StreamHarness().feed(chunks[:at])
    stream = harness.stream
    harness.emitted += stream.cancel() if cancelled else stream.fail(UpstreamError("It broke."))
    assert stream.is_over
    assert harness.feed(chunks[at:]).response["status"] == ("cancelled" if cancelled else "failed")
    assert stream.finish(NOW + 1, done=True) == stream.cancel() == stream.fail(UpstreamError("Again.")) == []
    assert (stream.error is None) == cancelled
    assert is_beginning(expected_contents(streamed.answer), contents(harness.output))


@given(streamed_answers(), st.data())
def test_in_progress_can_be_repeated_at_any_point(streamed: StreamedAnswer, data: st.DataObject) -> None:
    chunks = streamed.chunks
    at = data.draw(st.integers(0, len(chunks)))
    harness = StreamHarness().feed(chunks[:at])
    harness.emitted += harness.stream.still_running()
    assert contents(harness.feed(chunks[at:]).finish().output) == expected_contents(streamed.answer)


@given(streamed_answers())
def test_sources_become_annotations_of_the_text(streamed: StreamedAnswer) -> None:
    output = StreamHarness().read(streamed.blocks).output
    texts = [part for item in output for part in item.get("content", ()) if "annotations" in part]
    cited = [(part["text"], note) for part in texts for note in part["annotations"]]
    if streamed.style.sources == "places":
        whole = [(text, note["url"]) for text, note in cited if text[note["start_index"] : note["end_index"]] == text]
        assert whole == [(part["text"], url) for part in texts for url in SOURCES]
    elif streamed.style.sources != "none" and texts:
        assert {note["url"] for _, note in cited} == set(SOURCES)
    else:
        assert cited == []


@given(streamed_answers(), st.integers(1, 3), st.integers(1, 30))
def test_limits_fail_the_response(streamed: StreamedAnswer, items: int, size: int) -> None:
    harness = StreamHarness(limits=Limits(output_bytes=size, items=items)).read(streamed.blocks)
    if harness.response["status"] == "failed":
        assert "larger than this adapter's limits" in harness.response["error"]["message"]
    else:
        assert len(harness.output) <= items


@given(streamed_answers())
def test_a_call_is_done_as_soon_as_the_provider_has_moved_on(streamed: StreamedAnswer) -> None:
    """So that a client can start it early. A call without arguments may still get some: later items wait for it."""
    harness = StreamHarness().feed(streamed.chunks)
    done = [event["item"] for event in harness.events if event["type"] == "response.output_item.done"]
    before_last = streamed.answer[:-1]
    plain = takewhile(
        lambda part: not isinstance(part, CallPart) or (part.arguments.count("}") == 1 and part.arguments != "{}"),
        before_last,
    )
    ended = [part for part in plain if isinstance(part, CallPart)]
    calls = [item for item in contents(done) if item[0] == "call"]
    assert calls[: len(ended)] == expected_contents(ended)

"""The laws of the stream machine (DESIGN), over whatever a provider may say in whatever manner.

`check_stream` holds the laws one by one: the order of events, numbers and indexes, deltas that add up to what is done,
items done once, and a terminal response that is what was streamed. Here the provider is made up, and the answer it
meant is known.
"""

import json
from itertools import pairwise, takewhile
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.strategies.streamed_answers import (
    SOURCES,
    Answer,
    Called,
    Drawn,
    Object,
    Said,
    Told,
    deltas_of,
    tellings,
)
from tests.support.stream_harness import NOW, Machine, said, value
from translators.errors import UpstreamError
from translators.to_responses.stream import Limits


def meant(answer: Answer) -> list[Any]:
    kinds = {"reasoning": "summary_text", "text": "output_text", "refusal": "refusal"}
    found: list[Any] = []
    for part in answer:
        if isinstance(part, Said):
            found.append((kinds[part.kind], part.text))
        elif isinstance(part, Called):
            found.append(("call", part.name, value(part.arguments)))
        else:
            found.append(("picture", part.data))
    return found


@given(tellings())
def test_what_was_meant_is_what_is_said(told: Told) -> None:
    response = Machine().read(told.blocks).response
    assert said(response["output"]) == meant(told.answer)
    statuses = [item["status"] for item in response["output"]]
    if told.finish == "length":
        assert response["status"] == "incomplete"
        last = told.answer[-1]
        cut = isinstance(last, Said) or (isinstance(last, Called) and not last.arguments)
        assert statuses[-1] == ("incomplete" if cut else "completed")
        assert set(statuses[:-1]) <= {"completed"}
    else:
        assert response["status"] == "completed"
        assert set(statuses) == {"completed"}
    if told.manner.usage != "none":
        assert response["usage"]["total_tokens"] == 18


@given(tellings(), st.data())
def test_any_split_of_the_bytes_gives_the_same_events(told: Told, data: st.DataObject) -> None:
    whole = b"".join(told.blocks)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=20)))
    split = [whole[start:end] for start, end in pairwise([0, *cuts, len(whole)])]
    assert Machine().read(split).events == Machine().read([whole]).events


@given(tellings(), st.data())
def test_another_split_of_the_deltas_gives_the_same_response(told: Told, data: st.DataObject) -> None:
    again = Told(told.answer, told.manner, told.finish, data.draw(deltas_of(told.answer, told.manner)))
    assert Machine().read(again.blocks).response == Machine().read(told.blocks).response


@given(tellings())
def test_a_whole_completion_gives_the_same_response(told: Told) -> None:
    order = [part.kind if isinstance(part, Said) else part.__class__.__name__ for part in told.answer]
    said_once = [kind for kind in ("reasoning", "text", "refusal") if kind in order]
    if order != [*said_once, *["Drawn"] * order.count("Drawn"), *["Called"] * order.count("Called")]:
        return  # a completion cannot say this
    streamed = Machine().read(told.blocks).response
    whole = Machine().read([completion(told)]).response
    assert said(whole["output"]) == said(streamed["output"])
    assert [item["status"] for item in whole["output"]] == [item["status"] for item in streamed["output"]]
    assert whole["status"] == streamed["status"]


def completion(told: Told) -> bytes:
    message: Object = {"role": "assistant", "content": None, "images": [], "tool_calls": []}
    for part in told.answer:
        if isinstance(part, Called):
            message["tool_calls"].append({"function": {"name": part.name, "arguments": part.arguments}})
        elif isinstance(part, Drawn):
            message["images"].append({"image_url": f"data:image/png;base64,{part.data}"})
        else:
            message[{"reasoning": "reasoning_content", "text": "content"}.get(part.kind, part.kind)] = part.text
    return json.dumps({"choices": [{"message": message, "finish_reason": told.finish}]}).encode()


untagged = tellings().filter(lambda told: told.manner.reasoning != "tags")
"""Answers whose beginnings are beginnings of what was meant: half a tag is text."""


@given(untagged, st.data())
def test_a_cut_anywhere_fails_with_the_beginning_of_what_was_meant(told: Told, data: st.DataObject) -> None:
    whole = b"".join(told.blocks)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    response = Machine().read([cut]).response
    if response["status"] == "failed":
        assert response["error"]["code"] == "server_error"
        assert begins(meant(told.answer), said(response["output"]))
    else:
        assert said(response["output"]) == meant(told.answer)  # the provider had said how it ends


def begins(every: list[Any], some: list[Any]) -> bool:
    """Tell whether some of an answer is its beginning, the last part perhaps unfinished."""
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
def test_an_error_anywhere_fails(told: Told, error: Object, data: st.DataObject) -> None:
    chunks = told.chunks
    at = data.draw(st.integers(0, len(chunks)))
    machine = Machine().feed([*chunks[:at], error, *chunks[at:]])
    assert machine.stream.finish(NOW + 1, done=True) == []
    assert machine.response["status"] == "failed"
    assert begins(meant(told.answer), said(machine.output))


@given(untagged, st.booleans(), st.data())
def test_it_can_be_ended_at_any_point(told: Told, cancelled: bool, data: st.DataObject) -> None:
    chunks = told.chunks
    at = data.draw(st.integers(0, len(chunks)))
    machine = Machine().feed(chunks[:at])
    stream = machine.stream
    machine.left += stream.cancel() if cancelled else stream.fail(UpstreamError("It broke."))
    assert stream.is_over
    assert machine.feed(chunks[at:]).response["status"] == ("cancelled" if cancelled else "failed")
    assert stream.finish(NOW + 1, done=True) == stream.cancel() == stream.fail(UpstreamError("Again.")) == []
    assert (stream.error is None) == cancelled
    assert begins(meant(told.answer), said(machine.output))


@given(tellings(), st.data())
def test_it_can_say_at_any_point_that_it_is_still_running(told: Told, data: st.DataObject) -> None:
    chunks = told.chunks
    at = data.draw(st.integers(0, len(chunks)))
    machine = Machine().feed(chunks[:at])
    machine.left += machine.stream.still_running()
    assert said(machine.feed(chunks[at:]).finish().output) == meant(told.answer)


@given(tellings())
def test_sources_are_told_with_the_text(told: Told) -> None:
    texts = [
        part for item in Machine().read(told.blocks).output for part in item.get("content", ()) if "annotations" in part
    ]
    cited = [(part["text"], note) for part in texts for note in part["annotations"]]
    if told.manner.sources == "places":
        whole = [(text, note["url"]) for text, note in cited if text[note["start_index"] : note["end_index"]] == text]
        assert whole == [(part["text"], url) for part in texts for url in SOURCES]
    elif told.manner.sources != "none" and texts:
        assert {note["url"] for _, note in cited} == set(SOURCES)
    else:
        assert cited == []


@given(tellings(), st.integers(1, 3), st.integers(1, 30))
def test_limits_fail_the_response(told: Told, items: int, size: int) -> None:
    machine = Machine(limits=Limits(output_bytes=size, items=items)).read(told.blocks)
    if machine.response["status"] == "failed":
        assert "larger than this adapter's limits" in machine.response["error"]["message"]
    else:
        assert len(machine.output) <= items


@given(tellings())
def test_a_call_is_done_as_soon_as_the_provider_has_moved_on(told: Told) -> None:
    """A client can start it early. One without arguments may still get some, and holds up those behind it."""
    machine = Machine().feed(told.chunks)
    done = [event["item"] for event in machine.events if event["type"] == "response.output_item.done"]
    plain = takewhile(lambda part: not isinstance(part, Called) or part.arguments.count("}") == 1, told.answer[:-1])
    ended = [part for part in plain if isinstance(part, Called)]
    calls = [item for item in said(done) if item[0] == "call"]
    assert calls[: len(ended)] == meant(ended)

"""The judges judged: a stream that keeps every rule passes all of them, and each broken rule is found.

`good_stream.sse` is the only transcript; a defect is one change to it.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.support.beside import EXAMPLE_STREAMS, OPEN_RESPONSES_DOCUMENT
from tests.support.judges import oracles
from tests.support.judges.grammar import check_stream
from tests.support.judges.sse import parse_sse

STREAM = (Path(__file__).parent / "good_stream.sse").read_bytes()

Events = list[dict[str, Any]]


def test_the_good_stream_passes_every_judge() -> None:
    events = parse_sse(STREAM)
    assert check_stream(events)["status"] == "completed"
    oracles.validate_with_openai(events)
    for event in events:
        oracles.validate_with_openapi(event)


def end_as(events: Events, kind: str, **changes: Any) -> None:
    events[20]["type"] = f"response.{kind}"
    events[20]["response"] |= {"status": kind, "completed_at": None, **changes}


CUT = {"incomplete_details": {"reason": "max_output_tokens"}}
DEFECTS: dict[str, tuple[Callable[[Events], object], str]] = {
    "no created": (lambda e: e.pop(0), "sequence_number is not 0"),
    "created is named otherwise": (lambda e: e[0].update(type="response.in_progress"), "first event is not"),
    "no in_progress": (lambda e: e[1].update(type="response.created"), "comes after created"),
    "no terminal event": (lambda e: e.pop(), "no terminal event"),
    "two terminal events": (lambda e: e.append(e[20] | {"sequence_number": 21}), "after the terminal"),
    "a gap in the numbers": (lambda e: e[5].update(sequence_number=6), "sequence_number is not 5"),
    "an event without a number": (lambda e: e[5].pop("sequence_number"), "lacks 'sequence_number'"),
    "an unknown event": (lambda e: e[10].update(type="response.output_text.more"), "not an event of the"),
    "a bare error event": (lambda e: e.insert(2, {"type": "error", "sequence_number": 2}), "no item is open"),
    "another response": (lambda e: e[20]["response"].update(id="resp_" + "1" * 32), "['id'] differ"),
    "the model changes": (lambda e: e[20]["response"].update(model="n"), "['model'] differ"),
    "a required member is missing": (lambda e: e[0]["response"].pop("top_p"), "lacks ['top_p']"),
    "usage before the end": (lambda e: e[1]["response"].update(usage={}), "usage is set before the end"),
    "completed without usage": (lambda e: e[20]["response"].update(usage=None), "NoneType"),
    "half a usage": (lambda e: e[20]["response"]["usage"].pop("input_tokens_details"), "input_tokens_details"),
    "completed without a time": (lambda e: e[20]["response"].update(completed_at=None), "whole seconds"),
    "completed with an error": (lambda e: e[20]["response"].update(error={"code": "x"}), "with an error"),
    "failed without an error": (lambda e: end_as(e, "failed"), "not subscriptable"),
    "incomplete without a reason": (lambda e: end_as(e, "incomplete"), "not subscriptable"),
    "the status is another": (lambda e: e[20].update(type="response.failed"), "its response is completed"),
    "an output_index is skipped": (lambda e: e[8].update(output_index=2), "output_index is not 1"),
    "an item id is not of its kind": (lambda e: e[8]["item"].update(id="fc_" + "0" * 32), "odd item id"),
    "an item id is taken": (lambda e: e[8]["item"].update(type="reasoning", id=e[2]["item"]["id"], summary=[]),
                            "is taken"),
    "an item begins with text": (lambda e: e[8]["item"].update(content=[e[13]["part"]]), "empty content"),
    "an item begins completed": (lambda e: e[8]["item"].update(status="completed"), "begins in_progress"),
    "an item without status": (lambda e: e[14]["item"].pop("status"), "lacks 'status'"),
    "two items are open": (lambda e: e.insert(9, {**deepcopy(e[15]), "sequence_number": 9}), "another item is"),
    "an item is never done": (lambda e: e.pop(19) and e[19].update(sequence_number=19), "was never done"),
    "an item is done twice": (lambda e: e.insert(8, {**e[7], "sequence_number": 8}), "no item is open"),
    "a delta before its item": (lambda e: e.insert(2, {**e[10], "sequence_number": 2}), "no item is open"),
    "a delta of another item": (lambda e: e[10].update(item_id="msg_" + "9" * 32), "the open item is"),
    "a delta at another output_index": (lambda e: e[10].update(output_index=0), "the open item has"),
    "a delta at another content_index": (lambda e: e[10].update(content_index=1), "content_index is not 0"),
    "a delta without content_index": (lambda e: e[10].pop("content_index"), "lacks 'content_index'"),
    "a delta without logprobs": (lambda e: e[10].pop("logprobs"), "lacks 'logprobs'"),
    "a refusal in a text part": (lambda e: e[10].update(type="response.refusal.delta"), "open part is output_text"),
    "a part without annotations": (lambda e: e[9]["part"].pop("annotations"), "a part begins as"),
    "a summary in a message": (lambda e: e[9].update(part={"type": "summary_text", "text": ""}), "no part of a"),
    "a lost delta": (lambda e: e[11].update(delta=""), "the deltas say 'Let me '"),
    "a part says something else": (lambda e: e[13]["part"].update(text="No."), "its events add up to"),
    "an item says something else": (lambda e: e[14]["item"]["content"][0].update(text="No."), "its events add up to"),
    "the response says something else": (lambda e: e[20]["response"]["output"].pop(), "not the items done"),
    "the items stand in another order": (lambda e: e[20]["response"]["output"].reverse(), "not the items done"),
    "arguments are lost": (lambda e: e[17].update(delta="}"), "the deltas say '{"),
    "the arguments' name is another": (lambda e: e[18].update(name="see"), "another name"),
    "the call_id changes": (lambda e: e[19]["item"].update(call_id="call_2"), "its events add up to"),
    "a call has no name": (lambda e: e[15]["item"].update(name=""), "without a name"),
    "a call has a long call_id": (lambda e: e[15]["item"].update(call_id="c" * 65), "odd call_id"),
    "an incomplete item in a completed response": (
        lambda e: (e[19]["item"].update(status="incomplete"), e[20]["response"].update(
            output=[*e[20]["response"]["output"][:2], e[19]["item"]])), "with incomplete items"),
    "an incomplete item before others": (
        lambda e: (e[14]["item"].update(status="incomplete"), end_as(e, "incomplete", **CUT, output=[
            e[7]["item"], e[14]["item"], e[19]["item"]])), "not the last one"),
    "null in a reasoning item": (lambda e: e[2]["item"].update(encrypted_content=None), "null does not validate"),
}  # fmt: skip


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found(defect: str) -> None:
    break_it, message = DEFECTS[defect]
    events = parse_sse(STREAM)
    break_it(events)
    with pytest.raises(AssertionError) as caught:
        check_stream(events)
    assert message in str(caught.value)


IMAGE = {"type": "image_generation_call", "id": "ig_" + "0" * 31 + "1", "status": "in_progress", "result": None}
DRAWN = IMAGE | {"status": "completed", "result": "QUJD", "output_format": "png"}


def drawn() -> Events:
    """Return a stream of one image."""
    created, in_progress, *_, completed = parse_sse(STREAM)
    stages = [{"type": f"response.image_generation_call.{stage}", "item_id": IMAGE["id"], "output_index": 0}
              for stage in ("in_progress", "generating", "completed")]  # fmt: skip
    events = [
        created, in_progress, {"type": "response.output_item.added", "output_index": 0, "item": deepcopy(IMAGE)},
        *stages, {"type": "response.output_item.done", "output_index": 0, "item": deepcopy(DRAWN)},
        completed | {"response": completed["response"] | {"output": [DRAWN]}},
    ]  # fmt: skip
    return numbered(events)


def cited() -> Events:
    """Return the good stream with a source in its text."""
    events = parse_sse(STREAM)
    annotation = {"type": "url_citation", "start_index": 0, "end_index": 3, "url": "https://a.example/", "title": "A"}
    at = {name: events[12][name] for name in ("item_id", "output_index", "content_index")}
    added = {"type": "response.output_text.annotation.added", **at, "annotation_index": 0, "annotation": annotation}
    events[13]["part"]["annotations"] = [annotation]
    events[14]["item"]["content"][0]["annotations"] = [annotation]
    events[20]["response"]["output"][1]["content"][0]["annotations"] = [annotation]
    return numbered([*events[:12], added, *events[12:]])


def numbered(events: Events) -> Events:
    return [event | {"sequence_number": number} for number, event in enumerate(events)]


@pytest.mark.parametrize("stream", [drawn, cited])
def test_a_stream_with_an_image_or_a_source_passes_every_judge(stream: Callable[[], Events]) -> None:
    assert check_stream(stream())["status"] == "completed"
    oracles.validate_with_openai(stream())


def without(events: Events, position: int) -> None:
    del events[position]
    events[:] = numbered(events)


MORE_DEFECTS: dict[str, tuple[Callable[[], Events], Callable[[Events], object], str]] = {
    "an image without a stage": (drawn, lambda e: without(e, 4), "comes after ['in_progress']"),
    "an image that is not completed": (drawn, lambda e: without(e, 5), "its stages are"),
    "an image begins with its end": (drawn, lambda e: e[2]["item"].update(result="QUJD"), "an image that is done"),
    "an image ends without one": (drawn, lambda e: e[6]["item"].update(result=None), "an image that is done"),
    "a stage of a message": (cited, lambda e: e[10].update(type=drawn()[3]["type"]), "is no image"),
    "an annotation is skipped": (cited, lambda e: e[12].update(annotation_index=1), "not 0"),
    "an annotation is lost": (cited, lambda e: e[14]["part"].update(annotations=[]), "its events add up to"),
    "an annotation outside of the text": (cited, lambda e: e[12]["annotation"].update(end_index=99), "outside of it"),
    "an annotation behind the text": (cited, lambda e: e.__setitem__(slice(12, 14), [
        e[13] | {"sequence_number": 12}, e[12] | {"sequence_number": 13}]), "the text was done"),
}  # fmt: skip


@pytest.mark.parametrize("defect", MORE_DEFECTS)
def test_a_defect_of_an_image_or_a_source_is_found(defect: str) -> None:
    stream, break_it, message = MORE_DEFECTS[defect]
    events = stream()
    break_it(events)
    with pytest.raises(AssertionError) as caught:
        check_stream(events)
    assert message in str(caught.value)


def test_a_stream_that_was_cut_short_is_a_stream() -> None:
    events = parse_sse(STREAM)
    cut = events[19]["item"] | {"status": "incomplete"}
    events[19]["item"] = cut
    end_as(events, "incomplete", **CUT, output=[events[7]["item"], events[14]["item"], cut])
    assert check_stream(events)["status"] == "incomplete"


BROKEN_BYTES = {
    "carriage returns": (STREAM.replace(b"\n", b"\r\n"), "end in"),
    "no [DONE]": (STREAM.removesuffix(b"data: [DONE]\n\n"), "end in"),
    "something behind [DONE]": (STREAM + b": bye\n\n", "end in"),
    "two data lines": (STREAM.replace(b'"delta":"Hm."', b'"delta":\ndata: "Hm."'), "two lines"),
    "no event line": (STREAM.replace(b"event: response.created\n", b""), "two lines"),
    "no space": (STREAM.replace(b"data: {", b"data:{", 1), "followed by its data"),
    "an id line": (STREAM.replace(b"event: response.created\n", b"event: response.created\nid: 0\n"), "two lines"),
    "another event": (STREAM.replace(b"event: response.created", b"event: response.done"), "carries the type"),
    "a key twice": (STREAM.replace(b'"delta":"Hm."', b'"delta":"","delta":"Hm."'), "stands twice"),
    "NaN": (STREAM.replace(b'"top_p":1.0', b'"top_p":NaN'), "NaN is not JSON"),
}


@pytest.mark.parametrize("defect", BROKEN_BYTES)
def test_bytes_that_break_the_framing_are_found(defect: str) -> None:
    stream, message = BROKEN_BYTES[defect]
    with pytest.raises(AssertionError, match=message.replace("[", "\\[")):
        parse_sse(stream)


JUDGED_BY_OTHERS: dict[str, Callable[[Events], object]] = {
    "the client wants created first": lambda e: e.pop(0),
    "the client wants the same item": lambda e: e[14]["item"].update(id="msg_" + "9" * 32),
    "its types want an output_index": lambda e: e[10].pop("output_index"),
    "its types want text as a string": lambda e: e[12].update(text=1),
}


@pytest.mark.parametrize("defect", JUDGED_BY_OTHERS)
def test_the_openai_package_finds_a_defect(defect: str) -> None:
    events = parse_sse(STREAM)
    JUDGED_BY_OTHERS[defect](events)
    with pytest.raises((AssertionError, RuntimeError)):
        oracles.validate_with_openai(events)


document = pytest.mark.skipif(not OPEN_RESPONSES_DOCUMENT.exists(), reason=f"{OPEN_RESPONSES_DOCUMENT} is not here")


@document
def test_the_document_finds_a_defect() -> None:
    events = parse_sse(STREAM)
    events[20]["response"]["temperature"] = None
    with pytest.raises(AssertionError, match="temperature"):
        oracles.validate_with_openapi(events[20])


@document
@pytest.mark.parametrize(
    "name", ["text", "refusal", "function_call", "reasoning_text", "incomplete", "failed", "annotations_logprobs"]
)
def test_the_reference_streams_pass(name: str) -> None:
    events = json.loads(EXAMPLE_STREAMS.read_text())[name]
    check_stream(events)
    oracles.validate_with_openai(events)
    for event in events:
        oracles.validate_with_openapi(event)

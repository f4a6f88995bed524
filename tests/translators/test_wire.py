"""The golden cases of tests/wire: what they say is what the code does, whatever pieces the answer arrives in."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.support.judges import oracles
from tests.support.judges.grammar import check_stream
from tests.support.judges.response import check_response
from tests.support.judges.sse import parse_sse
from tests.wire.case import Case, plain
from translators.wire import decode

EVERY = Case.all()
ANSWERED = [case for case in EVERY if case.answer is not None]
STREAMED = [case for case in ANSWERED if case.request.stream]

Object = dict[str, Any]


def cases(every: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", every, ids=lambda case: case.name)


@cases(EVERY)
def test_the_chat_request(case: Case) -> None:
    body, notes = case.translate()
    assert json.dumps(decode(body.json)) == json.dumps(case.expected("chat_request.json"))  # in this order, too
    if case.answer is None:
        assert plain(list(notes)) == (case.expected("notes.json") or [])


@cases(ANSWERED)
def test_the_response(case: Case) -> None:
    played = case.play()
    assert played.response == case.expected("response.json")
    assert plain(list(played.notes)) == (case.expected("notes.json") or [])
    if case.request.stream:
        assert played.sse == case.read("events.sse")


@cases(ANSWERED)
def test_the_pieces_do_not_matter(case: Case) -> None:
    whole = case.play()
    for pieces in (byte_by_byte(case), *random_splits(case, 5)):
        played = case.play(pieces)
        assert played.sse == whole.sse
        assert plain(list(played.notes)) == plain(list(whole.notes))


def byte_by_byte(case: Case) -> list[bytes]:
    answer = case.answer or b""
    return [answer[at : at + 1] for at in range(len(answer))]


def random_splits(case: Case, count: int) -> Iterator[list[bytes]]:
    answer = case.answer or b""
    random = Random(case.name)
    for _ in range(count):
        cuts = sorted(random.choices(range(len(answer) + 1), k=random.randint(1, 12)))
        yield [answer[start:end] for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True)]


@cases(STREAMED)
def test_the_stream_passes_every_judge(case: Case) -> None:
    events = parse_sse(case.read("events.sse"))
    assert check_stream(events) == case.expected("response.json")
    events = [as_the_types_know_it(event) for event in events]
    oracles.validate_with_openai(events)
    for event in events:
        oracles.validate_with_openapi(event)


def as_the_types_know_it(event: Object) -> Object:
    """Allow for an error code that Codex acts on and no type has. Source: Codex CLI 0.169."""
    error = event.get("response", {}).get("error")
    if error and error["code"] == "context_length_exceeded":
        return event | {"response": event["response"] | {"error": error | {"code": "server_error"}}}
    return event


@cases([case for case in ANSWERED if not case.request.stream])
def test_the_unstreamed_response_passes_every_judge(case: Case) -> None:
    response = case.expected("response.json")
    check_response(response)
    oracles.validate_response_with_openai(response)
    oracles.validate_with_openapi(response)


def completion_of(case: Case) -> bytes | None:
    """Return the whole completion that says what a case's stream says; None where none can.

    It can say one piece of thinking, then one text, then one refusal, then images, then calls.
    """
    response = case.expected("response.json")
    message: Object = {"role": "assistant", "content": None, "annotations": [], "images": [], "tool_calls": []}
    choice: Object = {"index": 0, "message": message, "finish_reason": FINISH.get(ending(response))}
    order: list[str] = []
    for item in response["output"]:
        if item["type"] == "function_call":
            name = case.translate()[0].names.flatten(item["name"], item.get("namespace"))
            message["tool_calls"].append(
                {"id": item["call_id"], "function": {"name": name, "arguments": item["arguments"]}}
            )
        elif item["type"] == "image_generation_call":
            order.append("image")
            url = f"data:image/{item['output_format']};base64,{item['result']}"
            message["images"].append({"type": "image_url", "image_url": {"url": url}})
        elif item["type"] not in ("message", "reasoning"):
            return None
        for part in [*item.get("summary", ()), *item.get("content", ())]:
            order.append(part["type"])
            message[MEMBER[part["type"]]] = part.get("text") or part.get("refusal")
            if part["type"] == "output_text":
                choice["logprobs"] = {"content": part["logprobs"]}
                message["annotations"] = [{"type": "url_citation", "url_citation": one} for one in part["annotations"]]
                order += ["too late"] * bool(message["tool_calls"])
    kinds = [kind for kind in [*MEMBER, *["image"] * len(message["images"])] if kind in order]
    can_be_said = choice["finish_reason"] and order == kinds
    return json.dumps({"choices": [choice]}).encode() if can_be_said else None


MEMBER = {"summary_text": "reasoning_content", "output_text": "content", "refusal": "refusal"}
FINISH = {"completed": "stop", "max_output_tokens": "length", "content_filter": "content_filter"}


def ending(response: Object) -> str:
    return response["incomplete_details"]["reason"] if response["incomplete_details"] else response["status"]


COMPLETIONS = {case.name: completion for case in STREAMED if (completion := completion_of(case))}


def test_most_streams_can_be_said_as_a_completion() -> None:
    assert len(COMPLETIONS) > len(STREAMED) / 2


@cases([case for case in STREAMED if case.name in COMPLETIONS])
def test_a_completion_of_the_same_content_gives_the_same_response(case: Case) -> None:
    whole = case.play([COMPLETIONS[case.name]]).response
    assert without_ids(whole) == without_ids(case.expected("response.json"))


def without_ids(response: Object) -> Object:
    """Return a response without what two answers of the same content may differ in."""
    return response | {"usage": None, "output": [item | {"id": None} for item in response["output"]]}


def test_a_case_has_no_file_that_nothing_checks() -> None:
    known = {"request.json", "chat_request.json", "chunks.sse", "completion.json", "events.sse", "response.json"}
    for case in EVERY:
        names = {path.name for path in case.directory.iterdir() if path.is_file()}
        assert names <= known | {"notes.json"}, case.name
        assert ("events.sse" in names) == (case in STREAMED), case.name

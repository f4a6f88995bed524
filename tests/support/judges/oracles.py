"""Others' judgement of what the adapter sends: the openai package, and the Open Responses document.

The openai package judges twice: its types take each event, and its own client accumulates the stream, fed with the very
bytes. The document is stricter about what must be present; it is not part of the project, so where it is absent its
judgement is left out. It is not used for events, items and tools that only OpenAI has. Its known defects are allowed
for: it has other names for raw reasoning, and wants a schema's echo to be null.
"""

import json
from functools import cache
from typing import Annotated, Any, get_args, get_origin

import httpx2
import openai
from jsonschema import Draft202012Validator
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, ValidationError

from tests.support.beside import OPEN_RESPONSES_DOCUMENT
from tests.support.judges.sse import as_sse

IN_THE_DOCUMENT = frozenset({"message", "reasoning", "function_call", "function", "allowed_tools"})
"""The types of items, tools and tool choices that the document knows."""


def validate_with_openai(events: list[dict[str, Any]]) -> None:
    """Raise AssertionError unless the package's types take each event and its client the whole stream."""
    for event in events:
        kind = _event_types().get(event["type"])
        assert kind is not None, f"the openai package has no event {event['type']!r}"
        _validate(kind, event)
    final = accumulate_with_openai(as_sse(events))
    last = events[-1]
    assert (final is not None) == (last["type"] == "response.completed"), "completed, but not for the client"
    if final is not None:
        _same_output(final, last["response"])


def validate_response_with_openai(response: dict[str, Any]) -> None:
    """Raise AssertionError unless the openai package's type takes an unstreamed response."""
    _validate(Response, response)


def _validate(kind: type[BaseModel], value: dict[str, Any]) -> None:
    try:
        kind.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise AssertionError(f"{kind.__name__} of the openai package: {error}") from error


@cache
def _event_types() -> dict[str, type[BaseModel]]:
    return {get_args(kind.model_fields["type"].annotation)[0]: kind for kind in _members(ResponseStreamEvent)}


def _members(union: Any) -> tuple[Any, ...]:
    """Return the classes of a union, which the package may wrap in Annotated."""
    return _members(get_args(union)[0]) if get_origin(union) is Annotated else get_args(union)


def accumulate_with_openai(stream: bytes) -> Response | None:
    """Return what the openai client's stream manager makes of a stream; None when it was not completed."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    transport = httpx2.MockTransport(answer)
    with (
        httpx2.Client(transport=transport) as http,
        openai.OpenAI(api_key="sk", base_url="http://adapter/v1", http_client=http) as client,
        client.responses.stream(model="m", input="Hi") as manager,
    ):
        last = [event.type for event in manager][-1]
        return manager.get_final_response() if last == "response.completed" else None


def _same_output(final: Response, response: dict[str, Any]) -> None:
    """Compare text and calls: the client adds members of its own to the items."""
    accumulated = [item.model_dump() for item in final.output]
    assert _text_and_calls(accumulated) == _text_and_calls(response["output"]), "the client accumulated something else"


def _text_and_calls(output: list[dict[str, Any]]) -> list[Any]:
    found: list[Any] = []
    for item in output:
        if item["type"] == "message":
            found += [part.get("text") or part.get("refusal") for part in item["content"]]
        elif item["type"] == "function_call":
            found.append((item["id"], item["call_id"], item["name"], item["arguments"]))
    return found


def validate_with_openapi(value: dict[str, Any]) -> None:
    """Raise AssertionError unless the document allows an event or a Response; no judgement without it."""
    if not OPEN_RESPONSES_DOCUMENT.exists():
        return
    validator = _validators().get(value.get("type") or "response")
    if validator is None or ("item" in value and value["item"]["type"] not in IN_THE_DOCUMENT):
        return
    value = _without_file_citations(value)
    if value.get("annotation", {}) is None:
        return
    value = _allowing_for_defects(_as_far_as_the_document_goes(value))
    errors = sorted(validator.iter_errors(value), key=lambda error: len(error.absolute_path), reverse=True)
    problems = [f"{error.json_path}: {error.message}" for error in errors]
    assert not problems, f"the Open Responses document refuses {value.get('type', 'the response')}: {problems}"


def validate_compaction_with_openapi(value: dict[str, Any]) -> None:
    """Raise AssertionError unless the document allows what `/v1/responses/compact` answered."""
    if OPEN_RESPONSES_DOCUMENT.exists():
        validator = _validator(json.loads(OPEN_RESPONSES_DOCUMENT.read_text()), "CompactResource")
        problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
        assert not problems, f"the Open Responses document refuses the compaction: {problems}"


@cache
def _validators() -> dict[str, Draft202012Validator]:
    document = json.loads(OPEN_RESPONSES_DOCUMENT.read_text())
    found = {"response": _validator(document, "ResponseResource")}
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("StreamingEvent"):
            found[schema["properties"]["type"]["enum"][0]] = _validator(document, name)
    return found


def _validator(document: dict[str, Any], name: str) -> Draft202012Validator:
    return Draft202012Validator(_resolve_references(document["components"]["schemas"][name], document))


def _resolve_references(schema: Any, document: dict[str, Any]) -> Any:
    """Return a schema with each `$ref` replaced by what it names: validation then takes half the time."""
    if isinstance(schema, list):
        return [_resolve_references(entry, document) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    name = schema.get("$ref")
    if isinstance(name, str):
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        target = document["components"]["schemas"][name.removeprefix("#/components/schemas/")]
        return _resolve_references(target | rest, document)
    return {key: _resolve_references(value, document) for key, value in schema.items()}


def _without_file_citations(value: Any) -> Any:
    """Leave out the annotations that only OpenAI's API has; one that is the value itself becomes None."""
    if isinstance(value, list):
        return [_without_file_citations(entry) for entry in value if not _is_file_citation(entry)]
    if isinstance(value, dict):
        return {
            name: None if _is_file_citation(entry) else _without_file_citations(entry) for name, entry in value.items()
        }
    return value


def _is_file_citation(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "file_citation"


def _as_far_as_the_document_goes(value: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a response the items, tools and tool choice that only OpenAI's API has."""
    if "response" in value:
        return value | {"response": _as_far_as_the_document_goes(value["response"])}
    known: dict[str, Any] = {
        member: [entry for entry in value[member] if entry["type"] in IN_THE_DOCUMENT]
        for member in ("output", "tools") if member in value
    }  # fmt: skip
    choice = value.get("tool_choice")
    if isinstance(choice, dict) and choice["type"] not in IN_THE_DOCUMENT:
        known["tool_choice"] = "auto"
    return value | known


def _allowing_for_defects(value: dict[str, Any]) -> dict[str, Any]:
    if value.get("type", "").startswith("response.reasoning_text."):
        return value | {"type": value["type"].replace("reasoning_text", "reasoning")}
    if "response" in value:
        return value | {"response": _allowing_for_defects(value["response"])}
    text = value.get("text")
    if isinstance(text, dict) and text.get("format", {}).get("schema") is not None:
        return value | {"text": text | {"format": text["format"] | {"schema": None}}}
    return value

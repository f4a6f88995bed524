"""Refusals of real providers: which of them teach, and what. Wordings: providers reference §1, §4."""

import json
from typing import Any

import pytest

from translators.amendments import amended
from translators.dialect import Dialect
from translators.errors import UpstreamError
from translators.upstream_errors import from_http

SCHEMA = {"response_format": {"type": "json_schema", "json_schema": {}}}
OBJECT = {"response_format": {"type": "json_object"}}
NAMED = {"tool_choice": {"type": "function", "function": {"name": "f"}}}
REQUIRED = {"tool_choice": "required"}


def refusal(error: Any, status: int = 400) -> UpstreamError:
    return from_http(status, {}, json.dumps({"error": error}).encode(), own_key=True)


def taught(sent: dict[str, Any], error: UpstreamError) -> set[str] | None:
    """Return what the dialect has lost, None if nothing was learned."""
    before = Dialect()
    after = amended(before, error, json.dumps({"model": "m", **sent}).encode())
    if after is None:
        return None
    return {*(before.formats - after.formats), *(before.tool_choices - after.tool_choices)}


LESSONS: list[tuple[dict[str, Any], Any, int, set[str]]] = [
    (SCHEMA, {"message": "This response_format type is unavailable now"}, 400, {"json_schema"}),
    (SCHEMA, {"message": "This model does not support response format `json_schema`"}, 400, {"json_schema"}),
    (SCHEMA, {"message": "Extra inputs are not permitted", "param": "response_format.json_schema"}, 422,
     {"json_schema"}),
    (OBJECT, "'response_format.type' must be 'json_schema' or 'text'", 400, {"json_object"}),
    (REQUIRED, {"message": "Thinking mode does not support this tool_choice"}, 400, {"required"}),
    (NAMED, "Invalid tool_choice type: 'object'. Supported string values: none, auto, required", 400, {"named"}),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "error", "status", "lost"), LESSONS)
def test_lessons(sent: dict[str, Any], error: Any, status: int, lost: set[str]) -> None:
    assert taught(sent, refusal(error, status)) == lost


NO_LESSONS: list[tuple[dict[str, Any], UpstreamError]] = [
    ({}, refusal("This response_format type is unavailable now")),
    (REQUIRED, refusal("This response_format type is unavailable now")),
    (SCHEMA, refusal("Invalid schema for response_format 'n': 'oneOf' is not permitted.")),
    (SCHEMA, refusal("The provided JSON schema contains features not supported by xgrammar.")),
    (SCHEMA, refusal({"message": "Failed to generate JSON.", "code": "json_validate_failed"})),
    (SCHEMA, refusal("The content is not allowed.")),
    (SCHEMA, refusal("response_format is not supported", 500)),
    (SCHEMA, refusal("response_format is not supported", 429)),
]


@pytest.mark.parametrize(("sent", "error"), NO_LESSONS)
def test_what_teaches_nothing(sent: dict[str, Any], error: UpstreamError) -> None:
    assert taught(sent, error) is None


def test_the_same_is_not_learned_twice() -> None:
    poor = Dialect(formats=frozenset(), tool_choices=frozenset())
    assert amended(poor, refusal("response_format is not supported"), json.dumps(SCHEMA).encode()) is None

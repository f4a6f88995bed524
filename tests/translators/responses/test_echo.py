"""The first snapshot: what the client set, and the API's defaults for what it left out."""

import json
from typing import Any

import pytest

from adapter.api.request.schemas import parse_create
from tests.support.judges import oracles
from tests.support.judges.response import check_response
from tests.wire.case import plain
from translators.responses.echo import first_snapshot

DEFAULTS = {
    "status": "in_progress", "background": False, "completed_at": None, "error": None, "incomplete_details": None,
    "instructions": None, "max_output_tokens": None, "max_tool_calls": None, "metadata": {}, "output": [],
    "parallel_tool_calls": True, "previous_response_id": None, "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None}, "safety_identifier": None, "service_tier": "auto", "store": True,
    "temperature": 1.0, "top_p": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0, "top_logprobs": 0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"}, "tool_choice": "auto", "tools": [],
    "truncation": "disabled", "usage": None, "user": None,
}  # fmt: skip

SCHEMA = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}
FUNCTION = {"type": "function", "name": "f"}

SET: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(({name: value}, {name: value}) for name, value in [
        ("instructions", "x"), ("max_output_tokens", 99), ("max_tool_calls", 3), ("metadata", {"a": "b"}),
        ("parallel_tool_calls", False), ("prompt_cache_key", "k"), ("prompt_cache_retention", "24h"),
        ("safety_identifier", "s"), ("service_tier", "flex"), ("store", False), ("temperature", 0.0), ("top_p", 0.5),
        ("presence_penalty", -1.0), ("frequency_penalty", 2.0), ("top_logprobs", 5), ("truncation", "auto"),
        ("user", "u"), ("previous_response_id", "resp_1"),
    ]),
    ({"reasoning": {"effort": "high", "summary": "auto"}}, {"reasoning": {"effort": "high", "summary": "auto"}}),
    ({"reasoning": {"generate_summary": "concise"}}, {"reasoning": {"effort": None, "summary": "concise"}}),
    ({"reasoning": {"context": "auto", "mode": "standard"}},
     {"reasoning": {"effort": None, "summary": None, "context": "auto", "mode": "standard"}}),
    ({"prompt_cache_options": {"prewarm": False}}, {"prompt_cache_options": {"mode": "implicit", "ttl": "30m"}}),
    ({"prompt_cache_options": {"mode": "explicit", "ttl": "12h", "comparison_response_id": "resp_1"}},
     {"prompt_cache_options": {"mode": "explicit", "ttl": "12h", "comparison_response_id": "resp_1"},
      "prompt_cache_diagnostics": {"type": "unavailable"}}),
    ({"image": {"context_compression": "auto"}}, {"image": {"context_compression": "disabled"}}),
    ({"access_programs": {"cyber": "standard"}}, {"access_programs": {"cyber": "standard"}}),
    ({"text": {"verbosity": "low"}}, {"text": {"format": {"type": "text"}, "verbosity": "low"}}),
    ({"text": {"format": SCHEMA}},
     {"text": {"format": {**SCHEMA, "description": None, "strict": False}, "verbosity": "medium"}}),
    ({"tools": [FUNCTION]}, {"tools": [{**FUNCTION, "description": None, "parameters": None, "strict": None}]}),
    ({"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "f"}},
     {"tool_choice": {"type": "function", "name": "f"}}),
]  # fmt: skip


def snapshot(**members: Any) -> dict[str, Any]:
    request = parse_create(json.dumps({"model": "m", "input": "Hi", **members}).encode(), max_items=10)
    shown: dict[str, Any] = plain(first_snapshot(request, "resp_" + "0" * 32, 1_795_360_000))
    return shown


def test_defaults() -> None:
    shown = snapshot()
    assert {name: shown[name] for name in DEFAULTS} == DEFAULTS
    assert (shown["model"], shown["created_at"], shown["object"]) == ("m", 1_795_360_000, "response")


def test_what_is_absent_when_unused() -> None:
    unused = {"prompt", "prompt_cache_options", "prompt_cache_diagnostics", "image", "access_programs", "conversation"}
    assert not snapshot().keys() & unused


@pytest.mark.parametrize(("members", "expected"), SET)
def test_what_was_set_is_shown(members: dict[str, Any], expected: dict[str, Any]) -> None:
    shown = snapshot(**members)
    assert {name: shown[name] for name in expected} == expected
    check_response(shown)
    oracles.validate_response_with_openai(shown)

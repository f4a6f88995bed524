"""What a lesson changes: the request that was refused goes out in another form, with a note of what was lost.

Each case is a refusal and what the client gets to know; the next request must have nothing left of what was refused.
"""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from adapter.api.request.schemas import parse_create
from tests.translators.dialects.test_amendments import refusal
from translators.dialects.amendments import RULES, lessons_of, with_lessons
from translators.dialects.dialect import Dialect
from translators.dialects.rejections import read_rejection
from translators.notes import Notes
from translators.to_chat.history import History
from translators.to_chat.request import chat_request
from translators.wire import decode

EVERY = Dialect(
    name="every", token_limit="max_completion_tokens", developer_role=True, system_anywhere=True, refusal_field=True,
    file_parts=True, original_detail=True, strict_tools=True, parallel_tool_calls=True, web_search=True,
    extras=frozenset({"user", "safety_identifier", "prompt_cache_key", "prompt_cache_options",
                      "prompt_cache_retention", "verbosity"}),
    service_tiers=frozenset({"flex"}), some_reasoning={"thinking": {"type": "enabled"}},
)  # fmt: skip
"""Takes everything."""
PDF = "data:application/pdf;base64,AA=="
LOOK = {"type": "function", "name": "look", "strict": True,
        "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}  # fmt: skip
REQUEST: dict[str, Any] = {
    "model": "m", "stream": True, "instructions": "Be kind.", "max_output_tokens": 99, "temperature": 0.5,
    "top_p": 0.5, "presence_penalty": 1, "frequency_penalty": 1, "top_logprobs": 2, "service_tier": "flex",
    "user": "u", "safety_identifier": "s", "prompt_cache_key": "k", "prompt_cache_retention": "24h",
    "prompt_cache_options": {"mode": "explicit"}, "reasoning": {"effort": "minimal"},
    "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
    "tools": [LOOK, {"type": "web_search"}], "tool_choice": "required", "parallel_tool_calls": False,
    "input": [
        {"role": "user", "content": [
            {"type": "input_text", "text": "Hi"},
            {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "original"},
        ]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm"}]},
        {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": [
            {"type": "input_text", "text": "Here"}, {"type": "input_image", "image_url": "https://example.com/b.png"},
        ]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Go on."},
        {"role": "user", "content": "Please."},
    ],
}  # fmt: skip
A_TOOL = {"tools": [{"type": "function", "name": "look", "strict": False, "parameters": {
    "$defs": {"A": {"type": "string"}},
    "properties": {
        "a": {"$ref": "#/$defs/A", "type": "string"}, "b": {"type": ["string", "null"]}, "c": {"enum": [60, 1440]},
        "d": {"type": "array"}, "e": {"type": "string", "anyOf": [{"minLength": 1}, {"pattern": "a"}]},
    },
    "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
}}]}  # fmt: skip
PLAIN = {"role": "user", "content": "Hi"}
CALLS = [PLAIN, *REQUEST["input"][2:3], {**REQUEST["input"][3], "output": "1"}]
NAMED = {"tool_choice": {"type": "function", "name": "look"}}
SYSTEM = replace(EVERY, developer_role=False)
SWITCHED = replace(EVERY, some_reasoning={})
Lost = tuple[str, str] | None

CASES: list[tuple[str, Any, Dialect, dict[str, Any], Lost]] = [
    ("token_limit", "max_completion_tokens is not supported", EVERY, {}, None),
    ("token_limit", "max_completion_tokens is not supported",
     with_lessons(replace(EVERY, token_limit="max_tokens"), ["token_limit=max_completion_tokens"]), {},
     ("max_output_tokens", "dropped")),
    ("stream_options", "Unknown parameter: 'stream_options'", EVERY, {}, None),
    ("stream", "'stream' is not supported", EVERY, {}, ("stream", "approximated")),
    ("stream_only", "This model only supports stream mode", EVERY, {"stream": False}, None),
    ("developer_role", "role 'developer' is not supported", EVERY, {}, None),
    ("system_place", "System message must be at the beginning", EVERY, {}, ("input[5]", "approximated")),
    ("system_role", "System role not supported", SYSTEM, {"input": "Hi"}, ("instructions", "approximated")),
    ("alternating", "Conversation roles must alternate user/assistant", SYSTEM, {}, ("input", "approximated")),
    ("user_first", "A conversation must start with a user message.", EVERY, {"input": [*CALLS[1:], PLAIN]},
     ("input", "approximated")),
    ("user_after_tool", "Unexpected role 'user' after role 'tool'", EVERY, {"input": [*CALLS, PLAIN]},
     ("input", "approximated")),
    ("assistant_last", "This model does not support assistant message prefill. The conversation must end with a user "
     "message.", EVERY, {"input": [PLAIN, {"role": "assistant", "content": "Well"}]}, ("input", "approximated")),
    ("user_needed", "No user query found in messages.", SYSTEM, {"input": [{"role": "developer", "content": "Go"}]},
     ("instructions", "approximated")),
    ("reasoning_required", "reasoning_content is missing in assistant tool call message", EVERY, {"input": CALLS},
     None),
    ("reasoning_required", "Missing `reasoning_content` field in the assistant message at message index 1", EVERY,
     {"input": [PLAIN, {"role": "assistant", "content": "Hello"}, PLAIN]}, None),
    ("reasoning_field", "property 'reasoning_content' is unsupported", EVERY, {}, None),
    ("reasoning_field", "Unknown field: 'reasoning'", replace(EVERY, reasoning_field="reasoning"), {}, None),
    ("reasoning_field", "messages.1.content: thinking is not supported", replace(EVERY, reasoning_field="thinking"),
     {}, None),
    ("refusal", "Unknown name 'refusal'", EVERY, {}, None),
    ("null_content", "messages[1].content: invalid type: null, expected a string", EVERY, {"input": CALLS}, None),
    ("blank_content", "chat content is empty", EVERY, {"input": CALLS}, None),
    ("original_detail", {"message": "Invalid value: 'original'. Supported values are: 'low' and 'high'.",
                         "param": "messages[0].content[0].image_url.detail"}, EVERY, {},
     ("input[0].content[1].detail", "approximated")),
    ("image", "unknown variant `image_url`, expected `text`", EVERY, {"input": [PLAIN, *REQUEST["input"][2:4]]},
     ("input[2].output", "dropped")),
    ("short_call_ids", "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.", EVERY, {}, None),
    ("signed_calls", "Function call is missing a thought_signature in functionCall parts.", EVERY, {"input": CALLS},
     ("input", "approximated")),
    ("calls_need_tools", "Bedrock doesn't support tool calling without `tools=` param specified.", EVERY,
     {"input": CALLS, "tools": [], "tool_choice": "auto"}, ("tools", "approximated")),
    ("tool_message_name", "contents[2].parts[0].function_response.name: Name cannot be empty.", EVERY,
     {"input": CALLS}, None),
    ("strict", "tools[0].function.strict is not permitted", EVERY, {}, ("tools.strict", "dropped")),
    ("lone_refs", "type beside $ref is not allowed: set alongside it. $ref set alongside type", EVERY, A_TOOL, None),
    ("no_refs", "$ref is not supported", EVERY, A_TOOL, None),
    ("typed_unions", "when using anyOf, type should be defined in anyOf items", EVERY, A_TOOL, None),
    ("one_type", "Proto field is not repeating, cannot start list.", EVERY, A_TOOL, None),
    ("string_enums", "enum[0]' (TYPE_STRING), 60", EVERY, A_TOOL, ("tools", "approximated")),
    ("typed_arrays", "array schema missing items", EVERY, A_TOOL, None),
    ("whole_objects", "parameters.properties: should be non-empty for OBJECT type", EVERY, {}, None),
    ("listed_properties", "In context=(), object schema missing properties.", EVERY, {}, None),
    ("object_root", "input_schema does not support oneOf, allOf, or anyOf at the top level", EVERY, A_TOOL,
     ("tools", "approximated")),
    ("keyword", "Unknown name 'additionalProperties' in the parameters of a tool", EVERY, {}, ("tools", "dropped")),
    ("parallel_tool_calls", "Unknown parameter: 'parallel_tool_calls'", EVERY, {}, None),
    ("thinking_tool_choice", "Thinking mode does not support this tool_choice", EVERY, {},
     ("tool_choice", "approximated")),
    ("any_tool_choice", {"message": "Input should be 'auto' or 'any'", "param": "tool_choice"}, EVERY, {}, None),
    ("tool_choice", "Invalid tool_choice type: 'object'", EVERY, NAMED, ("tool_choice", "approximated")),
    ("tool_choice", "tool_choice is not supported", EVERY, {}, ("tool_choice", "approximated")),
    ("web_search", "Unknown parameter: 'web_search_options'", EVERY, {}, ("tools", "dropped")),
    ("response_format", "response_format json_schema is not supported", EVERY, {}, ("text.format", "approximated")),
    ("response_format", "response_format json_object is not supported", EVERY,
     {"text": {"format": {"type": "json_object"}}}, ("text.format", "approximated")),
    ("logprobs", "logprobs is not supported", EVERY, {}, ("top_logprobs", "dropped")),
    ("effort_with_tools", "Function tools with reasoning_effort are not supported", EVERY, {},
     ("reasoning.effort", "approximated")),
    ("reasoning_effort", "reasoning_effort 'minimal' is unknown. Supported values are: 'low' and 'high'", EVERY, {},
     ("reasoning.effort", "approximated")),
    ("reasoning_effort", "Unknown parameter: reasoning_effort", SWITCHED, {}, ("reasoning.effort", "dropped")),
    ("reasoning_effort", "Unknown parameter: 'reasoning'", replace(SWITCHED, effort_form="reasoning"), {},
     ("reasoning.effort", "dropped")),
    ("reasoning_switch", "Unknown parameter: 'thinking'", EVERY, {}, None),
    ("service_tier", "Unknown parameter: 'service_tier'", EVERY, {}, ("service_tier", "dropped")),
    ("format_with_tools", "Function calling with a response mime type is unsupported", EVERY, {},
     ("text.format", "approximated")),
    ("temperature_and_top_p", "temperature and top_p cannot both be specified", EVERY, {}, ("top_p", "dropped")),
    *((name, f"Unsupported parameter: '{name}'", EVERY, {}, (name, "dropped")) for name in (
        "temperature", "top_p", "presence_penalty", "frequency_penalty", "user", "safety_identifier",
        "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention")),
    ("verbosity", "Unsupported parameter: 'verbosity'", EVERY, {}, ("text.verbosity", "dropped")),
]  # fmt: skip


def translated(dialect: Dialect, members: dict[str, Any]) -> tuple[bytes, set[tuple[str, str]]]:
    request = parse_create(json.dumps({**REQUEST, **members}).encode(), max_items=20)
    notes = Notes()
    body = chat_request(request, History(), dialect, notes, model="m", stream=request.stream)
    return body.json, {(note.param, note.action) for note in notes}


@pytest.mark.parametrize(("row", "error", "dialect", "members", "lost"), CASES)
def test_a_lesson(row: str, error: Any, dialect: Dialect, members: dict[str, Any], lost: Lost) -> None:
    refused = read_rejection(refusal(error))
    assert refused is not None
    before, noted = translated(dialect, members)
    lesson = next(lessons_of(refused, before, dialect))
    assert lesson.partition("=")[0] == row
    amended = with_lessons(dialect, [lesson])
    after, noted_then = translated(amended, members)
    assert decode(after) != decode(before)
    assert lesson not in list(lessons_of(refused, after, replace(amended, lessons=())))
    assert noted_then - noted == ({lost} if lost else set())


def test_every_row_is_applied() -> None:
    """Files become what the provider takes before they are translated (tests/service/test_learning.py)."""
    assert {row.name for row in RULES} - {row for row, *_ in CASES} == {"file", "audio"}

"""Request fields → chat fields, by dialect. A case is the members put over a request."""

import json
from typing import Any

import pytest

from adapter.api.request.schemas import parse_create
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.errors import RequestError
from translators.notes import Notes
from translators.to_chat.history import History
from translators.to_chat.request import chat_request
from translators.wire import decode

OPENAI = PRESETS["openai"]
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}
CHAT_FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
SCHEMA = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}
USER = {"role": "user", "content": "Hi"}


def sent(dialect: Dialect = Dialect(), **members: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:  # noqa: B008
    """Return the members of the chat request beside `model` and `messages`, and the notes."""
    request = parse_create(json.dumps({"model": "m", "input": "Hi", **members}).encode(), max_items=10)
    notes = Notes()
    body = decode(chat_request(request, History(), dialect, notes, model="other", stream=request.stream).json)
    assert body.pop("model") == "other"
    assert list(body)[-1] == "messages", "what grows comes last"
    del body["messages"]
    return body, [(note.param, note.action) for note in notes]


FIELDS: list[tuple[Dialect, dict[str, Any], dict[str, Any]]] = [
    (Dialect(), {}, {}),
    (Dialect(), {"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
    (Dialect(), {"temperature": 0, "top_p": 1}, {"temperature": 0, "top_p": 1}),
    (Dialect(), {"presence_penalty": -1, "frequency_penalty": 2}, {"presence_penalty": -1, "frequency_penalty": 2}),
    (Dialect(), {"max_output_tokens": 16}, {"max_tokens": 16}),
    (OPENAI, {"max_output_tokens": 16}, {"max_completion_tokens": 16}),
    (Dialect(), {"top_logprobs": 0}, {"logprobs": True}),
    (Dialect(), {"top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
    (Dialect(), {"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
    (Dialect(), {"reasoning": {"effort": "low"}}, {"reasoning_effort": "low"}),
    (Dialect(), {"text": {"format": {"type": "text"}}}, {}),
    (Dialect(), {"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
    (Dialect(), {"text": {"format": SCHEMA}},
     {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}}),
    (Dialect(), {"text": {"format": {**SCHEMA, "strict": False, "description": "d"}}},
     {"response_format": {"type": "json_schema", "json_schema": {
         "name": "n", "schema": {"type": "object"}, "description": "d", "strict": False}}}),
    (Dialect(), {"tools": [FUNCTION]}, {"tools": [CHAT_FUNCTION]}),
    (Dialect(), {"tools": [FUNCTION], "tool_choice": "auto"}, {"tools": [CHAT_FUNCTION]}),
    (Dialect(), {"tools": [FUNCTION], "tool_choice": "none"}, {"tools": [CHAT_FUNCTION], "tool_choice": "none"}),
    (Dialect(), {"tools": [FUNCTION], "tool_choice": "required"},
     {"tools": [CHAT_FUNCTION], "tool_choice": "required"}),
    (Dialect(), {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "f"}},
     {"tools": [CHAT_FUNCTION], "tool_choice": {"type": "function", "function": {"name": "f"}}}),
    (OPENAI, {"tools": [FUNCTION], "parallel_tool_calls": False},
     {"tools": [CHAT_FUNCTION], "parallel_tool_calls": False}),
    (Dialect(), {"tools": [FUNCTION], "parallel_tool_calls": False}, {"tools": [CHAT_FUNCTION]}),
    (Dialect(), {"tool_choice": "none", "parallel_tool_calls": True}, {}),
    (OPENAI, {"user": "u", "service_tier": "flex", "text": {"verbosity": "low"}},
     {"user": "u", "service_tier": "flex", "verbosity": "low"}),
    (Dialect(), {"metadata": {"a": "b"}, "store": False}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "members", "expected"), FIELDS)
def test_fields(dialect: Dialect, members: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent(dialect, **members) == (expected, [])


DROPPED: list[tuple[Dialect, dict[str, Any], str, str]] = [
    (Dialect(), {"user": "u"}, "user", "dropped"),
    (Dialect(), {"service_tier": "flex"}, "service_tier", "dropped"),
    (Dialect(), {"safety_identifier": "s"}, "safety_identifier", "dropped"),
    (Dialect(), {"prompt_cache_key": "k"}, "prompt_cache_key", "dropped"),
    (Dialect(), {"prompt_cache_retention": "24h"}, "prompt_cache_retention", "dropped"),
    (Dialect(), {"text": {"verbosity": "low"}}, "text.verbosity", "dropped"),
    (Dialect(formats=frozenset()), {"text": {"format": SCHEMA}}, "text.format", "approximated"),
    (Dialect(), {"tools": [{**FUNCTION, "strict": True}]}, "tools.strict", "dropped"),
    (Dialect(), {"tools": [{"type": "web_search"}]}, "tools", "dropped"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "members", "param", "action"), DROPPED)
def test_what_a_provider_does_not_know_is_noted(
    dialect: Dialect, members: dict[str, Any], param: str, action: str
) -> None:
    body, notes = sent(dialect, **members)
    assert notes == [(param, action)]
    assert not body.keys() & {"user", "service_tier", "parallel_tool_calls", "verbosity", "prompt_cache_key"}


SILENT = [{"strict": False}, {"strict": None}, {}]


@pytest.mark.parametrize("members", SILENT)
def test_what_asks_for_nothing_is_not_noted(members: dict[str, Any]) -> None:
    assert sent(tools=[{**FUNCTION, **members}]) == ({"tools": [CHAT_FUNCTION]}, [])


def test_strict_goes_out_as_it_came() -> None:
    for strict in (True, False):
        body, _ = sent(OPENAI, tools=[{**FUNCTION, "strict": strict}])
        assert body["tools"][0]["function"]["strict"] is strict


def test_the_beginning_of_a_growing_conversation_stays() -> None:
    """Byte by byte, as far as providers cache it."""
    bodies = []
    for items in ([USER], [USER, {"role": "assistant", "content": "Ho"}, USER]):
        request = parse_create(json.dumps({"model": "m", "instructions": "x", "input": items}).encode(), max_items=10)
        bodies.append(chat_request(request, History(), Dialect(), Notes(), model="m", stream=False).json)
    assert bodies[1].startswith(bodies[0].removesuffix(b"]}"))


NAMED = {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "f"}}
REQUIRED = {"tools": [FUNCTION], "tool_choice": "required"}
NONE = {"effort": "none"}
THINKS = Dialect(thinking_tool_choices=frozenset({"none"}), no_reasoning={"thinks": False})
FORMS: list[tuple[Dialect, dict[str, Any], Any, bool]] = [
    (Dialect(required_choice="any"), REQUIRED, "any", False),
    (Dialect(required_choice="any", tool_choices=frozenset({"required"})), NAMED, "any", True),
    (Dialect(named_choice="name"), NAMED, "f", False),
    (THINKS, REQUIRED, None, True),
    (THINKS, {**REQUIRED, "reasoning": NONE}, "required", False),
    (THINKS, {**NAMED, "reasoning": {"effort": "low"}}, None, True),
    (THINKS, {**REQUIRED, "tool_choice": "none"}, "none", False),
    (Dialect(tool_choices=frozenset(), thinking_tool_choices=frozenset({"required"})), REQUIRED, None, True),
]


@pytest.mark.parametrize(("dialect", "members", "choice", "noted"), FORMS)
def test_forms_of_tool_choice(dialect: Dialect, members: dict[str, Any], choice: Any, noted: bool) -> None:
    body, notes = sent(dialect, **members)
    assert body.get("tool_choice") == choice
    assert notes == ([("tool_choice", "approximated")] if noted else [])


NO_TOOLS = Dialect(tools=False)


def test_a_provider_without_tools_is_told_of_none() -> None:
    body, notes = sent(NO_TOOLS, tools=[FUNCTION], parallel_tool_calls=True)
    assert body == {}
    assert notes == [("tools", "dropped")]
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [NAMED["tool_choice"]]}
    assert sent(NO_TOOLS, tools=[FUNCTION], tool_choice=allowed) == (body, notes)


@pytest.mark.parametrize("choice", ["required", NAMED["tool_choice"]])
def test_and_cannot_be_made_to_call(choice: Any) -> None:
    with pytest.raises(RequestError, match="calls no functions") as caught:
        sent(NO_TOOLS, tools=[FUNCTION], tool_choice=choice)
    assert caught.value.param == "tool_choice"


def test_instructions_are_the_users_where_there_must_be_a_user() -> None:
    dialect = Dialect(user_needed=True)
    for input, roles in (([{**USER, "role": "developer"}], ["user"]), ("Hi", ["system", "user"])):
        request = parse_create(
            json.dumps({"model": "m", "instructions": "Greet.", "input": input}).encode(), max_items=10
        )
        notes = Notes()
        body = decode(chat_request(request, History(), dialect, notes, model="m", stream=False).json)
        assert [message["role"] for message in body["messages"]] == roles
        assert [note.param for note in notes] == (["instructions"] if len(roles) == 1 else [])

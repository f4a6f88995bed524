"""Requests of careless clients: what leaves is valid all the same, or the refusal names what is wrong.
"""

import json
from typing import Any

import pytest

from adapter.api.request.schemas import parse_create
from tests.clients.judge import complaints_of
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.errors import RequestError
from translators.notes import Notes
from translators.to_chat.history import History
from translators.to_chat.request import chat_request

Object = dict[str, Any]

USER: Object = {"role": "user", "content": "Hi"}
TOOL: Object = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
PNG: Object = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}
WEB: Object = {"type": "web_search"}


def called(arguments: str = "{}", *, output: Any = "x") -> list[Object]:
    return [
        USER,
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments},
        {"type": "function_call_output", "call_id": "c", "output": output},
    ]


def allowing(*tools: Object, mode: str = "auto") -> Object:
    return {"type": "allowed_tools", "mode": mode, "tools": list(tools)}


VALID: dict[str, Object] = {
    "no arguments": {"input": called("")},
    "an output without content": {"input": called(output=[])},
    "an image as output": {"input": called(output=[PNG])},
    "an image of the system's": {"input": [{"role": "system", "content": [PNG]}, USER]},
    "an image of the model's": {"input": [USER, {"role": "assistant", "content": [PNG]}, USER]},
    "an image with an empty text": {"input": [{"role": "user", "content": [{"type": "input_text", "text": ""}, PNG]}]},
    "a refusal alone": {"input": [USER, {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}]},
    "an output of a call that nobody made": {"input": [USER, {"type": "function_call_output", "output": "x"}]},
    "a search of OpenAI's": {"input": [USER, {"type": "web_search_call", "id": "ws_1", "status": "completed"}]},
    "empty settings": {"input": "Hi", "tools": [], "text": {}, "reasoning": {}, "include": []},
    "settings that are null": {"input": "Hi", "tools": None, "text": None, "tool_choice": None, "temperature": None},
    "a tool of nothing but a name": {"input": "Hi", "tools": [{"type": "function", "name": "f"}]},
    "a tool full of null": {
        "input": "Hi", "tools": [{**TOOL, "parameters": None, "strict": None, "description": None}],
    },
    "only tools that nobody here runs": {"input": "Hi", "tools": [WEB], "parallel_tool_calls": True},
    "tools that may not be used": {"input": "Hi", "tools": [TOOL], "tool_choice": "none"},
    "one tool of two": {
        "input": "Hi", "tools": [TOOL, {**TOOL, "name": "g"}],
        "tool_choice": allowing({"type": "function", "name": "g"}, mode="required"),
    },
    "no thinking": {"input": "Hi", "reasoning": {"effort": "none"}},
    "arguments that are cut off": {"input": called('{"a": ')},
    "arguments that are a list": {"input": called("[1]")},
    "arguments that are null": {"input": called("null")},
    "two calls of one id": {"input": [USER, called()[1], called()[1], called()[2], called()[2]]},
    "a schema that says nothing": {"input": "Hi", "tools": [{**TOOL, "parameters": {}}]},
}  # fmt: skip
REFUSED: dict[str, tuple[Object, str]] = {
    "a choice of what is not declared": (
        {"input": "Hi", "tools": [TOOL], "tool_choice": {"type": "function", "name": "g"}}, "tool_choice",
    ),
    "an image by ftp": (
        {"input": [{"role": "user", "content": [{**PNG, "image_url": "ftp://a.example/b"}]}]},
        "input[0].content[0].image_url",
    ),
    "nothing but an empty message": ({"input": [{"role": "user", "content": ""}]}, "input"),
    "nothing but thinking": ({"input": [{"type": "reasoning", "summary": []}]}, "input"),
    "sound without data": (
        {"input": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        "input[0].content[0].input_audio.data",
    ),
}  # fmt: skip
LACKS = {"deepseek": "input[0].content[1]", "perplexity": "tool_choice"}
"""What providers refuse because they have no images, or no tools: its parameter."""


def translated(members: Object, dialect: Dialect) -> list[str]:
    body = json.dumps({"model": "m", **members}).encode()
    request = parse_create(body, max_items=100)
    return complaints_of(dialect, chat_request(request, History(), dialect, Notes(), model="m", stream=False))


@pytest.mark.parametrize("name", VALID)
def test_what_leaves_is_valid(name: str) -> None:
    assert {dialect.name: found for dialect in PRESETS.values() if (found := complaints_or_lack(name, dialect))} == {}


def complaints_or_lack(name: str, dialect: Dialect) -> list[str]:
    try:
        return translated(VALID[name], dialect)
    except RequestError as error:
        return [] if error.param == LACKS.get(dialect.name) else [str(error)]


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    members, param = REFUSED[name]
    with pytest.raises(RequestError) as caught:
        translated(members, PRESETS["default"])
    assert caught.value.param == param

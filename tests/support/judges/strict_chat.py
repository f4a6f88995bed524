"""A strict chat-completions server's reading of a request: what it would refuse.

It knows OpenAI's chat request and nothing newer, and takes the narrowest form wherever providers differ: no null but
the content of an assistant message that calls, the system message first, each call answered right behind its message
and in order, arguments that are a JSON object. It shares no code with the product, so that both cannot be wrong in one
way.
Sources: OpenAI API reference, Chat Completions; DeepSeek API docs, Thinking mode; Mistral docs, Function calling.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any

Object = dict[str, Any]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DETAILS = ("auto", "low", "high", "original")
_URL = re.compile(r"https?://.|data:image/[\w.+-]+;base64,.", re.DOTALL)


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: type(value) in (int, float) and low <= value <= high


def _count(low: int, high: int = 2**31) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: type(value) is kind


def _one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: value in values


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


MEMBERS: dict[str, Callable[[Any], bool]] = {
    "model": _text,
    "messages": lambda value: isinstance(value, list) and value != [],
    "stream": _is(bool),
    "stream_options": lambda value: isinstance(value, dict) and value.keys() <= {"include_usage"},
    "tools": lambda value: isinstance(value, list) and value != [],
    "tool_choice": lambda value: value in ("none", "auto", "required") or isinstance(value, dict),
    "parallel_tool_calls": _is(bool),
    "response_format": _is(dict),
    "max_tokens": _count(1),
    "max_completion_tokens": _count(1),
    "temperature": _number(0, 2),
    "top_p": _number(0, 1),
    "frequency_penalty": _number(-2, 2),
    "presence_penalty": _number(-2, 2),
    "logprobs": _is(bool),
    "top_logprobs": _count(0, 20),
    "seed": _is(int),
    "n": _count(1, 1),
    "stop": lambda value: isinstance(value, (str, list)),
    "logit_bias": _is(dict),
    "reasoning_effort": _one_of("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    "verbosity": _one_of("low", "medium", "high"),
    "service_tier": _text,
    "user": _is(str),
    "safety_identifier": _is(str),
    "prompt_cache_key": _is(str),
    "prompt_cache_retention": _text,
    "prompt_cache_options": _is(dict),
    "metadata": _is(dict),
    "store": _is(bool),
    "modalities": _is(list),
    "web_search_options": _is(dict),
}
NEEDS = {
    "tool_choice": "tools",
    "parallel_tool_calls": "tools",
    "stream_options": "stream",
    "top_logprobs": "logprobs",
}
"""Members that mean nothing without another, and are refused then."""

ROLES = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "refusal", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}
PARTS = {
    "user": {"text", "image_url", "input_audio", "file"},
    "assistant": {"text", "refusal"},
}
"""Types of the parts of a content; of every other role text alone."""
_MEMBERS_BY_THINKING: dict[str | None, set[str]] = {
    None: set(), "thinking": set(), "think_tags": set(), "reasoning": {"reasoning", "reasoning_details"},
}
"""Any other field is a member of that name."""


def complaints(
    body: Any,
    *,
    developer_role: bool = False,
    system_anywhere: bool = False,
    reasoning_field: str | None = None,
    signatures: bool = False,
    tool_names: bool = False,
    also: Collection[str] = (),
) -> list[str]:
    """Return what is wrong with the body of `POST /chat/completions`, in words; nothing for a valid one.

    `reasoning_field`: where this provider takes the thinking of an assistant message back, as a dialect has it: in a
    member of that name, or as a part of type `thinking`. `signatures`: a call may have `extra_content`, which is
    Gemini's. `tool_names`: a tool message may have a name. `also`: members that it knows beside OpenAI's.
    """
    if not isinstance(body, dict):
        return ["the body is no object"]
    found = [*_members(body, also), *_tools(body), *_response_format(body)]
    messages = body.get("messages")
    if isinstance(messages, list):
        thinking = _MEMBERS_BY_THINKING.get(reasoning_field, {str(reasoning_field)})
        roles = {**ROLES, "assistant": ROLES["assistant"] | thinking}
        if tool_names:
            roles["tool"] = ROLES["tool"] | {"name"}
        parts = {**PARTS, "assistant": PARTS["assistant"] | ({"thinking"} if reasoning_field == "thinking" else set())}
        if not developer_role:
            del roles["developer"]
        for index, message in enumerate(messages):
            found += [f"messages[{index}]: {wrong}" for wrong in _message(message, roles, parts, signatures)]
            leads = isinstance(message, dict) and message.get("role") in ("system", "developer")
            if leads and index and not system_anywhere:
                found.append(f"messages[{index}]: a {message['role']} message after the first message")
        found += _pairs([message for message in messages if isinstance(message, dict)])
    return found


def _members(body: Object, also: Collection[str]) -> Iterator[str]:
    for name, value in body.items():
        if name in also:
            continue
        if name not in MEMBERS:
            yield f"unknown member '{name}'"
        elif not MEMBERS[name](value):
            yield f"{name} cannot be {json.dumps(value)[:60]}"
    for name in ("model", "messages"):
        if name not in body:
            yield f"{name} is missing"
    for name, other in NEEDS.items():
        if name in body and not body.get(other):
            yield f"{name} without {other}"
    if "max_tokens" in body and "max_completion_tokens" in body:
        yield "max_tokens beside max_completion_tokens"


def _tools(body: Object) -> Iterator[str]:
    tools = body.get("tools")
    names: list[Any] = []
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or tool.get("type") != "function" or tool.keys() != {"type", "function"}:
            yield f"tools[{index}] is no function"
            continue
        names.append(function.get("name"))
        yield from (f"tools[{index}]: {wrong}" for wrong in _function(function))
    yield from (f"two tools are named {name}" for name, count in Counter(map(str, names)).items() if count > 1)
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        named = choice.get("function")
        if choice.keys() != {"type", "function"} or choice["type"] != "function" or not isinstance(named, dict):
            yield "tool_choice names no function"
        elif named.keys() != {"name"} or named["name"] not in names:
            yield f"tool_choice names {named}, which is not declared"


def _function(function: Object) -> Iterator[str]:
    if unknown := function.keys() - {"name", "description", "parameters", "strict"}:
        yield f"unknown members {sorted(unknown)}"
    yield from (f"{name} is null" for name, value in function.items() if value is None)
    if not _NAME.fullmatch(str(function.get("name"))):
        yield f"the name {function.get('name')!r}"
    if not isinstance(function.get("description", ""), str):
        yield "the description is no text"
    parameters = function.get("parameters", {"type": "object"})
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        yield "the parameters are no schema of an object"
    if not isinstance(function.get("strict", False), bool):
        yield "strict is no boolean"


def _response_format(body: Object) -> Iterator[str]:
    wanted = body.get("response_format")
    if not isinstance(wanted, dict):
        return
    if wanted.get("type") in ("text", "json_object"):
        if wanted.keys() != {"type"}:
            yield "response_format has more than its type"
        return
    schema = wanted.get("json_schema")
    if wanted.get("type") != "json_schema" or wanted.keys() != {"type", "json_schema"} or not isinstance(schema, dict):
        yield "response_format is of no known type"
        return
    if unknown := schema.keys() - {"name", "description", "schema", "strict"}:
        yield f"response_format has unknown members {sorted(unknown)}"
    if not _NAME.fullmatch(str(schema.get("name"))):
        yield f"response_format has the name {schema.get('name')!r}"
    if not isinstance(schema.get("schema"), dict) or None in schema.values():
        yield "response_format has no schema, or a null"


def _message(
    message: Any, roles: dict[str, set[str]], parts: dict[str, set[str]], signatures: bool
) -> Iterator[str]:
    role = message.get("role") if isinstance(message, dict) else None
    if role not in roles:
        yield f"unknown role {role!r}"
        return
    if unknown := message.keys() - roles[role]:
        yield f"unknown members {sorted(unknown)} of a message of role {role}"
    calls = message.get("tool_calls")
    may_be_null = role == "assistant" and (calls or message.get("refusal"))
    for name, value in message.items():
        if value is None and not (name == "content" and may_be_null):
            yield f"{name} is null"
    content = message.get("content")
    if not (may_be_null and content in (None, "")):
        yield from _content(content, role, parts.get(role, {"text"}))
    if role == "tool" and not _text(message.get("tool_call_id")):
        yield "no tool_call_id"
    if calls is not None:
        yield from _calls(calls, {"extra_content"} if signatures else set())


def _content(content: Any, role: str, parts: set[str]) -> Iterator[str]:
    if content == "" and role == "tool":
        return
    if isinstance(content, str):
        if not content:
            yield f"an empty {role} message"
        return
    if not isinstance(content, list) or not content:
        yield f"a {role} message whose content is {json.dumps(content)[:60]}"
        return
    for index, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in parts:
            yield f"content[{index}]: a part of type {kind!r} under role {role}"
        elif part.keys() != {"type", kind}:
            yield f"content[{index}]: a {kind} part with the members {sorted(part)}"
        else:
            yield from (f"content[{index}]: {wrong}" for wrong in _part(kind, part[kind]))


def _part(kind: str, value: Any) -> Iterator[str]:
    if kind in ("text", "refusal"):
        if not _text(value):
            yield "no text"
        return
    if kind == "thinking":
        texts = value if isinstance(value, list) else []
        if not texts or not all(part.keys() == {"type", "text"} and _text(part["text"]) for part in texts):
            yield "thinking has no texts"
    elif not isinstance(value, dict) or None in value.values():
        yield f"{kind} is no object, or has a null"
    elif kind == "image_url":
        if not value.keys() <= {"url", "detail"} or value.get("detail", "auto") not in _DETAILS:
            yield f"image_url has the members {sorted(value)}, detail {value.get('detail')!r}"
        if not _URL.match(str(value.get("url"))):
            yield f"no URL of an image: {str(value.get('url'))[:40]}"
    elif kind == "input_audio":
        if value.keys() != {"data", "format"} or value["format"] not in ("wav", "mp3"):
            yield "input_audio needs data and a format"
    elif not value.keys() <= {"file_data", "filename", "file_id"} or not value.keys() & {"file_data", "file_id"}:
        yield f"file has the members {sorted(value)}"


def _calls(calls: Any, also: set[str]) -> Iterator[str]:
    if not isinstance(calls, list) or not calls:
        yield "tool_calls is empty or no array"
        return
    for index, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        known = {"id", "type", "function"}
        if not isinstance(function, dict) or call.keys() - also != known or call["type"] != "function":
            yield f"tool_calls[{index}] is no call of a function"
            continue
        if function.keys() != {"name", "arguments"} or not _NAME.fullmatch(str(function["name"])):
            yield f"tool_calls[{index}] calls {function.get('name')!r} with the members {sorted(function)}"
        if not _is_object(function.get("arguments")):
            yield f"tool_calls[{index}] has arguments that are no JSON object: {str(function.get('arguments'))[:60]}"
    ids = [call.get("id") for call in calls if isinstance(call, dict)]
    if not all(map(_text, ids)) or len(set(ids)) < len(ids):
        yield f"tool_calls have the ids {ids}"


def _is_object(text: Any) -> bool:
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _pairs(messages: list[Object]) -> Iterator[str]:
    """Yield where a call and its tool message do not stand together."""
    waiting: list[Any] = []
    for index, message in enumerate(messages):
        if message.get("role") == "tool":
            id = message.get("tool_call_id")
            if not waiting or waiting.pop(0) != id:
                yield f"messages[{index}]: a tool message for {id}, which is not the call that waits"
            continue
        if waiting:
            yield f"messages[{index}]: comes before the answers to {waiting}"
        calls = message.get("tool_calls")
        waiting = [call["id"] for call in calls if "id" in call] if isinstance(calls, list) else []
    if waiting:
        yield f"the calls {waiting} have no answer"

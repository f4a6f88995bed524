"""The strict reader of chat requests takes what OpenAI documents and names each thing it does not take."""

from typing import Any

import pytest

from tests.support.judges.strict_chat import complaints

USER = {"role": "user", "content": "Hi"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
SYSTEM = {"role": "system", "content": "Be brief."}


def call(id: str = "c1", arguments: str = "{}") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def answer(id: str = "c1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": ""}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


VALID: list[dict[str, Any]] = [
    {},
    {"messages": [SYSTEM, USER]},
    {"messages": [USER, calling(call(), call("c2")), answer(), answer("c2"), USER], "tools": [TOOL]},
    {"messages": [user({"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://a.example/b"}})]},
    {"messages": [USER, {**calling(call()), "content": ""}, answer()], "tools": [TOOL]},
    {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": False},
    {"stream": True, "stream_options": {"include_usage": True}, "temperature": 0, "max_tokens": 1},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
]  # fmt: skip


@pytest.mark.parametrize("members", VALID)
def test_a_valid_request(members: dict[str, Any]) -> None:
    assert complaints({"model": "m", "messages": [USER], **members}) == []


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, "messages cannot be []"),
    ({"input": "Hi"}, "unknown member 'input'"),
    ({"temperature": None}, "temperature cannot be null"),
    ({"temperature": True}, "temperature cannot be true"),
    ({"tools": []}, "tools cannot be []"),
    ({"tool_choice": "auto"}, "tool_choice without tools"),
    ({"parallel_tool_calls": True}, "parallel_tool_calls without tools"),
    ({"stream_options": {"include_usage": True}}, "stream_options without stream"),
    ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens beside max_completion_tokens"),
    ({"tools": [{"type": "custom", "name": "f"}]}, "tools[0] is no function"),
    ({"tools": [TOOL, TOOL]}, "two tools are named f"),
    ({"tools": [{"type": "function", "function": {"name": "a.b"}}]}, "tools[0]: the name 'a.b'"),
    ({"tools": [{"type": "function", "function": {"name": "x" * 65}}]}, f"tools[0]: the name '{'x' * 65}'"),
    ({"tools": [{"type": "function", "function": {"name": "f", "strict": None}}]}, "tools[0]: strict is null"),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
     "tool_choice names {'name': 'g'}, which is not declared"),
    ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "tool_choice names no function"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}},
     "response_format has the name 'a b'"),
    ({"response_format": {"type": "grammar"}}, "response_format is of no known type"),
    ({"messages": [{"role": "human", "content": "Hi"}]}, "messages[0]: unknown role 'human'"),
    ({"messages": [{"role": "developer", "content": "Hi"}]}, "messages[0]: unknown role 'developer'"),
    ({"messages": [USER, SYSTEM]}, "messages[1]: a system message after the first message"),
    ({"messages": [{"role": "user", "content": ""}]}, "messages[0]: an empty user message"),
    ({"messages": [{"role": "assistant", "content": None}]}, "messages[0]: content is null"),
    ({"messages": [{**USER, "id": "x"}]}, "messages[0]: unknown members ['id'] of a message of role user"),
    ({"messages": [{"role": "assistant", "content": "a", "reasoning_content": "b"}]},
     "messages[0]: unknown members ['reasoning_content'] of a message of role assistant"),
    ({"messages": [user({"type": "input_text", "text": "a"})]},
     "messages[0]: content[0]: a part of type 'input_text' under role user"),
    ({"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/b"}}]}]},
     "messages[0]: content[0]: a part of type 'image_url' under role system"),
    ({"messages": [user({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}})]},
     "messages[0]: content[0]: no URL of an image: file:///etc/passwd"),
    ({"messages": [USER, calling(call(arguments="{"))]},
     "messages[1]: tool_calls[0] has arguments that are no JSON object: {"),
    ({"messages": [USER, calling(call(), call()), answer(), answer()]},
     "messages[1]: tool_calls have the ids ['c1', 'c1']"),
    ({"messages": [USER, answer()]}, "messages[1]: a tool message for c1, which is not the call that waits"),
    ({"messages": [calling(call(), call("c2")), answer("c2"), answer()]},
     "messages[1]: a tool message for c2, which is not the call that waits"),
    ({"messages": [calling(call()), USER, answer()]}, "messages[1]: comes before the answers to ['c1']"),
    ({"messages": [USER, calling(call())]}, "the calls ['c1'] have no answer"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "complaint"), REFUSED)
def test_what_is_refused_and_why(members: dict[str, Any], complaint: str) -> None:
    assert complaint in complaints({"model": "m", "messages": [USER], **members})


def test_what_a_provider_takes_beyond_that() -> None:
    messages = [
        {"role": "developer", "content": "Be brief."}, USER, {"role": "assistant", "content": "a", "reasoning": "b"},
        SYSTEM,
    ]  # fmt: skip
    body = {"model": "m", "messages": messages}
    assert complaints(body, developer_role=True, system_anywhere=True, reasoning_field="reasoning") == []


def test_thinking_as_a_part() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    body = {"model": "m", "messages": [USER, {"role": "assistant", "content": [thinking]}]}
    assert complaints(body, reasoning_field="thinking") == []
    assert complaints(body) == ["messages[1]: content[0]: a part of type 'thinking' under role assistant"]


def test_a_signature_of_a_call() -> None:
    signed = call() | {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    body = {"model": "m", "messages": [USER, calling(signed), answer()]}
    assert complaints(body, signatures=True) == []
    assert complaints(body) == ["messages[1]: tool_calls[0] is no call of a function"]

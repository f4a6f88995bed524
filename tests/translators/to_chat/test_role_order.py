"""Messages in the order of roles that a provider requires: calls in words, neighbours joined, the user at the ends."""

from typing import Any

import pytest

from translators.dialects.dialect import Dialect
from translators.dialects.rendering import Rendering
from translators.notes import Notes
from translators.to_chat.role_order import order_roles
from translators.wire import decode, encode

TURNS = Dialect(name="turns", alternating=True, tools=False)
FIRST = Dialect(user_first=True)
BEGIN = {"role": "user", "content": "[The conversation begins with the assistant.]"}
BETWEEN = {"role": "assistant", "content": "I have the output."}
GO_ON = {"role": "user", "content": "Go on."}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aQ=="}}

Message = dict[str, Any]


def user(content: Any) -> Message:
    return {"role": "user", "content": content}


def assistant(content: Any, **members: Any) -> Message:
    return {"role": "assistant", "content": content, **members}


SYSTEM = {"role": "system", "content": "Be brief."}
CALLS = [
    {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
    {"id": "2", "type": "function", "function": {"name": "g", "arguments": '{"a":1}'}},
]
OUTPUTS = [
    {"role": "tool", "tool_call_id": "1", "content": "one"},
    {"role": "tool", "tool_call_id": "2", "content": ""},
]
IN_WORDS = '[Called f with {}]\n\n[Called g with {"a":1}]'
ANSWERED = user("[Result of f]\none\n\n[Result of g]\n")

CASES: dict[str, tuple[Dialect, list[Message], list[Message], int]] = {
    "turns": (TURNS, [SYSTEM, user("a"), assistant("b"), user("c")], [SYSTEM, user("a"), assistant("b"), user("c")], 0),
    "two of the user's": (TURNS, [user("a"), user("b")], [user("a\n\nb")], 0),
    "a text and an image": (
        TURNS, [user("a"), user([IMAGE])], [user([{"type": "text", "text": "a"}, IMAGE])], 0,
    ),
    "two of the assistant's": (
        TURNS, [user("a"), assistant("b"), assistant("c"), user("d")], [user("a"), assistant("b\n\nc"), user("d")], 0,
    ),
    "calls": (
        TURNS, [user("a"), assistant(None, tool_calls=CALLS), *OUTPUTS], [user("a"), assistant(IN_WORDS), ANSWERED], 1,
    ),
    "calls beside a text, and a question behind them": (
        TURNS,
        [user("a"), assistant("b", tool_calls=CALLS), *OUTPUTS, user("c")],
        [user("a"), assistant(f"b\n\n{IN_WORDS}"), user(f"{ANSWERED['content']}\n\nc")],
        1,
    ),
    "the assistant first": (TURNS, [SYSTEM, assistant("a"), user("b")], [SYSTEM, BEGIN, assistant("a"), user("b")], 1),
    "the assistant last": (TURNS, [user("a"), assistant("b")], [user("a"), assistant("b"), GO_ON], 1),
    "calls of a provider that has them": (
        Dialect(alternating=True), [user("a"), assistant(None, tool_calls=CALLS), *OUTPUTS, user("b"), user("c")],
        [user("a"), assistant(None, tool_calls=CALLS), *OUTPUTS, user("b\n\nc")], 0,
    ),
    "no calls, and no turns to take": (
        Dialect(tools=False), [user("a"), user("b"), assistant("c", tool_calls=CALLS), *OUTPUTS],
        [user("a"), user("b"), assistant(f"c\n\n{IN_WORDS}"), user("[Result of f]\none"), user("[Result of g]\n")], 1,
    ),
    "the user first": (
        FIRST, [SYSTEM, assistant(None, tool_calls=CALLS), *OUTPUTS, user("a")],
        [SYSTEM, BEGIN, assistant(None, tool_calls=CALLS), *OUTPUTS, user("a")], 1,
    ),
    "the user first, as it is": (FIRST, [SYSTEM, user("a"), assistant("b")], [SYSTEM, user("a"), assistant("b")], 0),
    "no user right after a tool": (
        Dialect(user_after_tool=False), [user("a"), assistant(None, tool_calls=CALLS), *OUTPUTS, user("b"), user("c")],
        [user("a"), assistant(None, tool_calls=CALLS), *OUTPUTS, BETWEEN, user("b"), user("c")], 1,
    ),
    "a tool last": (
        Dialect(user_after_tool=False, assistant_last=False), [user("a"), assistant(None, tool_calls=CALLS), *OUTPUTS],
        [user("a"), assistant(None, tool_calls=CALLS), *OUTPUTS], 0,
    ),
    "no assistant last": (
        Dialect(assistant_last=False), [user("a"), user("b"), assistant("c")],
        [user("a"), user("b"), assistant("c"), GO_ON], 1,
    ),
    "nothing": (TURNS, [], [], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_turns(name: str) -> None:
    dialect, messages, expected, noted = CASES[name]
    notes = Notes()
    parts = order_roles([encode(message) for message in messages], Rendering(dialect, notes))
    assert decode(b"[%b]" % b",".join(parts)) == expected
    assert len(notes) == noted

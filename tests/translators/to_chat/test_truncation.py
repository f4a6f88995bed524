"""`truncation: "auto"`: whole turns go, oldest first, and what is left is a request a strict provider takes.

A conversation is written as a line of messages, each a role's letter and a text: `s`ystem, `d`eveloper, `u`ser,
`a`ssistant, `c` an assistant's call, `t`ool.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.to_chat.truncation import drop_oldest_half

ROLES = {"s": "system", "d": "developer", "u": "user", "a": "assistant", "c": "assistant", "t": "tool"}


def body(line: str) -> bytes:
    messages = [_message(word[0], word[1:]) for word in line.split()]
    return json.dumps({"model": "m", "stream": True, "messages": messages}).encode()


def _message(letter: str, text: str) -> dict[str, Any]:
    if letter == "c":
        function = {"name": "f", "arguments": "{}"}
        return {"role": "assistant", "tool_calls": [{"id": text, "type": "function", "function": function}]}
    if letter == "t":
        return {"role": "tool", "tool_call_id": text, "content": ""}
    return {"role": ROLES[letter], "content": text}


def line(sent: bytes) -> str:
    words = []
    for message in json.loads(sent)["messages"]:
        if calls := message.get("tool_calls"):
            words.append("c" + calls[0]["id"])
        else:
            letter = next(letter for letter, role in ROLES.items() if role == message["role"])
            words.append(letter + (message.get("tool_call_id") or message["content"]))
    return " ".join(words)


CASES: list[tuple[str, str | None, int]] = [
    ("u1", None, 0),
    ("s1 u1", None, 0),
    ("s1 u1 a1 u2", "s1 u2", 1),
    ("s1 u1 a1 u2 a2 u3 a3 u4", "s1 u3 a3 u4", 2),
    ("u1 c1 t1 a1 u2 c2 t2", "u2 c2 t2", 1),
    ("u1 c1 t1 c2 t2 u2 a2", None, 0),
    ("u1 u2 u3", None, 0),
    ("u1 a1 u2 u3", "u2 u3", 1),
    ("s1 u1 a1 s2 u2 d3 a2 u3", "s1 s2 d3 u3", 2),
    ("a1 a2 a3 u1 a4 u2", "u1 a4 u2", 1),
    ("a1 u1 a2 u2", "u2", 2),
    ("", None, 0),
]


@pytest.mark.parametrize(("before", "after", "turns"), CASES)
def test_the_oldest_turns_go(before: str, after: str | None, turns: int) -> None:
    shorter = drop_oldest_half(body(before))
    if after is None:
        assert shorter is None
        return
    assert shorter is not None
    assert (line(shorter.body), shorter.dropped) == (after, turns)


def test_one_large_turn_is_half_of_it_all() -> None:
    shorter = drop_oldest_half(body(f"u{'x' * 1000} a1 u2 a2 u3 a3 u4"))
    assert shorter is not None
    assert line(shorter.body) == "u2 a2 u3 a3 u4"


def test_a_large_last_turn_stays_alone() -> None:
    shorter = drop_oldest_half(body(f"u1 a1 u2 a2 u{'x' * 1000}"))
    assert shorter is not None
    assert shorter.dropped == 2


def test_all_else_stays_byte_by_byte() -> None:
    sent = b'{"model":"m","top_k":1.0,"messages":[{"role":"user","content":"1"},{"role":"assistant","content":"a"},%s]}'
    last = b'{"content":"\\u00e9","role":"user","odd":1.0}'
    shorter = drop_oldest_half(sent % last)
    assert shorter is not None
    assert shorter.body == b'{"model":"m","top_k":1.0,"messages":[%s]}' % last


@given(st.lists(st.sampled_from(["s", "d", "u", "a", "ct", "cct", "ctu"]), max_size=30))
def test_again_and_again_until_one_turn_is_left(turns: list[str]) -> None:
    letters = "".join(turns)
    before = " ".join(f"{letter}{place if letter != 't' else place - 1}" for place, letter in enumerate(letters))
    sent = body(before)
    words = before.split()
    while (shorter := drop_oldest_half(sent)) is not None:
        assert len(shorter.body) < len(sent)
        sent = shorter.body
        left = line(sent).split()
        assert left == [word for word in words if word in left], "in order"
        assert [word for word in left if word[0] in "sd"] == [word for word in words if word[0] in "sd"]
        assert all(f"c{word[1:]}" in left for word in left if word[0] == "t" and f"c{word[1:]}" in words)
        assert left[-1:] == words[-1:]
        assert [word for word in left if word[0] == "u"][-1:] == [word for word in words if word[0] == "u"][-1:]

"""Histories: what they keep beside the messages. That they render the same bytes is a property: tests/properties."""

from typing import Any

import pytest

from translators.dialects.dialect import Dialect
from translators.dialects.rendering import Rendering
from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.items import FunctionCall, FunctionCallOutput, Item, Message
from translators.to_chat.history import History
from translators.tools.names import ToolNames
from translators.wire import decode

USER, HELLO = Message("user", "Hi"), Message("assistant", "Hello!")
CALL, OUTPUT = FunctionCall("a", "f", "{}"), FunctionCallOutput("1", "a")


def extended(history: History, *items: Item) -> History:
    return history.extend(items, Rendering(Dialect(), Notes()), ToolNames())[0]


def messages(history: History) -> list[Any]:
    """Return the finished messages."""
    return list(decode(b"[" + b",".join(history.finished) + b"]"))


def test_an_open_call_waits_in_the_tail() -> None:
    history = extended(History(), USER).with_output([CALL])
    assert len(history.finished) == 1
    assert history.pending == (CALL,)
    answered = extended(history, OUTPUT)
    assert [message["role"] for message in messages(answered)] == ["user", "assistant", "tool"]
    assert (answered.pending, answered.state.answered) == ((), {"a"})


def test_two_answers_to_one_response() -> None:
    """A fork: neither sees the other."""
    history = extended(History(), USER).with_output([CALL])
    one, other = extended(history, OUTPUT), extended(history, FunctionCallOutput("2", "a"))
    assert messages(one)[:2] == messages(other)[:2]
    assert [message["content"] for message in (messages(one)[2], messages(other)[2])] == ["1", "2"]


def test_a_call_that_was_never_answered_is_refused_again_and_again() -> None:
    history = extended(History(), USER).with_output([CALL])
    for _ in range(2):
        with pytest.raises(RequestError, match="No tool output found for function call a"):
            extended(history, USER)


def test_call_ids_of_both_sides_are_remembered() -> None:
    history = extended(History(), FunctionCall("b", "f", "{}"), FunctionCallOutput("1", "b")).with_output([CALL])
    assert history.call_ids == {"a", "b"}


def test_the_lead_stays_apart() -> None:
    system = Message("system", "Be brief.")
    history = extended(extended(History(), system), system, USER)
    assert (history.leading_system_messages, len(history.finished)) == ((system, system), 1)
    continued = extended(history.with_output([HELLO]), system, USER)
    assert continued.leading_system_messages == history.leading_system_messages


def test_the_size_is_that_of_the_bytes() -> None:
    history = extended(extended(History(), USER).with_output([HELLO]), Message("user", "é" * 100))
    assert history.size == sum(map(len, history.finished)) > 200

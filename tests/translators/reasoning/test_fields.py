"""The table of reasoning fields: every place in which a provider sends thinking is read, every place is written."""

from typing import get_args

import pytest
from msgspec.structs import fields

from translators.chat.chunks import Delta
from translators.chat.messages import AssistantMessage
from translators.dialects.dialect import Dialect
from translators.reasoning.fields import (
    RETURN_MEMBERS,
    RETURNS,
    TEXT_MEMBERS,
    THINKING_MEMBERS,
    ReasoningField,
    read_thinking,
)
from translators.reasoning.returned import ReturnedThinking
from translators.to_chat.turns import Turn
from translators.wire import decode, encode

REASONING = {
    "none": (Delta(), ""),
    "reasoning_content": (Delta(reasoning_content="a"), "a"),
    "reasoning": (Delta(reasoning="a"), "a"),
    "an object": (Delta(reasoning={"content": "a"}), "a"),
    "details": (Delta(reasoning="", reasoning_details=[{"text": "a"}, {"summary": "b"}, {"signature": "x"}]), "ab"),
    "reasoning_text": (Delta(reasoning_text="a"), "a"),
    "thinking": (Delta(thinking="a"), "a"),
    "thinking as an object": (Delta(thinking={"content": "a", "signature": "x"}), "a"),
    "blocks": (Delta(thinking_blocks=[{"type": "thinking", "thinking": "a"}, {"data": "x"}]), "a"),
    "the same in blocks": (Delta(reasoning_content="a", thinking_blocks=[{"thinking": "a"}]), "a"),
    "the same under every name": (
        Delta(reasoning_content="a", reasoning="a", reasoning_details=[{"text": "a"}]), "a"
    ),
    "empty under the first name": (Delta(reasoning_content="", reasoning="a"), "a"),
}  # fmt: skip


@pytest.mark.parametrize("name", REASONING)
def test_reasoning(name: str) -> None:
    delta, expected = REASONING[name]
    assert read_thinking(delta) == expected


def test_text_is_not_looked_for_in_the_depths() -> None:
    objects: dict[str, object] = {"text": "a"}
    lists: list[object] = ["a"]
    for _ in range(5000):
        objects, lists = {"text": objects}, [lists]
    assert read_thinking(Delta(reasoning=objects)) == ""
    assert read_thinking(Delta(reasoning_details=lists)) == ""


@pytest.mark.parametrize("name", THINKING_MEMBERS)
def test_every_member_of_a_delta_is_read(name: str) -> None:
    assert read_thinking(Delta(**{name: "a" if name in TEXT_MEMBERS else [{"text": "a"}]})) == "a"


def test_every_field_has_a_row_and_every_member_a_place_in_the_message() -> None:
    assert set(get_args(ReasoningField)) == RETURNS.keys()
    assert set(RETURN_MEMBERS) <= {field.name for field in fields(AssistantMessage)}
    assert set(RETURN_MEMBERS) <= set(TEXT_MEMBERS)


@pytest.mark.parametrize("field", get_args(ReasoningField))
def test_thinking_goes_back_in_every_field(field: ReasoningField) -> None:
    turn = Turn()
    turn.texts.append("Hello")
    message = turn.message((), ReturnedThinking("I think.", None, {}, None), Dialect(reasoning_field=field))
    sent = decode(encode(message))
    assert sent.pop("role") == "assistant"
    if field in RETURN_MEMBERS:
        assert sent == {"content": "Hello", field: "I think."}
    else:
        assert "I think." in str(sent["content"])
        assert sent.keys() == {"content"}

"""Items → messages, and histories: what providers insist on, nothing lost, and bytes that never change.

Providers (DeepSeek, Gemini, Mistral) insist: each call is answered right behind its assistant message, in call order,
no tool message stands alone, and no assistant message follows another.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.strategies.conversations import PROVIDERS, ChainStep, chains, conversations
from translators.dialects.dialect import Dialect
from translators.dialects.rendering import Rendering
from translators.notes import Notes
from translators.responses.items import FunctionCall, Item, Message, Reasoning, Refusal
from translators.to_chat.history import History
from translators.to_chat.instructions import leading_text
from translators.to_chat.messages import Rendered, items_to_messages
from translators.tools.names import ToolNames
from translators.wire import decode, encode

dialects = st.sampled_from([*PROVIDERS, Dialect(system_anywhere=True)])

Object = dict[str, Any]


def rendered(items: Sequence[Item], dialect: Dialect) -> Rendered:
    return items_to_messages(items, Rendering(dialect, Notes()), ToolNames())


def messages_of(items: Sequence[Item], dialect: Dialect) -> list[Object]:
    return [decode(encode(message)) for message in rendered(items, dialect).messages]


def words(value: Any) -> list[str]:
    """Return the words that stand in a value, in order."""
    return re.findall(r"w\d+\.", json.dumps(value))


@given(conversations(), dialects)
def test_calls_and_tool_messages_pair(items: list[Item], dialect: Dialect) -> None:
    waiting: list[str] = []
    for message in messages_of(items, dialect):
        if message["role"] == "tool":
            assert waiting, "a tool message without a call, or out of order"
            assert message["tool_call_id"] == waiting.pop(0)
            continue
        assert not waiting, f"{waiting} are not answered right behind their message"
        if message["role"] == "assistant":
            waiting = [call["id"] for call in message.get("tool_calls", ())]
            assert len(set(waiting)) == len(waiting)
    assert not waiting


@given(conversations(), dialects)
def test_no_assistant_message_follows_another(items: list[Item], dialect: Dialect) -> None:
    roles = [message["role"] for message in messages_of(items, dialect)]
    assert ("assistant", "assistant") not in set(pairwise(roles))


@given(conversations(), dialects)
def test_nothing_is_lost_and_nothing_said_twice(items: list[Item], dialect: Dialect) -> None:
    made = rendered(items, dialect)
    told = Counter(words([decode(encode(message)) for message in (*made.leading_system_messages, *made.messages)]))
    assert set(told.values()) <= {1}
    given_words = [word for item in items if not isinstance(item, Reasoning) for word in words(decode(encode(item)))]
    assert set(given_words) <= told.keys()
    if dialect.reasoning_field is None:
        assert set(given_words) == told.keys()


@given(conversations(), dialects)
def test_each_kind_keeps_its_order(items: list[Item], dialect: Dialect) -> None:
    made = rendered(items, dialect)
    told = words([decode(encode(message)) for message in (*made.leading_system_messages, *made.messages)])
    kinds: dict[str, list[str]] = {}
    for item in items:
        kinds.setdefault(kind_of(item), []).extend(words(decode(encode(item))))
    for kind in ("others", "text", "refusal", "call"):
        kept = kinds.get(kind, [])
        assert [word for word in told if word in kept] == kept


def kind_of(item: Item) -> str:
    match item:
        case Message(role="assistant", content=[Refusal()]):
            return "refusal"
        case Message(role="assistant"):
            return "text"
        case Message():
            return "others"
        case FunctionCall():
            return "call"
    return "result"


@given(conversations(), dialects)
def test_thinking_goes_back_under_its_name_only(items: list[Item], dialect: Dialect) -> None:
    for message in messages_of(items, dialect):
        assert message.keys() & {"reasoning", "reasoning_content"} <= {dialect.reasoning_field}


@given(conversations(), dialects)
def test_the_lead_is_what_comes_before_anything_else(items: list[Item], dialect: Dialect) -> None:
    made = rendered(items, dialect)
    told = leading_text("Be brief.", made.leading_system_messages)
    assert told.startswith("Be brief.")
    leading: list[str] = []
    for item in items:
        if kind_of(item) != "others" or (item.role == "user" and item.content):
            break
        leading += words(decode(encode(item)))
    assert words(told) == leading


@given(chains(), dialects)
def test_a_history_rendered_turn_by_turn_is_the_one_rendered_at_once(steps: list[ChainStep], dialect: Dialect) -> None:
    history = History()
    before = b""
    so_far: list[Item] = []
    for step in steps:
        settled = not history.pending
        history = history.with_output(step.output)
        finished = history.finished
        history, behind = history.extend(step.input, Rendering(dialect, Notes()), ToolNames())
        messages = b",".join([*finished, *behind])
        so_far += [*step.output, *step.input]
        at_once = rendered(so_far, dialect)
        assert messages == b",".join([encode(message) for message in at_once.messages])
        assert history.leading_system_messages == tuple(at_once.leading_system_messages)
        assert messages.startswith(b",".join(history.finished))
        assert history.size == sum(map(len, history.finished))
        assert before.startswith(b",".join(finished))
        if settled:
            assert messages.startswith(before), "the beginning of the last request has changed"
        before = messages


@given(chains(), dialects)
def test_what_cannot_change_any_more_is_not_rendered_again(steps: list[ChainStep], dialect: Dialect) -> None:
    history = History()
    for step in steps:
        history, _ = history.with_output(step.output).extend(step.input, Rendering(dialect, Notes()), ToolNames())
        last = step.input[-1] if step.input else None
        if isinstance(last, Message) and last.role == "user" and last.content:
            assert history.pending == ()


@given(chains(), dialects)
def test_a_history_is_never_changed(steps: list[ChainStep], dialect: Dialect) -> None:
    """Two continuations of one response, a fork, see the same history."""
    history = History()
    for step in steps:
        continued = history.with_output(step.output)
        once = continued.extend(step.input, Rendering(dialect, Notes()), ToolNames())
        continued.extend([*step.input, Message("user", "Something else.")], Rendering(dialect, Notes()), ToolNames())
        assert continued.extend(step.input, Rendering(dialect, Notes()), ToolNames()) == once
        history = once[0]

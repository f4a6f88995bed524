"""Inputs that grow: rendered behind what is known of them, they are what they would be without it."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapter.history import prefix_cache
from adapter.history.prefix_cache import PrefixCache
from tests.properties.strategies.conversations import PROVIDERS, conversations
from translators.dialects.dialect import Dialect
from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.items import (
    AdditionalTools,
    ApplyPatchCall,
    ApplyPatchCallOutput,
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    Reasoning,
    SummaryText,
    UpdateFile,
)
from translators.responses.request import CreateRequest
from translators.responses.tools import FunctionTool
from translators.to_chat.history import History
from translators.to_chat.request import chat_request
from translators.wire import encode

dialects = st.sampled_from([*PROVIDERS, Dialect(system_anywhere=True)])
ODD: list[Item] = [
    Message("user", "again"), Message("user", "again"), FunctionCall("cut", "f", '{"x', status="incomplete"),
    AdditionalTools((FunctionTool("f.g"),)), FunctionCall("late", "f.g", "{}"),
    ApplyPatchCall("patch", UpdateFile("", ""), status="in_progress"), ApplyPatchCallOutput("patch", "completed"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def every_input_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_cache, "MIN_BYTES", 0)
    monkeypatch.setattr(prefix_cache, "_KEY_BYTES", 2)


def request(items: Sequence[Item]) -> CreateRequest:
    return CreateRequest(model="m", input=tuple(items), raw_input=encode(items), instructions="Be brief.")


def outcome(request: CreateRequest, history: History, dialect: Dialect, notes: Notes) -> tuple[Any, ...]:
    """Return everything that can be seen of a translation: the bytes and the notes, or the refusal."""
    try:
        body = chat_request(request, history, dialect, notes, model="m", stream=True)
    except RequestError as error:
        return (error.message, error.param)
    history = body.history
    leading = history.leading_system_messages
    return (body.json, set(notes), leading, history.call_ids, body.names.flatten("f.g"))


def through(kept: PrefixCache, request: CreateRequest, dialect: Dialect) -> tuple[Any, ...]:
    """Translate a request behind what is known of its input, and let it be known."""
    prefix = kept.find(request, "tenant", dialect.name)
    notes = Notes()
    notes.repeat(prefix.notes)
    seen = outcome(request, prefix.history, dialect, notes)
    if len(seen) > 2:
        body = chat_request(request, prefix.history, dialect, Notes(), model="m", stream=True)
        kept.add(prefix, request, body)
    return seen


@given(conversations(), st.lists(st.tuples(st.integers(0, 20), st.sampled_from(ODD)), max_size=3),
       st.lists(st.integers(0, 24), max_size=6), dialects)  # fmt: skip
@example([Reasoning([SummaryText("Hm.")]), Message("assistant", "Hi")], [], [1], Dialect())
def test_what_is_known_changes_nothing(
    items: list[Item], odd: list[tuple[int, Item]], ends: list[int], dialect: Dialect
) -> None:
    for place, item in odd:
        items.insert(min(place, len(items)), item)
    kept = PrefixCache(1 << 20)
    for end in [*ends, len(items)]:
        asked = request(items[:end])
        assert through(kept, asked, dialect) == outcome(asked, History(), dialect, Notes())


@pytest.mark.parametrize("items", [
    [FunctionCall("a", "f", "{}", status="incomplete"), FunctionCallOutput("x", "a")],
    [ApplyPatchCall("a", UpdateFile("b", ""), status="in_progress"), ApplyPatchCallOutput("a", "completed")],
])  # fmt: skip
def test_a_call_that_was_cut_short_may_be_answered_yet(items: list[Item]) -> None:
    kept = PrefixCache(1 << 20)
    for end in (2, 3):
        asked = request([Message("user", "Hi"), *items][:end])
        assert through(kept, asked, Dialect()) == outcome(asked, History(), Dialect(), Notes())


def test_only_what_is_new_is_rendered() -> None:
    kept = PrefixCache(1 << 20)
    items = [Message("user", "a"), Message("assistant", "b"), Message("user", "c")]
    through(kept, request(items[:1]), Dialect())
    assert kept.find(request(items), "tenant", "default").history.known == 1
    through(kept, request(items), Dialect())
    assert kept.find(request(items), "tenant", "default").history.known == 3
    forked = request([*items[:2], *items])
    assert kept.find(forked, "tenant", "default").history.known == 0, "the longer one replaced it"


def test_what_must_be_the_same() -> None:
    kept = PrefixCache(1 << 20)
    asked = request([Message("user", "a")])
    through(kept, asked, Dialect())
    assert kept.find(asked, "tenant", "default").history.known == 1
    assert kept.find(asked, "another", "default").history.known == 0
    assert kept.find(asked, "tenant", "openai").history.known == 0
    raw = asked.raw_input
    for other in (raw[:-1] + b" ]", raw[:-1] + b"\n,{}]"):
        assert kept.find(_with(asked, other), "tenant", "default").history.known == 1
    for other in (raw[:-2] + b',"x":1}]', b"[ " + raw[1:], raw[:-1]):
        assert kept.find(_with(asked, other), "tenant", "default").history.known == 0


def _with(request: CreateRequest, raw: bytes) -> CreateRequest:
    return CreateRequest(model="m", input=request.input, raw_input=raw)


def test_it_stays_within_its_bytes() -> None:
    kept = PrefixCache(20_000)
    for number in range(40):
        text = random.Random(number).randbytes(2000).hex()
        through(kept, request([Message("user", text)]), Dialect())
    assert 0 < kept._cache.currsize <= 20_000
    through(kept, request([Message("user", "x" * 30_000)]), Dialect())
    assert kept._cache.currsize <= 20_000

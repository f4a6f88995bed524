"""Conversations: the items of an input in any order that the API allows.

Every text is a word of its own, so that it can be looked for in what was made of it. Each call gets its output sooner
or later, and outputs may come late, out of order, twice, and with other people's messages in between; call ids are few
and are used again once they are answered. A chain is a conversation cut into steps: the output of a response, then the
input of the next request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from hypothesis import strategies as st
from msgspec.structs import replace

from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.responses.items import (
    Call,
    CallOutput,
    ContentPart,
    FunctionCall,
    FunctionCallOutput,
    InputImage,
    InputText,
    Item,
    Message,
    OutputText,
    Reasoning,
    Refusal,
    SummaryText,
)

PROVIDERS = [replace(dialect, media=Dialect().media) for dialect in PRESETS.values()]
"""Every preset; one that refuses images is taken as if it did not, since conversations have some."""
PNG = "data:image/png;base64,iVBORw0KGgo="
KINDS = ("user", "system", "developer", "reasoning", "assistant", "refusal", "call", "output", "repeat", "nothing")


@st.composite
def conversations(draw: st.DrawFn) -> list[Item]:
    """Make up items in which every call is answered and every output has a call."""
    words = (f"w{number}." for number in count())
    items: list[Item] = []
    waiting: list[str] = []
    answered: list[str] = []
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=16)):
        free = [f"call_{number}" for number in range(4) if f"call_{number}" not in waiting]
        if kind == "call" and free:
            id = draw(st.sampled_from(free))
            waiting.append(id)
            items.append(FunctionCall(id, draw(st.sampled_from(["f", "g"])), f'{{"a":"{next(words)}"}}'))
        elif kind == "output" and waiting:
            id = waiting.pop(draw(st.integers(0, len(waiting) - 1)))
            answered.append(id)
            items.append(FunctionCallOutput(draw(_outputs(next(words))), id))
        elif kind == "repeat" and (again := [id for id in answered if id not in waiting]):
            items.append(FunctionCallOutput("repeated", draw(st.sampled_from(again))))
        elif kind not in ("call", "output", "repeat"):
            items.append(draw(_items_of(kind, next(words))))
    return [*items, *(FunctionCallOutput(next(words), id) for id in waiting)]


def _outputs(word: str) -> st.SearchStrategy[str | list[ContentPart]]:
    text, image = InputText(word), InputImage(PNG)
    return st.sampled_from([word, [text], [text, image], [image, text]])


def _items_of(kind: str, word: str) -> st.SearchStrategy[Item]:
    items: dict[str, list[Item]] = {
        "user": [Message("user", word), Message("user", [InputImage(PNG), InputText(word)])],
        "system": [Message("system", word), Message("system", [InputText(word)])],
        "developer": [Message("developer", word)],
        "reasoning": [Reasoning([SummaryText(word)])],
        "assistant": [Message("assistant", word), Message("assistant", [OutputText(word)])],
        "refusal": [Message("assistant", [Refusal(word)])],
        "nothing": [Message("user", ""), Message("assistant", []), Message("system", ""), Reasoning([])],
    }
    return st.sampled_from(items[kind])


@dataclass(frozen=True)
class ChainStep:
    """The output of a response, and the input of the request that continues it."""

    output: Sequence[Item]
    input: Sequence[Item]


@st.composite
def chains(draw: st.DrawFn) -> list[ChainStep]:
    """Cut a conversation into steps, each where every call has its output."""
    items = draw(conversations())
    ends = [end for end in range(1, len(items)) if _all_answered(items[:end])]
    cuts = sorted(draw(st.sets(st.sampled_from(ends)))) if ends else []
    steps: list[ChainStep] = []
    start = 0
    for end in [*cuts, len(items)]:
        part = items[start:end]
        most = next((at for at, item in enumerate(part) if not is_models(item)), len(part)) if steps else 0
        outputs = draw(st.integers(0, most))
        steps.append(ChainStep(part[:outputs], part[outputs:]))
        start = end
    return steps


def _all_answered(items: Sequence[Item]) -> bool:
    """Whether every call among items has its output behind it."""
    waiting: set[str] = set()
    for item in items:
        if isinstance(item, Call):
            waiting.add(item.call_id)
        elif isinstance(item, CallOutput):
            waiting.discard(item.call_id)
    return not waiting


def is_models(item: Item) -> bool:
    """Whether an item is the model's part of a conversation."""
    return isinstance(item, Reasoning | FunctionCall) or (isinstance(item, Message) and item.role == "assistant")

"""A conversation and the summary that stands for it.

A `compaction` item stands for everything before it. What it holds, sealed, is the summary that the model wrote, and for
one that was made in the midst of a turn that turn itself, which the summary does not cover. Put into words again it is
one message of the user, and the turn behind it. Of what stands before it stay the system and developer messages, loaded
tools and settings; and, unless it carries its turn, what the user said: all of it where the client sent a window of
nothing else, the newest of it and the first where there is a whole conversation. Source: responses-api reference §8.5.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.items import (
    AdditionalTools,
    Compaction,
    CompactionTrigger,
    ConfigurationUpdate,
    Item,
    LocalShellCallOutput,
    Message,
    ToolSearchOutput,
)
from translators.responses.request import CreateRequest, TextConfig
from translators.tools.kinds import BY_CALL, BY_OUTPUT
from translators.wire import Decoder, Raw, encode

RETAINED: Final = 80_000
"""Bytes of what the user said that stay beside a summary, about 20,000 tokens."""
MOST_TOKENS: Final = 8192
"""Tokens that a summary, with the thinking before it, may take."""

_HEADING: Final = "Summary of the earlier conversation (compacted):\n\n"
_TASK: Final = (
    "Write a summary of this conversation, to hand it over. Whoever goes on with it will read your summary instead of "
    "everything above, so nothing that is needed may be missing. Say what the goal is and what limits were set; what "
    "was decided, and why; what was done and found, and the state of files, tools and data; what is still open; and "
    "what the next step is. Repeat names, paths, identifiers, numbers and error messages exactly. Do not call a tool, "
    "do not answer what was asked above, and begin nothing new. Write in the language of the conversation, and write "
    "only the summary."
)
_array: Final = Decoder(list[Raw]).decode
_SETTINGS: Final = (AdditionalTools, ConfigurationUpdate)


class CompactedContext(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a compaction item holds."""

    v: int
    model: str
    """Who wrote the summary."""
    created_at: int
    summary: str
    turn: list[Item] | None = None
    """The turn in whose midst it was made."""


def check_trigger(items: Sequence[Item]) -> bool:
    """Tell whether items ask for a compaction; raise RequestError for a trigger that is not the last of them."""
    if CompactionTrigger not in map(type, items):
        return False
    if [at for at, item in enumerate(items) if item.__class__ is CompactionTrigger] != [len(items) - 1]:
        raise RequestError(
            "The 'compaction_trigger' item must be the final input item.", param="input", code="invalid_value"
        )
    return True


def with_trigger(request: CreateRequest) -> CreateRequest:
    """Return a request that asks for a compaction and for nothing else, and is not stored."""
    if check_trigger(request.input):
        return replace(request, store=False)
    items = (*request.input, CompactionTrigger())
    return replace(request, input=items, raw_input=encode(items), store=False)


def without_trigger(request: CreateRequest) -> CreateRequest:
    """Return a request without its last item, the trigger, which is never stored."""
    raw = encode(_array(request.raw_input)[:-1])
    return replace(request, input=request.input[:-1], raw_input=raw)


def last_compaction(items: Sequence[Item]) -> int | None:
    """Return where the last compaction item is."""
    if Compaction not in map(type, items):
        return None
    return max(at for at, item in enumerate(items) if item.__class__ is Compaction)


def window(before: Sequence[Item], sealed: CompactedContext) -> list[Item]:
    """Return what a compaction item and the items before it say."""
    kept = retained(before) if sealed.turn is None else [item for item in _with_tools(before) if _stays(item)]
    return [*kept, Message("user", _HEADING + sealed.summary), *(sealed.turn or ())]


def retained(items: Sequence[Item]) -> list[Item]:
    """Return what stays of items beside their summary."""
    items = _with_tools(items)
    said = [at for at, item in enumerate(items) if _is_said(item)]
    kept = {at for at, item in enumerate(items) if _stays(item)}
    if len(said) + len(kept) == len(items):
        return list(items)
    room = RETAINED
    for at in (*said[:1], *reversed(said[1:])):
        size = len(encode(items[at]))
        if size <= room:
            room -= size
            kept.add(at)
    return [items[at] for at in sorted(kept)]


def _with_tools(items: Sequence[Item]) -> list[Item]:
    """Return items with the tools that searches found by themselves, since a search goes with its call."""
    return [
        AdditionalTools(item.tools) if isinstance(item, ToolSearchOutput) and item.tools else item for item in items
    ]


def _is_said(item: Item) -> bool:
    """Tell whether an item is the user's; a summary, which a newer one covers, is not."""
    if not isinstance(item, Message) or item.role != "user":
        return False
    return not (isinstance(item.content, str) and item.content.startswith(_HEADING))


def _stays(item: Item) -> bool:
    return isinstance(item, _SETTINGS) or (isinstance(item, Message) and item.role in ("system", "developer"))


def in_pairs(items: Sequence[Item], notes: Notes) -> list[Item]:
    """Return items without calls that have no output, and without outputs that have no call."""
    called: set[str] = set()
    with_call: list[Item] = []
    for item in items:
        id = _call_id(item)
        if item.__class__ in BY_CALL:
            called.add(id)
        elif item.__class__ in BY_OUTPUT and id and id not in called:
            notes.add("input", "dropped", f"the output of call {id}, whose call is not there")
            continue
        with_call.append(item)
    answered: set[str] = set()
    paired: list[Item] = []
    for item in reversed(with_call):
        id = _call_id(item)
        if item.__class__ in BY_OUTPUT:
            answered.add(id)
        elif item.__class__ in BY_CALL:
            if id not in answered:
                notes.add("input", "dropped", f"call {id}, which has no output")
                continue
            answered.remove(id)
        paired.append(item)
    return paired[::-1]


def _call_id(item: Any) -> str:
    """Return the id that a call and its output share; "" for an output that nobody asked for."""
    if isinstance(item, LocalShellCallOutput):
        return item.call_id or item.id
    return getattr(item, "call_id", None) or ""


def turn_at(items: Sequence[Item]) -> int:
    """Return where the turn begins that the model has to go on with.

    It is what was said since the model's last answer; with outputs among it, also the calls that they are of and all
    that the model said with them.
    """
    at = len(items)
    while at and not _is_answer(items[at - 1]):
        at -= 1
    open = {_call_id(item) for item in items[at:] if item.__class__ in BY_OUTPUT} - {""}
    if not open:
        return at
    while at and (open or _is_answer(items[at - 1])):
        at -= 1
        if items[at].__class__ in BY_CALL:
            open.discard(_call_id(items[at]))
        elif items[at].__class__ in BY_OUTPUT:
            open |= {_call_id(items[at])} - {""}
    return at


def _is_answer(item: Item) -> bool:
    """Tell whether the model said an item."""
    if isinstance(item, Message):
        return item.role == "assistant"
    return item.__class__ not in BY_OUTPUT and not isinstance(item, (*_SETTINGS, Compaction, CompactionTrigger))


def turn_of(items: Sequence[Item]) -> list[Item]:
    """Return what of a turn is not there anyway."""
    return [item for item in items if not _stays(item)]


def summary_request(request: CreateRequest, items: Sequence[Item]) -> CreateRequest:
    """Return the request for a summary of items: the same conversation with the same tools, and one more message."""
    return replace(
        request,
        input=(*items, Message("user", _TASK)),
        tool_choice="none",
        max_output_tokens=MOST_TOKENS,
        max_tool_calls=None,
        text=TextConfig(verbosity=request.text.verbosity),
        top_logprobs=None,
        include=(),
    )

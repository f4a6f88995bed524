"""Calls and their outputs as pairs: where a conversation can be cut without tearing one apart.

Providers reject a call without an output and an output without a call. In a whole request these orphans are request
errors (`to_chat/messages.py`). A part of a conversation, sent for a summary, is cut at `first_unanswered`, or loses its
orphans by `drop_unpaired`.
"""

from collections.abc import Sequence

from translators.notes import Notes
from translators.responses.items import (
    AdditionalTools,
    Compaction,
    CompactionTrigger,
    ConfigurationUpdate,
    Item,
    Message,
)
from translators.tools.kinds import BY_CALL, BY_OUTPUT, call_id_of

_NOT_THE_MODELS = (AdditionalTools, ConfigurationUpdate, Compaction, CompactionTrigger)


def drop_unpaired(items: Sequence[Item], notes: Notes) -> list[Item]:
    """Return items without orphans: outputs that no call precedes, and calls that no output follows."""
    called: set[str] = set()
    with_call: list[Item] = []
    for item in items:
        if item.__class__ in BY_CALL:
            called.add(call_id_of(item))
        elif item.__class__ in BY_OUTPUT and (id := call_id_of(item)) and id not in called:
            notes.add("input", "dropped", f"the output of call {id}, whose call is missing")
            continue
        with_call.append(item)
    answered: set[str] = set()
    paired: list[Item] = []
    for item in reversed(with_call):
        if item.__class__ in BY_OUTPUT:
            answered.add(call_id_of(item))
        elif item.__class__ in BY_CALL:
            id = call_id_of(item)
            if id not in answered:
                notes.add("input", "dropped", f"call {id}, which has no output")
                continue
            answered.remove(id)
        paired.append(item)
    return paired[::-1]


def first_unanswered(items: Sequence[Item]) -> int:
    """Return the position of the first item that the model has not answered yet.

    Unanswered is whatever follows the model's last item; if outputs of calls are among it, also the turns that made
    these calls.
    """
    at = len(items)
    while at and not _is_models(items[at - 1]):
        at -= 1
    pending = {call_id_of(item) for item in items[at:] if item.__class__ in BY_OUTPUT} - {""}
    if not pending:
        return at
    while at and (pending or _is_models(items[at - 1])):
        at -= 1
        if items[at].__class__ in BY_CALL:
            pending.discard(call_id_of(items[at]))
        elif items[at].__class__ in BY_OUTPUT:
            pending |= {call_id_of(items[at])} - {""}
    return at


def _is_models(item: Item) -> bool:
    """Whether an item is the model's own."""
    if isinstance(item, Message):
        return item.role == "assistant"
    return item.__class__ not in BY_OUTPUT and not isinstance(item, _NOT_THE_MODELS)

"""A compaction item put back into plain items: the window that the model sees in place of a long conversation.

A `compaction` item replaces everything before it. Its sealed content is a summary written by the model; if it was made
before the model answered, the unanswered items (see `pairs.py`) come along whole, since the summary does not cover
them. The window is:

1. of the items before it, the system and developer messages, the settings and the loaded tools;
2. unless unanswered items come along: messages of the user. All of them if the client sent nothing else, as it does
   when it returns the output of `POST /responses/compact`; of a whole conversation the first, and as many of the newest
   as fit;
3. the summary, as one message of the user;
4. the unanswered items.

Source: OpenAI API reference, Responses: compact; OpenAI guide, Compaction.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from translators.errors import RequestError
from translators.responses.items import (
    AdditionalTools,
    Compaction,
    CompactionTrigger,
    ConfigurationUpdate,
    Item,
    Message,
    ToolSearchOutput,
)
from translators.responses.request import CreateRequest
from translators.wire import Decoder, Raw, encode

MAX_RETAINED_BYTES: Final = 80_000
"""JSON of the user's messages that a window retains: about 20,000 tokens, a small part of any context worth compacting.
"""

_HEADING: Final = "Summary of the earlier conversation (compacted):\n\n"
_SETTINGS: Final = (AdditionalTools, ConfigurationUpdate)

_array: Final = Decoder(list[Raw]).decode


class CompactedContext(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The content of a compaction item, before it is sealed."""

    v: int
    """Version of this layout, for readers to come."""
    model: str
    """The model that wrote the summary."""
    created_at: int
    """Unix seconds."""
    summary: str
    turn: list[Item] | None = None
    """Unanswered items, if the item was made before the model answered. The name is part of the sealed format."""


def asks_for_compaction(items: Sequence[Item]) -> bool:
    """Whether the last item is a trigger; raise RequestError for a trigger anywhere else."""
    if CompactionTrigger not in map(type, items):
        return False
    if [at for at, item in enumerate(items) if item.__class__ is CompactionTrigger] != [len(items) - 1]:
        raise RequestError(
            "The 'compaction_trigger' item must be the final input item.", param="input", code="invalid_value"
        )
    return True


def add_trigger(request: CreateRequest) -> CreateRequest:
    """Return a request that asks for a compaction only, and is not stored."""
    if asks_for_compaction(request.input):
        return replace(request, store=False)
    items = (*request.input, CompactionTrigger())
    return replace(request, input=items, raw_input=encode(items), store=False)


def remove_trigger(request: CreateRequest) -> CreateRequest:
    """Return a request without its last item, the trigger, which is never stored."""
    raw = encode(_array(request.raw_input)[:-1])
    return replace(request, input=request.input[:-1], raw_input=raw)


def last_compaction(items: Sequence[Item]) -> int | None:
    """Return the position of the last compaction item, None if there is none."""
    if Compaction not in map(type, items):
        return None
    return max(at for at, item in enumerate(items) if item.__class__ is Compaction)


def window(before: Sequence[Item], compacted: CompactedContext) -> list[Item]:
    """Return the items that replace a compaction item and everything `before` it."""
    if compacted.turn is None:
        retained = retained_items(before)
    else:
        retained = [item for item in _keep_found_tools(before) if _is_always_retained(item)]
    return [*retained, Message("user", _HEADING + compacted.summary), *(compacted.turn or ())]


def retained_items(items: Sequence[Item]) -> list[Item]:
    """Return the items that stay beside a summary of all of them."""
    items = _keep_found_tools(items)
    users = [at for at, item in enumerate(items) if _is_users(item)]
    retained = {at for at, item in enumerate(items) if _is_always_retained(item)}
    if len(users) + len(retained) == len(items):
        return list(items)
    room = MAX_RETAINED_BYTES
    for at in (*users[:1], *reversed(users[1:])):
        size = len(encode(items[at]))
        if size <= room:
            room -= size
            retained.add(at)
    return [items[at] for at in sorted(retained)]


def without_settings(items: Sequence[Item]) -> list[Item]:
    """Return unanswered items without those that every window retains, so that no window has one twice."""
    return [item for item in items if not _is_always_retained(item)]


def _keep_found_tools(items: Sequence[Item]) -> list[Item]:
    """Return items with AdditionalTools in place of search outputs, which would go when their calls go."""
    return [
        AdditionalTools(item.tools) if isinstance(item, ToolSearchOutput) and item.tools else item for item in items
    ]


def _is_users(item: Item) -> bool:
    """Whether an item is a message of the user; an older summary is not, since the newer one covers it."""
    if not isinstance(item, Message) or item.role != "user":
        return False
    return not (isinstance(item.content, str) and item.content.startswith(_HEADING))


def _is_always_retained(item: Item) -> bool:
    return isinstance(item, _SETTINGS) or (isinstance(item, Message) and item.role in ("system", "developer"))

"""What stands for an item that chat has nothing like: another item, a call with its result, or nothing.

What a server puts something else in the place of before it comes here (a compaction), and a mere translation has not,
is dropped with a note. Source: responses-api reference §3.3.
"""

from typing import Final

from translators.notes import Notes
from translators.responses.items import (
    AdditionalTools,
    Compaction,
    CompactionTrigger,
    ConfigurationUpdate,
    FunctionCall,
    FunctionCallOutput,
    Hosted,
    Item,
    ItemReference,
    Message,
    Reasoning,
    ToolSearchCall,
    ToolSearchOutput,
)
from translators.to_chat.content import text_of
from translators.to_chat.hosted import HostedCall, replayed
from translators.tools.kinds import BY_CALL, BY_OUTPUT

PLAIN: Final = frozenset(
    {Message, Reasoning, FunctionCall, ItemReference, *BY_CALL, *BY_OUTPUT}
    - {FunctionCallOutput, ToolSearchCall, ToolSearchOutput}
)
"""Items that always stand for themselves."""
_SETTINGS: Final = frozenset({AdditionalTools, ConfigurationUpdate})
"""Items that say nothing to the model."""
_UNTOLD: Final[dict[type, str]] = {
    Compaction: "a compaction: only the server that sealed it can open it",
    CompactionTrigger: "a compaction_trigger: it is for the server",
}


def stand_in(item: Item, notes: Notes, where: str) -> Item | HostedCall | None:
    """Return what is rendered in an item's place, the item itself if chat knows it; None if it says nothing."""
    if isinstance(item, FunctionCallOutput) and item.call_id is None:
        source = ".".join(filter(None, (item.namespace or None, item.name or None))) or "a tool"
        return Message("user", f"[Result of {source}]\n{text_of(item.output)}")
    if isinstance(item, (ToolSearchCall, ToolSearchOutput)) and item.call_id is None:
        return None  # OpenAI searched: what it found is among the tools
    if isinstance(item, Hosted):
        return replayed(item, notes, where)
    if (why := _UNTOLD.get(item.__class__)) is not None:
        notes.add(where, "dropped", why)
        return None
    return None if item.__class__ in _SETTINGS else item

"""Where a conversation is cut for a summary: no call is torn from its output, and nothing is lost."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.strategies.conversations import conversations
from translators.context.compaction import CompactedContext, window, without_settings
from translators.context.pairs import drop_unpaired, first_unanswered
from translators.dialects.dialect import Dialect
from translators.dialects.rendering import Rendering
from translators.notes import Notes
from translators.responses.items import Item
from translators.to_chat.messages import items_to_messages
from translators.tools.names import ToolNames
from translators.wire import decode, encode


def words(value: Any) -> set[str]:
    return set(re.findall(r"w\d+\.", json.dumps(decode(encode(value)))))


def render(items: list[Item]) -> None:
    """Raise RequestError for an output without a call, or a call without an output."""
    items_to_messages(items, Rendering(Dialect(), Notes()), ToolNames())


@given(conversations())
def test_both_sides_of_the_cut_are_whole(items: list[Item]) -> None:
    at = first_unanswered(items)
    render(items[:at])
    render(without_settings(items[at:]))


@given(conversations())
def test_what_the_summary_does_not_cover_is_in_the_window(items: list[Item]) -> None:
    at = first_unanswered(items)
    content = CompactedContext(v=1, model="m", created_at=1, summary="All is well.", turn=without_settings(items[at:]))
    seen = window(items, content)
    render(seen)
    assert words(items) == words(items[:at]) | words(seen)


@given(conversations(), st.data())
def test_any_part_of_a_conversation_can_be_summarised(items: list[Item], data: st.DataObject) -> None:
    keep = data.draw(st.lists(st.booleans(), min_size=len(items), max_size=len(items)))
    render(drop_unpaired([item for item, stays in zip(items, keep, strict=True) if stays], Notes()))
    assert drop_unpaired(items, Notes()) == items

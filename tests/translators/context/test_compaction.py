"""The window that a compaction item becomes, and the trigger that asks for one."""

import pytest

from translators.context.compaction import (
    MAX_RETAINED_BYTES,
    CompactedContext,
    asks_for_compaction,
    last_compaction,
    retained_items,
    window,
    without_settings,
)
from translators.errors import RequestError
from translators.responses.items import (
    AdditionalTools,
    Compaction,
    CompactionTrigger,
    ConfigurationUpdate,
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    Reasoning,
    ToolSearchCall,
    ToolSearchOutput,
)
from translators.responses.tools import FunctionTool

RULES = Message("developer", "Be brief.")
UPDATE = ConfigurationUpdate({"effort": "low"})
TOOLS = AdditionalTools(())
ASK, ANSWER, AGAIN = Message("user", "One?"), Message("assistant", "1."), Message("user", "Two?")
THINK, CALL, OUTPUT = Reasoning(), FunctionCall("a", "f", "{}"), FunctionCallOutput("x", "a")
LATER = FunctionCall("b", "f", "{}")
SEARCH, FOUND_NONE = ToolSearchCall(call_id="s"), ToolSearchOutput((), call_id="s")
FOUND = ToolSearchOutput((FunctionTool("f"),), call_id="s")
TRIGGER, COMPACTION = CompactionTrigger(), Compaction("sealed")


def sealed(*turn: Item, alone: bool = False) -> CompactedContext:
    unanswered = list(turn) if turn or alone else None
    return CompactedContext(v=1, model="m", created_at=1, summary="All is well.", turn=unanswered)


def said(items: list[Item]) -> list[str]:
    """Return items as a reader would tell them, the summary without its heading."""
    return [
        item.content.rpartition("\n")[2]
        if isinstance(item, Message) and isinstance(item.content, str)
        else type(item).__name__
        for item in items
    ]


@pytest.mark.parametrize(
    ("before", "content", "expected"),
    [
        ([], sealed(), ["All is well."]),
        ([ASK, AGAIN], sealed(), ["One?", "Two?", "All is well."]),
        ([RULES, ASK, ANSWER, AGAIN], sealed(), ["Be brief.", "One?", "Two?", "All is well."]),
        ([ASK, THINK, CALL, OUTPUT, ANSWER], sealed(), ["One?", "All is well."]),
        ([UPDATE, ASK, TOOLS, ANSWER], sealed(), ["ConfigurationUpdate", "One?", "AdditionalTools", "All is well."]),
        ([ASK, SEARCH, FOUND, ANSWER], sealed(), ["One?", "AdditionalTools", "All is well."]),
        ([ASK, SEARCH, FOUND, ANSWER, AGAIN], sealed(AGAIN), ["AdditionalTools", "All is well.", "Two?"]),
        ([ASK, SEARCH, FOUND_NONE, ANSWER], sealed(), ["One?", "All is well."]),
        ([ASK, COMPACTION, AGAIN, ANSWER], sealed(), ["One?", "Two?", "All is well."]),
        ([RULES, ASK, ANSWER, AGAIN], sealed(AGAIN), ["Be brief.", "All is well.", "Two?"]),
        ([ASK, AGAIN], sealed(AGAIN), ["All is well.", "Two?"]),
        ([ASK, ANSWER], sealed(alone=True), ["All is well."]),
        ([ASK], sealed(ASK, CALL, OUTPUT), ["All is well.", "One?", "FunctionCall", "FunctionCallOutput"]),
    ],
)
def test_a_window(before: list[Item], content: CompactedContext, expected: list[str]) -> None:
    assert said(window(before, content)) == expected


def test_a_summary_is_said_by_the_user_and_says_what_it_is() -> None:
    (message,) = window([], sealed())
    assert message == Message("user", "Summary of the earlier conversation (compacted):\n\nAll is well.")


def test_of_what_was_said_the_first_and_the_newest_stay() -> None:
    size = MAX_RETAINED_BYTES // 4
    long = [Message("user", letter * size) for letter in "abcdefgh"]
    retained = retained_items([*long, ANSWER])
    assert [str(item.content)[0] for item in retained if isinstance(item, Message)] == ["a", "g", "h"]


def test_a_message_that_is_too_long_makes_no_others_go() -> None:
    long = Message("user", "x" * MAX_RETAINED_BYTES)
    assert retained_items([long, ANSWER, ASK, ANSWER, long, AGAIN]) == [ASK, AGAIN]


def test_a_window_that_the_client_sent_is_taken_as_it_is() -> None:
    long = Message("user", "x" * MAX_RETAINED_BYTES)
    assert retained_items([RULES, long, long, ASK]) == [RULES, long, long, ASK]


def test_unanswered_items_come_without_what_stays_anyway() -> None:
    assert without_settings([UPDATE, RULES, AGAIN, CALL, OUTPUT]) == [AGAIN, CALL, OUTPUT]


@pytest.mark.parametrize("items", [[TRIGGER, ASK], [TRIGGER, TRIGGER], [ASK, TRIGGER, ASK, TRIGGER]])
def test_a_trigger_is_the_last_item_and_the_only_one(items: list[Item]) -> None:
    with pytest.raises(RequestError) as caught:
        asks_for_compaction(items)
    assert caught.value.message == "The 'compaction_trigger' item must be the final input item."


@pytest.mark.parametrize(("items", "asked"), [([], False), ([ASK], False), ([TRIGGER], True), ([ASK, TRIGGER], True)])
def test_a_trigger_is_seen(items: list[Item], asked: bool) -> None:
    assert asks_for_compaction(items) is asked


@pytest.mark.parametrize(
    ("items", "at"), [([], None), ([ASK], None), ([COMPACTION], 0), ([COMPACTION, ASK, COMPACTION, ASK], 2)]
)
def test_the_last_compaction_counts(items: list[Item], at: int | None) -> None:
    assert last_compaction(items) == at

"""Where a conversation is cut, and what is dropped, so that every call keeps its output."""

import pytest

from translators.context.pairs import drop_unpaired, first_unanswered
from translators.notes import Notes
from translators.responses.hosted.items import WebSearchCall
from translators.responses.items import (
    Compaction,
    ConfigurationUpdate,
    FunctionCall,
    FunctionCallOutput,
    Item,
    LocalShellCallOutput,
    Message,
    Reasoning,
)

RULES = Message("developer", "Be brief.")
UPDATE = ConfigurationUpdate({"effort": "low"})
ASK, ANSWER, AGAIN = Message("user", "One?"), Message("assistant", "1."), Message("user", "Two?")
THINK, CALL, OUTPUT = Reasoning(), FunctionCall("a", "f", "{}"), FunctionCallOutput("x", "a")
LATER = FunctionCall("b", "f", "{}")
COMPACTION = Compaction("sealed")


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], 0),
        ([ASK], 0),
        ([ASK, ANSWER], 2),
        ([ASK, ANSWER, AGAIN], 2),
        ([ASK, ANSWER, AGAIN, RULES, ASK], 2),
        ([ASK, ANSWER, AGAIN, THINK, CALL, OUTPUT], 3),
        ([ASK, ANSWER, AGAIN, THINK, CALL, LATER, OUTPUT, FunctionCallOutput("y", "b"), ASK], 3),
        ([ASK, CALL, OUTPUT, THINK, LATER, FunctionCallOutput("y", "b")], 3),
        ([ASK, CALL, AGAIN, LATER, OUTPUT, FunctionCallOutput("y", "b")], 1),
        ([ASK, ANSWER, FunctionCallOutput("news", name="feed")], 2),
        ([ASK, WebSearchCall()], 2),
        ([ASK, ANSWER, UPDATE, AGAIN], 2),
        ([AGAIN, COMPACTION, ASK], 0),
    ],
)
def test_where_the_unanswered_items_begin(items: list[Item], expected: int) -> None:
    assert first_unanswered(items) == expected


@pytest.mark.parametrize(
    ("items", "left", "notes"),
    [
        ([ASK, CALL, OUTPUT], [ASK, CALL, OUTPUT], 0),
        ([ASK, CALL], [ASK], 1),
        ([OUTPUT, ASK], [ASK], 1),
        ([ASK, CALL, LATER, OUTPUT], [ASK, CALL, OUTPUT], 1),
        ([FunctionCallOutput("news", name="feed")], [FunctionCallOutput("news", name="feed")], 0),
        ([CALL, LocalShellCallOutput("x", id="a")], [CALL, LocalShellCallOutput("x", id="a")], 0),
    ],
)
def test_broken_pairs_are_left_out(items: list[Item], left: list[Item], notes: int) -> None:
    noted = Notes()
    assert drop_unpaired(items, noted) == left
    assert len(noted) == notes

"""What a compaction item stands for, and what stays beside it (responses-api reference §8)."""

import pytest

from translators.context.compaction import (
    MOST_TOKENS,
    RETAINED,
    CompactedContext,
    check_trigger,
    in_pairs,
    last_compaction,
    retained,
    summary_request,
    turn_at,
    turn_of,
    window,
)
from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.items import (
    AdditionalTools,
    Compaction,
    CompactionTrigger,
    ConfigurationUpdate,
    FunctionCall,
    FunctionCallOutput,
    Item,
    LocalShellCallOutput,
    Message,
    Reasoning,
    ToolSearchCall,
    ToolSearchOutput,
    WebSearchCall,
)
from translators.responses.request import CreateRequest
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
    rest = list(turn) if turn or alone else None
    return CompactedContext(v=1, model="m", created_at=1, summary="All is well.", turn=rest)


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
    size = RETAINED // 4
    long = [Message("user", letter * size) for letter in "abcdefgh"]
    assert [str(item.content)[0] for item in retained([*long, ANSWER]) if isinstance(item, Message)] == ["a", "g", "h"]


def test_a_message_that_is_too_long_makes_no_others_go() -> None:
    long = Message("user", "x" * RETAINED)
    assert retained([long, ANSWER, ASK, ANSWER, long, AGAIN]) == [ASK, AGAIN]


def test_a_window_that_the_client_sent_is_taken_as_it_is() -> None:
    long = Message("user", "x" * RETAINED)
    assert retained([RULES, long, long, ASK]) == [RULES, long, long, ASK]


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
def test_where_the_turn_under_way_begins(items: list[Item], expected: int) -> None:
    assert turn_at(items) == expected


def test_a_turn_is_kept_without_what_stays_anyway() -> None:
    assert turn_of([UPDATE, RULES, AGAIN, CALL, OUTPUT]) == [AGAIN, CALL, OUTPUT]


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
    assert in_pairs(items, noted) == left
    assert len(noted) == notes


@pytest.mark.parametrize("items", [[TRIGGER, ASK], [TRIGGER, TRIGGER], [ASK, TRIGGER, ASK, TRIGGER]])
def test_a_trigger_is_the_last_item_and_the_only_one(items: list[Item]) -> None:
    with pytest.raises(RequestError) as caught:
        check_trigger(items)
    assert caught.value.message == "The 'compaction_trigger' item must be the final input item."


@pytest.mark.parametrize(("items", "asked"), [([], False), ([ASK], False), ([TRIGGER], True), ([ASK, TRIGGER], True)])
def test_a_trigger_is_seen(items: list[Item], asked: bool) -> None:
    assert check_trigger(items) is asked


@pytest.mark.parametrize(
    ("items", "at"), [([], None), ([ASK], None), ([COMPACTION], 0), ([COMPACTION, ASK, COMPACTION, ASK], 2)]
)
def test_the_last_compaction_counts(items: list[Item], at: int | None) -> None:
    assert last_compaction(items) == at


def test_a_summary_is_asked_for_with_the_same_conversation_and_no_calls() -> None:
    request = CreateRequest(
        model="m", input=(ASK,), raw_input=b"", instructions="Help.", tool_choice="required", max_output_tokens=20,
        temperature=0.5,
    )  # fmt: skip
    asked = summary_request(request, [ASK, ANSWER])
    assert asked.input[:2] == (ASK, ANSWER)
    assert isinstance(asked.input[2], Message)
    assert asked.input[2].role == "user"
    assert (asked.instructions, asked.tool_choice, asked.temperature) == ("Help.", "none", 0.5)
    assert asked.max_output_tokens == MOST_TOKENS

"""Items → messages: what is refused, what is left out with a note. What becomes of the rest: tests/wire and
tests/properties."""

from collections.abc import Sequence
from time import process_time
from typing import Any

import pytest
from msgspec.structs import replace

from translators.chat.messages import (
    AssistantMessage,
    ChatMessage,
    FunctionOfCall,
    ImagePart,
    ImageURL,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from translators.dialects.dialect import Dialect
from translators.dialects.rendering import Rendering
from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.items import (
    ApplyPatchCall,
    Compaction,
    CompactionTrigger,
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputImage,
    InputText,
    Item,
    ItemReference,
    Message,
    OutputText,
    Reasoning,
    ReasoningText,
    Refusal,
    SummaryText,
    UpdateFile,
)
from translators.to_chat.instructions import leading_text
from translators.to_chat.messages import RenderState, items_to_messages
from translators.tools.names import ToolNames

CALL, OUTPUT = FunctionCall("a", "f", "{}"), FunctionCallOutput("1", "a")
USER = Message("user", "Hi")
IMAGE = InputImage("https://example.com/a.png")

NO_CALL = "No tool call found for function call output with call_id a."
NO_OUTPUT = "No tool output found for function call a."


def render(items: Sequence[Item], **given: object) -> tuple[list[ChatMessage], list[tuple[str, str, str]]]:
    notes = Notes()
    dialect = Dialect(**given)  # type: ignore[arg-type]
    made = items_to_messages(items, Rendering(dialect, notes), ToolNames())
    return made.messages, [(note.param, note.action, note.reason) for note in notes]


REFUSED: dict[str, tuple[list[Item], str, int]] = {
    "an output without a call": ([USER, OUTPUT], NO_CALL, 400),
    "an output ahead of its call": ([OUTPUT, CALL], NO_CALL, 400),
    "a call without an output": ([USER, CALL], NO_OUTPUT, 400),
    "a call without an output, and more": ([CALL, USER, CALL, OUTPUT, CALL], NO_OUTPUT, 400),
    "one output for two calls": ([CALL, CALL, OUTPUT], NO_OUTPUT, 400),
    "a reference to nothing": ([ItemReference("msg_1")], "Item with id 'msg_1' not found.", 404),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    items, message, status = REFUSED[name]
    with pytest.raises(RequestError) as caught:
        render(items)
    assert (caught.value.message, caught.value.status, caught.value.param) == (message, status, "input")


def test_an_answered_call_of_the_history_is_no_orphan() -> None:
    before = RenderState(started=True, answered=frozenset({"a"}))
    items_to_messages([OUTPUT], Rendering(Dialect(), Notes()), ToolNames(), previous=before)


CUT = FunctionCall("a", "f", '{"x', status="incomplete")
CUT_PATCH = ApplyPatchCall("a", UpdateFile("", ""), status="in_progress")


@pytest.mark.parametrize("call", [CUT, CUT_PATCH])
def test_a_call_that_was_cut_short_needs_no_output(call: Item) -> None:
    messages, notes = render([Message("assistant", "Let me see."), call, USER])
    assert messages == [AssistantMessage("Let me see."), UserMessage("Hi")]
    assert notes == [("input", "dropped", "call a, which was cut short and never answered")]


def test_a_call_that_was_cut_short_may_have_one() -> None:
    messages, _ = render([CUT, OUTPUT])
    assert isinstance(messages[1], ToolMessage)


def calling(call_id: str) -> AssistantMessage:
    return AssistantMessage(None, tool_calls=[ToolCall(call_id, FunctionOfCall("f", "{}"))])


DROPPED: dict[str, tuple[list[Item], list[ChatMessage], str, str]] = {
    "an empty message": (
        [USER, Message("user", ""), Message("user", "You?")], [UserMessage("Hi"), UserMessage("You?")],
        "input[1]", "an empty message",
    ),
    "the same again": ([USER, USER], [UserMessage("Hi")], "input[1]", "it repeats the user's last message"),
    "what the user asked, between a call and its output": (
        [USER, CALL, OUTPUT, FunctionCall("b", "f", "{}"), USER, FunctionCallOutput("2", "b")],
        [
            UserMessage("Hi"), calling("a"), ToolMessage("a", "1"), calling("b"), ToolMessage("b", "2"),
        ],
        "input[4]", "it repeats the user's last message",
    ),
    "a call that a chain has already": (
        [USER, replace(CALL, id="fc_1"), replace(CALL, id="fc_1", status="completed"), OUTPUT],
        [UserMessage("Hi"), calling("a"), ToolMessage("a", "1")], "input[2]", "it came before, with the same id",
    ),
    "a text that a chain has already": (
        [Message("assistant", "x", id="msg_1"), Message("assistant", "x", id="msg_1")],
        [AssistantMessage("x")], "input[1]", "it came before, with the same id",
    ),
    "an empty part": ([Message("user", [InputText("")])], [], "input[0]", "an empty message"),
    "a blank part": ([Message("user", [InputText(" \n")])], [], "input[0]", "an empty message"),
    "an empty system message": ([USER, Message("system", "")], [UserMessage("Hi")], "input[1]", "an empty message"),
    "a compaction": (
        [USER, Compaction("sealed")], [UserMessage("Hi")],
        "input[1]", "a compaction: only the server that sealed it can open it",
    ),
    "a trigger": (
        [USER, CompactionTrigger()], [UserMessage("Hi")], "input[1]", "a compaction_trigger: it is for the server",
    ),
    "an image of the model": (
        [Message("assistant", [OutputText("x"), IMAGE])],
        [AssistantMessage("x")], "input[0].content", "a assistant message is text only",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DROPPED)
def test_dropped_with_a_note(name: str) -> None:
    items, expected, param, reason = DROPPED[name]
    messages, notes = render(items, system_anywhere=True)
    assert messages == expected
    assert notes == [(param, "dropped", reason)]


def test_refusals() -> None:
    item = Message("assistant", [OutputText("Well."), Refusal("No.")])
    assert render([item, Message("assistant", "Sorry.")])[0] == [AssistantMessage("Well.\n\nSorry.\n\nNo.")]
    assert render([item], refusal_field=True)[0] == [AssistantMessage("Well.", refusal="No.")]
    assert render([Message("assistant", [Refusal("No.")])], refusal_field=True)[0] == [
        AssistantMessage(None, refusal="No.")
    ]


@pytest.mark.parametrize("output", ["", "\n", [InputText("")], []])
def test_an_empty_output_is_sent_as_words(output: Any) -> None:
    messages, notes = render([CALL, FunctionCallOutput(output, "a")])
    assert messages[1:] == [ToolMessage("a", "(no output)")]
    assert notes == [("input[1].output", "approximated", "empty: sent as '(no output)'")]


def test_blank_text_is_left_out_beside_other_things() -> None:
    said = Message("assistant", [OutputText("\n\n", [])])
    messages, _ = render([said, CALL, OUTPUT, Message("user", [InputText(" "), IMAGE])])
    assert getattr(messages[0], "content") is None  # noqa: B009
    assert messages[2] == UserMessage([ImagePart(ImageURL("https://example.com/a.png"))])


@pytest.mark.parametrize("parts", [[InputText("x"), IMAGE], [IMAGE]])
def test_the_image_of_a_system_message_is_the_users(parts: list[Any]) -> None:
    messages, notes = render([USER, Message("system", parts)], system_anywhere=True)
    text = "[1 attachment(s) of the system message: see the next user message]"
    assert messages[1] == SystemMessage("\n\n".join(["x", text][2 - len(parts) :]))
    assert messages[2] == UserMessage(
        [TextPart("[1 attachment(s) of the system message]"), ImagePart(ImageURL("https://example.com/a.png"))]
    )
    assert [note[:2] for note in notes] == [("input[1].content", "approximated")]
    leading, notes = render([Message("system", parts)], media=frozenset())
    assert (leading, [note[:2] for note in notes]) == ([], [("input[0].content", "dropped")])


@pytest.mark.parametrize(
    "part", [InputImage(file_id="file_1"), InputImage("sandbox:/a.png"), InputAudio(audio_url="https://example.com/a.ogg"),
             InputAudio(audio_url="data:audio/ogg;base64,AA"), InputAudio()]
)  # fmt: skip
def test_media_in_no_form_that_chat_has_end_no_session(part: Any) -> None:
    """In the user's last message they are a request error (`test_content.py`)."""
    items = [Message("user", [part]), CALL, FunctionCallOutput([part], "a"), USER]
    messages, notes = render(items)
    shown = "[1 attachment(s) that cannot be shown to you]"
    assert (messages[0], messages[2]) == (UserMessage(shown), ToolMessage("a", shown))
    assert [note[:2] for note in notes] == [("input[0].content", "dropped"), ("input[2].output", "dropped")]


def test_a_tool_message_may_carry_the_name_of_its_function() -> None:
    messages, _ = render([CALL, OUTPUT], tool_message_name=True)
    assert messages[1] == ToolMessage("a", "1", "f")


def test_the_first_call_of_each_turn_is_signed() -> None:
    turn = [CALL, FunctionCall("b", "f", "{}"), OUTPUT, FunctionCallOutput("2", "b")]
    messages, notes = render([USER, *turn, replace(CALL, call_id="d"), FunctionCallOutput("1", "d")], signed_calls=True)
    signed = [[bool(call.extra_content) for call in getattr(message, "tool_calls", None) or ()] for message in messages]
    assert signed == [[], [True, False], [], [], [True], []]
    assert len(notes) == 1


THINKING: dict[str, tuple[Reasoning, str | None]] = {
    "a summary": (Reasoning([SummaryText("a"), SummaryText("b")]), "a\nb"),
    "the text itself, before the summary": (Reasoning([SummaryText("a")], content=[ReasoningText("b")]), "b"),
    "an empty content": (Reasoning([SummaryText("a")], content=[]), "a"),
    "a null content": (Reasoning([SummaryText("a")], content=None), "a"),
    "nothing": (Reasoning([]), None),
}


@pytest.mark.parametrize("name", THINKING)
def test_thinking(name: str) -> None:
    item, text = THINKING[name]
    answer = Message("assistant", "Hi")
    assert render([item, answer])[0] == [AssistantMessage("Hi", reasoning_content=text)]
    assert render([item, answer], reasoning_field="reasoning")[0] == [AssistantMessage("Hi", reasoning=text)]
    assert render([item, answer], reasoning_field=None)[0] == [AssistantMessage("Hi")]
    assert render([USER, item])[0] == [UserMessage("Hi")]


def test_the_paths_of_refusals_count_the_items_of_the_request() -> None:
    bad = Message("user", [InputText("x"), InputImage("ftp://x")])
    for first, path in ((0, "input[1].content[1].image_url"), (1, "input[0].content[1].image_url")):
        with pytest.raises(RequestError) as caught:
            items_to_messages([USER, bad], Rendering(Dialect(), Notes()), ToolNames(), first_input=first)
        assert caught.value.param == path


def test_the_lead() -> None:
    assert leading_text(None, []) == ""
    lead = [Message("system", ""), Message("developer", [InputText("b"), InputText("c")])]
    assert leading_text("a", lead) == "a\n\nb\n\nc"


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("id", ["a", "x" * 64])
def test_calls_that_share_an_id_cost_no_more_than_others(id: str, short: bool) -> None:
    items: list[Item] = [FunctionCall(id, "f", "{}")] * 2000 + [FunctionCallOutput("x", id)] * 2000
    began = process_time()
    messages, _ = render(items, short_call_ids=short)
    assert process_time() - began < 0.3
    calls = getattr(messages[0], "tool_calls")  # noqa: B009
    assert len({call.id for call in calls}) == 2000
    assert max(len(call.id) for call in calls) <= 64

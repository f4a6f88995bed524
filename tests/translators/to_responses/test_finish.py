"""How a response ends, by finish reason and by how the stream ended."""

import pytest

from translators.chat.chunks import ChatUsage
from translators.to_responses.finish import AnswerEnd, Outcome, decide_outcome

COMPLETED, CUT, FILTERED = Outcome(), Outcome(incomplete="max_output_tokens"), Outcome(incomplete="content_filter")

REASONS = {
    "stop": COMPLETED, "tool_calls": COMPLETED, "tool_call": COMPLETED, "function_call": COMPLETED, "eos": COMPLETED,
    "eos_token": COMPLETED, "end_turn": COMPLETED, "stop_sequence": COMPLETED, "STOP": COMPLETED,
    "length": CUT, "max_tokens": CUT, "MAX_TOKENS": CUT, "model_length": CUT,
    "content_filter": FILTERED, "safety": FILTERED, "sensitive": FILTERED, "refusal": FILTERED, "RECITATION": FILTERED,
    "satisfied": Outcome(unknown="satisfied"),
}  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("done", [True, False])
def test_reasons(reason: str, done: bool) -> None:
    assert decide_outcome(AnswerEnd(reason, done, True, None)) == REASONS[reason]


@pytest.mark.parametrize("reason", ["error", "insufficient_system_resource", "network_error"])
def test_reasons_that_are_failures(reason: str) -> None:
    error = decide_outcome(AnswerEnd(reason, True, True, None)).error
    assert error is not None
    assert (error.code, reason in error.message) == ("server_error", True)


@pytest.mark.parametrize("reason", [None, ""])
@pytest.mark.parametrize(
    ("done", "produced", "message"),
    [
        (True, True, None),
        (True, False, "The provider ended its stream without an answer."),
        (False, True, "The provider ended its stream before the answer was complete."),
        (False, False, "The provider ended its stream before the answer was complete."),
    ],
)
def test_no_reason(reason: str | None, done: bool, produced: bool, message: str | None) -> None:
    error = decide_outcome(AnswerEnd(reason, done, produced, None)).error
    assert (error and error.message) == message


@pytest.mark.parametrize(("produced", "refused_room"), [(False, True), (True, True), (False, False)])
def test_no_room_for_a_single_token(produced: bool, refused_room: bool) -> None:
    usage = ChatUsage(prompt_tokens=9, completion_tokens=0 if refused_room else 1)
    error = decide_outcome(AnswerEnd("length", True, produced, usage)).error
    assert (error and error.code) == ("context_length_exceeded" if not produced and refused_room else None)

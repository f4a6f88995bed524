"""How a response ends, by finish reason and by how the stream ended."""

import pytest

from translators.chat.chunks import ChatUsage
from translators.to_responses.finish import FINISH_WORDS, AnswerEnd, Outcome, decide_outcome

COMPLETED, CUT, FILTERED = Outcome(), Outcome(incomplete="max_output_tokens"), Outcome(incomplete="content_filter")

REASONS = {
    "stop": COMPLETED, "tool_calls": COMPLETED, "tool_call": COMPLETED, "function_call": COMPLETED, "eos": COMPLETED,
    "eos_token": COMPLETED, "end_turn": COMPLETED, "stop_sequence": COMPLETED, "STOP": COMPLETED,
    "length": CUT, "max_tokens": CUT, "MAX_TOKENS": CUT, "model_length": CUT,
    "content_filter": FILTERED, "safety": FILTERED, "sensitive": FILTERED, "refusal": FILTERED, "RECITATION": FILTERED,
    "FinishReason.STOP": COMPLETED, "FINISH_REASON_STOP": COMPLETED, "toolUse": COMPLETED, "tool-calls": COMPLETED,
    "FinishReason.MAX_TOKENS": CUT, "maxTokens": CUT, "REASON_MAX_LEN": CUT, "model_context_window_exceeded": CUT,
    "guardrail_intervened": FILTERED, "content_filtered": FILTERED, "content_filter: OTHER": FILTERED,
    "content_filter: PROHIBITED_CONTENT": FILTERED, "Content-Filter": FILTERED, "MODEL_ARMOR": FILTERED,
    "new_safety_rule": Outcome("content_filter", unknown="new_safety_rule"),
    "satisfied": Outcome(unknown="satisfied"), "OTHER": Outcome(unknown="OTHER"),
    "pause_turn": Outcome(unknown="pause_turn"),
}  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("done", [True, False])
def test_reasons(reason: str, done: bool) -> None:
    assert decide_outcome(AnswerEnd(reason, done, True, True, None)) == REASONS[reason]


@pytest.mark.parametrize("reason", [
    "error", "insufficient_system_resource", "network_error", "MALFORMED_FUNCTION_CALL", "FinishReason.OTHER_ERROR",
    "function_call_filter: MALFORMED_FUNCTION_CALL", "function_call_filter: UNEXPECTED_TOOL_CALL",
    "malformed_model_output", "FinishReason.TOO_MANY_TOOL_CALLS", "NO_IMAGE", "rate_limit",
    "FinishReason.MALFORMED_FUNCTION_CALL: print(stop)",
])  # fmt: skip
def test_reasons_that_are_failures(reason: str) -> None:
    error = decide_outcome(AnswerEnd(reason, True, True, True, None)).error
    assert error is not None
    assert (error.code, reason in error.message) == ("server_error", True)


@pytest.mark.parametrize("thought", [True, False])
@pytest.mark.parametrize("reason", ["tool_calls", "tool-calls", "toolUse", "function_call"])
def test_a_call_that_never_came(reason: str, thought: bool) -> None:
    """Source: vllm-project/vllm#53255; mastra-ai/mastra#14187; labring/FastGPT#7339."""
    error = decide_outcome(AnswerEnd(reason, True, thought, False, None)).error
    assert error is not None
    assert error.message == f"The provider stopped with '{reason}', but sent no call."
    assert decide_outcome(AnswerEnd("stop", True, thought, False, None)) == COMPLETED


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
    error = decide_outcome(AnswerEnd(reason, done, produced, produced, None)).error
    assert (error and error.message) == message


@pytest.mark.parametrize(("produced", "refused_room"), [(False, True), (True, True), (False, False)])
def test_no_room_for_a_single_token(produced: bool, refused_room: bool) -> None:
    usage = ChatUsage(prompt_tokens=9, completion_tokens=0 if refused_room else 1)
    error = decide_outcome(AnswerEnd("length", True, produced, produced, usage)).error
    assert (error and error.code) == ("context_length_exceeded" if not produced and refused_room else None)


@pytest.mark.parametrize("reason", ["satisfied", "OTHER", "FINISH_REASON_UNSPECIFIED", "pause_turn"])
def test_an_unknown_reason_without_output_is_a_failure(reason: str) -> None:
    error = decide_outcome(AnswerEnd(reason, True, False, False, None)).error
    assert error is not None
    assert reason in error.message


@pytest.mark.parametrize("reason", ["model_context_window_exceeded", "FinishReason.ContextLengthExceeded"])
def test_a_full_window_without_output_is_a_prompt_that_is_too_long(reason: str) -> None:
    error = decide_outcome(AnswerEnd(reason, True, False, False, None)).error
    assert error is not None
    assert error.code == "context_length_exceeded"


def test_a_limit_spent_on_thinking_is_no_full_window() -> None:
    usage = ChatUsage(prompt_tokens=7, completion_tokens=0, total_tokens=8)
    assert decide_outcome(AnswerEnd("length", True, False, False, usage)) == CUT


def test_no_word_has_two_meanings() -> None:
    words = [word for known in FINISH_WORDS.values() for word in known]
    assert len(words) == len(set(words))

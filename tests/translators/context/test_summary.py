"""The request for a summary."""


from translators.context.summary import MAX_SUMMARY_TOKENS, summary_request
from translators.responses.items import Message
from translators.responses.request import CreateRequest

ASK, ANSWER, AGAIN = Message("user", "One?"), Message("assistant", "1."), Message("user", "Two?")


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
    assert asked.max_output_tokens == MAX_SUMMARY_TOKENS

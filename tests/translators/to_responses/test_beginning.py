"""Where an answer begins, and that reading up to there changes nothing."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import chat
from tests.support.stream_harness import StreamHarness
from translators.errors import UpstreamError
from translators.to_responses.answer import AnswerReader
from translators.wire import encode

ROLE = chat.role()
BEGINNINGS = {
    "text": chat.text("Hi"),
    "thinking": chat.thinking("Hm"),
    "a call": chat.call(0, "c", "f", "{}"),
    "a finish reason": chat.chunk(finish="stop"),
    "a refusal": chat.chunk({"refusal": "No."}),
    "half a character, and the end": rb'data: {"choices":[{"delta":{"content":"\ud83d"}}]}' + b"\n\n" + chat.DONE,
    "sources": chat.chunk(choices=[], citations=["https://example.com"]),
}
ANSWER = b": waiting\n\n" + ROLE + chat.thinking("Hm") + chat.text("Hel", "lo") + chat.end()


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_an_answer_begins_with_what_it_says(beginning: str) -> None:
    reader = AnswerReader(StreamHarness().stream)
    for silence in (b": waiting\n\n", ROLE, chat.chunk(choices=[], usage=chat.USAGE)):
        reader.begin(silence)
        assert not reader.has_begun
    reader.begin(BEGINNINGS[beginning])
    assert reader.has_begun


@given(st.lists(st.integers(1, len(ANSWER) - 1), max_size=6), st.booleans(), st.booleans())
def test_a_beginning_that_is_read_first_changes_nothing(cuts: list[int], whole: bool, is_end_known: bool) -> None:
    body = encode(chat.completion("Hello", reasoning_content="Hm")) if whole else ANSWER
    places = [0, *sorted({cut for cut in cuts if cut < len(body)}), len(body)]
    plain, begun = StreamHarness(), StreamHarness()
    one, other = AnswerReader(plain.stream), AnswerReader(begun.stream)
    expected, found = [], []
    for start, end in pairwise(places):
        expected += one.feed(body[start:end])
        if other.has_begun:
            found += other.feed(body[start:end])
        else:
            found += other.begin(body[start:end], is_last=is_end_known and end == len(body))
    if not other.has_begun:
        found += other.begin(b"")
    assert other.has_begun
    assert encode(found + other.finish(9)) == encode(expected + one.finish(9))


@pytest.mark.parametrize("at_end", [False, True])
def test_an_error_takes_the_place_of_an_answer_until_it_has_begun(at_end: bool) -> None:
    error = chat.block(chat.error("Crashed."))
    harness = StreamHarness()
    reader = AnswerReader(harness.stream)
    if at_end:
        reader.begin(ROLE + chat.text("Hi"))
        reader.feed(error)
        assert harness.stream.response.status == "failed"
    else:
        reader.begin(ROLE)
        with pytest.raises(UpstreamError, match="Crashed"):
            reader.begin(error)
        assert not harness.stream.is_over


@pytest.mark.parametrize("error", [chat.block(chat.error("Crashed.")), b"data: no JSON\n\n"])
@pytest.mark.parametrize("are_in_one_read", [False, True])
def test_the_usage_before_an_error_counts(error: bytes, are_in_one_read: bool) -> None:
    harness = StreamHarness()
    reader = AnswerReader(harness.stream)
    usage = chat.chunk(choices=[], usage=chat.USAGE)
    if not are_in_one_read:
        reader.begin(usage)
    with pytest.raises(UpstreamError) as raised:
        reader.begin(usage * are_in_one_read + error)
    assert not harness.stream.is_over
    harness.stream.fail(raised.value)
    counted = harness.stream.response.usage
    assert counted is not None
    assert counted.output_tokens == chat.USAGE["completion_tokens"]

"""An answer's body in the form that the provider chose, and where it ends."""

import pytest

from tests.support.stream_harness import StreamHarness, contents
from translators.to_responses.answer import AnswerReader

HI = b'{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}'
WHOLE = b'{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}'
COMPLETED = ("completed", [("output_text", "Hi")])

BODIES = {
    "an event stream": (b"data: " + HI + b"\n\n", COMPLETED),
    "more space than needed": (
        b'data:   {"choices":[{"delta":{"content":"Hi"}}]} \n\ndata: [DONE] \n\n', COMPLETED
    ),
    "events within events": (b"data: data: " + HI + b"\n\ndata: data: [DONE]\n\n", COMPLETED),
    "text first": (b"Starting up.\n\ndata: " + HI + b"\n\n", COMPLETED),
    "white space first": (b"\n\n  data: " + HI + b"\n\n", COMPLETED),
    "a byte order mark, then an event stream": (b"\xef\xbb\xbfdata: " + HI + b"\n\n", COMPLETED),
    "a whole completion": (WHOLE, COMPLETED),
    "a byte order mark, then a whole completion": (b"\xef\xbb\xbf" + WHOLE, COMPLETED),
    "a whole completion, white space around it": (b"\r\n " + WHOLE + b"\n", COMPLETED),
    "a completion in an array": (b"[" + WHOLE + b"]", COMPLETED),
    "a completion with something behind it": (WHOLE + b"\x00", COMPLETED),
    "a message beside an empty delta (Perplexity)": (
        b'{"choices":[{"delta":{"content":""},"message":{"content":"Hi"},"finish_reason":"stop"}]}', COMPLETED
    ),
    "a completion without a finish reason": (b'{"choices":[{"message":{"content":"Hi"}}]}', COMPLETED),
    "an old completion": (b'{"choices":[{"text":"Hi","finish_reason":"stop"}]}', COMPLETED),
    "half a completion": (WHOLE[:-5], ("failed", "not a chat completion")),
    "an empty completion": (b'{"choices":[]}', ("failed", 'not a chat completion: {"choices":[]}')),
    "an error with status 200": (b'{"error":{"message":"It broke."}}', ("failed", "It broke.")),
    "an error in an array (Gemini)": (b'[{"error":{"message":"It broke."}}]', ("failed", "It broke.")),
    "a web page": (b"<html><b>502</b> Bad</html>", ("failed", "a web page instead of JSON: 502 Bad")),
    "plain text": (b"upstream connect error", ("failed", "not a chat completion: upstream connect error")),
    "nothing": (b"", ("failed", "The provider's answer is empty.")),
    "white space": (b" \n ", ("failed", "The provider's answer is empty.")),
    "a number": (b"data: 5\n\n", ("failed", "not a chat completion: 5")),
    "half an event": (b"data: " + HI + b'\n\ndata: {"usage":', COMPLETED),
    "half an event and no finish reason": (
        b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: {"cho', ("failed", "before the answer was complete")
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_bodies(name: str) -> None:
    body, (status, expected) = BODIES[name]
    response = StreamHarness().read([body]).response
    assert response["status"] == status
    if status == "failed":
        assert expected in response["error"]["message"]
    else:
        assert contents(response["output"]) == expected


def test_what_follows_done_is_not_read() -> None:
    harness = StreamHarness()
    reader = AnswerReader(harness.stream)
    assert reader.feed(b"data: " + HI + b"\n\n")
    assert not reader.done
    assert reader.feed(b"data: [DONE]\n\ndata: " + HI + b"\n\n") == []
    assert reader.done
    assert reader.feed(b"data: " + b"x" * (17 << 20)) == []


def test_a_failed_response_needs_no_more() -> None:
    harness = StreamHarness()
    reader = AnswerReader(harness.stream)
    reader.feed(b'data: {"error":"x"}\n\n')
    assert reader.done


def test_a_whole_body_has_a_limit() -> None:
    harness = StreamHarness()
    reader = AnswerReader(harness.stream, 100)
    assert reader.feed(b"{" + b" " * 99) == []
    harness.emitted += reader.feed(b" ")
    assert "larger than" in harness.response["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"\n", b"data: [DONE]\n\n", b"<html>x</html>", b"null", b"[]", b"Bad gateway"])
def test_an_answer_that_is_none_is_the_providers_fault(body: bytes) -> None:
    error = StreamHarness().read([body]).stream.error
    assert error is not None
    assert error.status == 502

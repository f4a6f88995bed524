"""The forms of event streams that providers send, each as the payloads it holds."""

import pytest

from translators.to_responses.sse import SSEDecoder

STREAMS = {
    "as it should be": (b'data: {"a":1}\n\ndata: [DONE]\n\n', [b'{"a":1}', b"[DONE]"]),
    "no space behind the colon (TGI)": (b'data:{"a":1}\n\ndata:[DONE]\n\n', [b'{"a":1}', b"[DONE]"]),
    "more space than needed": (b'data:   {"a":1} \n\ndata: [DONE] \n\n', [b'  {"a":1} ', b"[DONE] "]),
    "CRLF (Perplexity)": (b'data: {"a":1}\r\n\r\ndata: {"a":2}\r\n\r\n', [b'{"a":1}', b'{"a":2}']),
    "CR": (b'data: {"a":1}\r\rdata: {"a":2}\r\r', [b'{"a":1}', b'{"a":2}']),
    "comments (OpenRouter)": (b': OPENROUTER PROCESSING\n\n: again\ndata: {"a":1}\n\n', [b'{"a":1}']),
    "event, id and retry": (b'event: error\nid: 7\nretry: 10\ndata: {"a":1}\n\n', [b'{"a":1}']),
    "an error line (llama.cpp)": (b'error: {"code":500}\n\n', [b'{"code":500}']),
    "no blank line at the end": (b'data: {"a":1}\n\ndata: {"a":2}', [b'{"a":1}', b'{"a":2}']),
    "single line ends": (b'data: {"a":1}\ndata: {"a":2}\ndata: [DONE]\n\n', [b'{"a":1}', b'{"a":2}', b"[DONE]"]),
    "a payload over several lines": (b'data: {\ndata: "a":1\ndata: }\n\n', [b'{\n"a":1\n}']),
    "empty data": (b'data: \n\ndata:\n\ndata: {"a":1}\n\n', [b'{"a":1}']),
    "many blank lines": (b'\n\n\n\ndata: {"a":1}\n\n\n\n\ndata: {"a":2}\n\n', [b'{"a":1}', b'{"a":2}']),
    "words that look like a field": (b'database: x\n\ndata\n\n data: {"a":1}\n\n', []),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("name", STREAMS)
def test_payloads(name: str) -> None:
    stream, expected = STREAMS[name]
    decoder = SSEDecoder()
    assert decoder.feed(stream) + decoder.flush() == expected


SPLITS = {
    "between the line ends of a blank line": ([b"data: {}\n", b"\ndata: {"], [[], [b"{}"]]),
    "between CR and LF": ([b"data: {\r", b"\ndata: }\r\n\r\n"], [[], [b"{\n}"]]),
    "behind the CR of a blank line": ([b"data: {}\r\n\r", b"\n"], [[b"{}"], []]),
}


@pytest.mark.parametrize("name", SPLITS)
def test_an_event_is_told_as_soon_as_it_is_complete(name: str) -> None:
    pieces, expected = SPLITS[name]
    decoder = SSEDecoder()
    assert [decoder.feed(piece) for piece in pieces] == expected


def test_it_can_be_used_again_after_a_flush() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: {") == []
    assert decoder.flush() == [b"{"]
    assert decoder.feed(b"data: {}\n\n") == [b"{}"]

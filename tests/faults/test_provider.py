"""Faults of the provider: an HTTP error with our envelope before the stream begins, one `response.failed`
after.

What a provider may do to its framing without saying anything wrong is no fault: the answer arrives whole.
"""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import chat
from tests.support.client import judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import CLOSE, RESET, Gate, Script, Upstream, drip, head, stream, whole

HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
CONTEXT = chat.error("This model's maximum context length is 8192 tokens.", code="context_length_exceeded")
LIMIT = chat.error("Rate limit reached. Try again in 7s.", type="tokens", code="rate_limit_exceeded")

REFUSALS: dict[str, tuple[Script, int, str | None, str | None]] = {
    "400": (whole(chat.error("No.", param="messages"), 400), 400, None, "input"),
    "400 for too long an input": (whole(CONTEXT, 400), 400, "context_length_exceeded", "input"),
    "401": (whole(chat.error("Bad key."), 401), 401, "invalid_api_key", None),
    "404": (whole(chat.error("No such model."), 404), 400, "model_not_found", "model"),
    "429": (whole(LIMIT, 429, retry_after="7"), 429, "rate_limit_exceeded", None),
    "429 without Retry-After": (whole(LIMIT, 429), 429, "rate_limit_exceeded", None),
    "500 with an empty body": (whole(b"", 500), 500, "server_error", None),
    "502 with a web page": (whole(HTML, 502, "text/html"), 503, "server_is_overloaded", None),
    "503": (whole(chat.error("Overloaded."), 503), 503, "server_is_overloaded", None),
    "a redirect": (whole(b"", 302, location="http://127.0.0.1:9/"), 502, "server_error", None),
    "a head that is not HTTP": ([b"SSH-2.0-OpenSSH_9.2\r\n", CLOSE], 503, "server_error", None),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("fault", REFUSALS)
def test_a_refusal(fault: str, streamed: bool, service: Service, upstream: Upstream) -> None:
    script, status, code, param = REFUSALS[fault]
    upstream.plays(script)
    answer = service.post({"model": "m", "input": "Hi", "stream": streamed})
    assert (answer.status, answer.error["code"], answer.error["param"]) == (status, code, param)


def test_retry_after_is_passed_on(service: Service, upstream: Upstream) -> None:
    upstream.plays(whole(LIMIT, 429, retry_after="7"), whole(LIMIT, 429))
    assert service.post({"model": "m", "input": "Hi"}).headers["retry-after"] == "7"
    assert float(service.post({"model": "m", "input": "Hi"}).headers["retry-after"]) > 0


def test_a_refusal_past_the_grace_window(hasty: Service, upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays([gate, *whole(LIMIT, 429)])
    with hasty.open_stream() as exchange:
        exchange.read_until(b"event: response.in_progress")
        gate.set()
        exchange.read_until(b"event: response.failed")
        assert b'"code":"rate_limit_exceeded"' in exchange.body


def test_connection_refused(tmp_path_factory: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens, and nobody else can
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with Service(tmp_path_factory.mktemp("refused"), upstream_url=url, workers=1) as service:
            for streamed in (False, True):
                answer = service.post({"model": "m", "input": "Hi", "stream": streamed})
                assert answer.status == 503
                assert answer.error["type"] == "server_error"
                assert answer.headers["retry-after"]
            assert service.get("/v1/models").status == 503


@pytest.mark.parametrize("streamed", [False, True])
def test_closed_without_an_answer(streamed: bool, service: Service, upstream: Upstream) -> None:
    """The provider may have begun to answer, so the request is not sent again."""
    upstream.plays([CLOSE])
    answer = service.post({"model": "m", "input": "Hi", "stream": streamed})
    assert answer.status == 503
    assert answer.error["message"]
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["close", "reset"])
def test_a_request_that_a_reused_connection_lost_is_not_sent_again(
    end: Any, service: Service, upstream: Upstream
) -> None:
    upstream.plays(whole(chat.completion("One.")), [end])
    service.create()
    assert service.post({"model": "m", "input": "Hi"}).status == 503
    assert len(upstream.requests) == 2


def test_a_connection_that_died_while_it_was_idle_is_not_used(service: Service, upstream: Upstream) -> None:
    upstream.plays([*whole(chat.completion("One.")), CLOSE], whole(chat.completion("Two.")))
    for text in ("One.", "Two."):
        assert service.create()["output"][0]["content"][0]["text"] == text
    assert len(upstream.requests) == 2


def bytes_of(script: Script) -> bytes:
    return b"".join(step for step in script if isinstance(step, bytes))


HEL = chat.text("Hel")
CHUNKED = head(200, content_type="text/event-stream", transfer_encoding="chunked")
BROKEN: dict[str, Script] = {
    "cut between chunks": stream(HEL, CLOSE),
    "cut mid-chunk": [CHUNKED, b"%x\r\n%b" % (len(HEL) + 9, HEL), CLOSE],
    "reset mid-chunk": [CHUNKED, b"%x\r\n%b" % (len(HEL) + 9, HEL), RESET],
    "cut before its length": [head(200, content_type="text/event-stream", content_length="9999") + HEL, CLOSE],
    "cut mid-event": stream(HEL + b'data: {"choices":[{"delta":{"cont', framing="close"),
    "an end without finish or [DONE]": stream(HEL),
    "a chunk size that is none": [CHUNKED, b"zz\r\n", CLOSE],
    "a chunk size below nothing": [CHUNKED, b"-5\r\n", HEL, CLOSE],
    "a chunk size without end": [CHUNKED, b"1" * 100_000],
    "an error in the stream": stream(HEL, chat.block(chat.error("The model crashed.")), chat.DONE),
    "an error event": stream(HEL, b'event: error\ndata: {"error":{"message":"The model crashed."}}\n\n'),
    "an error in a choice": stream(
        HEL, chat.chunk(choices=[{"index": 0, "delta": {}, "error": {"code": 502, "message": "Crashed."}}])
    ),
    "finish_reason error": stream(HEL, chat.end("error")),
    "an event that is not JSON": stream(HEL, b"data: the end is near\n\n", chat.end()),
    "a line without end": stream(HEL, b"data: {", *[b"x" * 1024 * 1024] * 17, CLOSE),
    "a web page as 200": whole(HTML, 200, "text/html"),
    "plain text as 200": whole(b"Model is loading.", 200, "text/plain"),
    "an empty 200": whole(b""),
    "[DONE] and nothing else": stream(chat.DONE),
    "an error as 200": whole(chat.error("The model crashed.")),
}


NO_ANSWER = {
    "an event that is not JSON", "a web page as 200", "plain text as 200", "cut mid-event", "an empty 200",
    "[DONE] and nothing else", "an end without finish or [DONE]", "finish_reason error",
}  # fmt: skip
"""The faults of those in which the provider said all that it had to say, and that is no answer."""


@pytest.mark.parametrize("fault", BROKEN)
def test_a_stream_that_breaks(fault: str, service: Service, upstream: Upstream) -> None:
    upstream.plays(BROKEN[fault])
    events = service.stream()
    failed = events[-1]["response"]
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == "server_error"
    assert "<html>" not in failed["error"]["message"]
    texts = [part["text"] for item in failed["output"] for part in item["content"]]
    assert texts == (["Hel"] if HEL in bytes_of(BROKEN[fault]) and "below" not in fault else [])
    assert service.get(f"/v1/responses/{failed['id']}").response == failed


@pytest.mark.parametrize("fault", BROKEN)
def test_an_answer_that_breaks(fault: str, service: Service, upstream: Upstream) -> None:
    upstream.plays(BROKEN[fault])
    answer = service.post({"model": "m", "input": "Hi"})
    assert answer.status == (502 if fault in NO_ANSWER else 500)
    assert answer.error["type"] == "server_error"


def test_silence(hasty: Service, upstream: Upstream) -> None:
    upstream.plays(stream(HEL, Gate()), [Gate()], [Gate()])
    told = "The provider sent nothing for 2 seconds."
    assert hasty.stream()[-1]["response"]["error"]["message"] == told
    assert hasty.stream()[-1]["response"]["error"]["message"] == told
    answer = hasty.post({"model": "m", "input": "Hi"})
    assert (answer.status, answer.error["message"]) == (500, told)
    assert upstream.received(3).closed.wait(2)


def test_too_large_an_answer(upstream: Upstream, provider: Upstream, tmp_path_factory: Any) -> None:
    endless = [chat.text("x" * 1000)] * 50
    with Service(
        tmp_path_factory.mktemp("large"), upstream_url=provider.url, workers=1, max_output_bytes=10_000
    ) as service:
        upstream.plays(stream(*endless, Gate()), whole(chat.completion("x" * 50_000)))
        assert "limits" in service.stream()[-1]["response"]["error"]["message"]
        assert upstream.received().closed.wait(2)
        assert service.post({"model": "m", "input": "Hi"}).status == 500


WORDS = chat.text("Grüße, ", "世界 🌊")


def around(blocks: bytes, mark: bytes) -> Iterator[bytes]:
    """Cut bytes in the middle of a character."""
    at = blocks.index(mark) + 1
    yield from (blocks[:at], blocks[at:])


TOLERATED: dict[str, Script] = {
    "no [DONE]": stream(WORDS, chat.chunk(finish="stop")),
    "no usage": stream(WORDS, chat.end(usage=None)),
    "a character split over packets": stream(*around(WORDS, "🌊".encode()), chat.end()),
    "byte by byte": stream(*drip(WORDS + chat.end())),
    "a chunk for each byte, headers too": drip(bytes_of(stream(WORDS, chat.end()))),
    "carriage returns": stream((WORDS + chat.end()).replace(b"\n", b"\r\n")),
    "no space behind data:": stream((WORDS + chat.end()).replace(b"data: ", b"data:")),
    "comments": stream(b": PROCESSING\n\n", WORDS, b": PROCESSING\n\n", chat.end()),
    "sized": stream(WORDS, chat.end(), framing="length"),
    "ended by closing": stream(WORDS, chat.end(), framing="close"),
    "cut behind [DONE]": stream(WORDS, chat.end(), CLOSE),
    "a whole completion": whole(chat.completion("Grüße, 世界 🌊")),
    "another content type": [bytes_of(stream(WORDS, chat.end())).replace(b"event-stream", b"plain")],
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("way", TOLERATED)
def test_an_answer_in_its_own_way(way: str, streamed: bool, service: Service, upstream: Upstream) -> None:
    upstream.plays(TOLERATED[way])
    response = service.stream()[-1]["response"] if streamed else service.create()
    assert response["status"] == "completed"
    assert response["output"][0]["content"][0]["text"] == "Grüße, 世界 🌊"


def test_a_slow_head(hasty: Service, upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays([gate, *stream(WORDS, chat.end())])
    with hasty.open_stream() as exchange:
        exchange.read_until(b"event: response.in_progress")
        gate.set()
        assert b"event: response.completed" in exchange.rest()


def test_signs_of_life_in_silence(upstream: Upstream, provider: Upstream, tmp_path_factory: Any) -> None:
    """A comment, then a repeated response.in_progress: Codex's idle timer does not see comments."""
    gate = Gate()
    upstream.plays(stream(HEL, gate, chat.end()))
    directory = tmp_path_factory.mktemp("signs")
    with (
        Service(directory, upstream_url=provider.url, workers=1, keep_alive=1) as service,
        service.open_stream() as exchange,
    ):
        head_of_it = exchange.read_until(b'"delta":"Hel"')
        assert exchange.read_until(b": keep-alive\n\n").count(b"event: ") == head_of_it.count(b"event: ")
        exchange.read_until(b": keep-alive\n\nevent: response.in_progress\n")
        gate.set()
        events = judged(exchange.rest())
    assert [event["type"] for event in events].count("response.in_progress") == 2

"""An error with status 200, in the place of an answer: it sends the request on like an error status.

What follows the first words of an answer ends the response (`tests/faults/test_provider.py`).
"""

from typing import Any

import pytest

from tests.faults.failover.two_upstreams import HELLO, answer, name, text_of
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Script, Upstream, stream, whole

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CRASHED = chat.block(chat.error("Crashed."))
LIMITED = chat.error("Rate limit reached.", code="rate_limit_exceeded")
IN_PLACE: dict[str, list[Script]] = {
    "a chunk": [stream(CRASHED, chat.DONE)],
    "an error event": [stream(b'event: error\ndata: {"error":{"message":"Crashed."}}\n\n')],
    "after keep-alives": [stream(b": waiting\n\n", b": waiting\n\n", CRASHED)],
    "after the role": [stream(chat.role(), CRASHED)],
    "beside a finish reason": [stream(chat.role(finish="error", usage=None, **chat.error("Overloaded.")))],
    "in a choice": [stream(chat.chunk(choices=[{"index": 0, "delta": {}, "error": {"message": "Crashed."}}]))],
    "of Groq": [stream(chat.chunk(choices=[], x_groq={"error": "over_capacity"}))],
    "a whole body": [whole(chat.error("Overloaded.", code=503))],
    "a flat body": [whole({"object": "error", "message": "Crashed.", "code": 500})],
    "a web page": [whole(b"<html>Bad Gateway</html>", 200, "text/html")],
    "text": [whole(b"upstream connect error", 200, "text/plain")],
    "a limit of both keys": [whole(LIMITED), stream(chat.block(LIMITED))],
    "an unknown model": [whole(chat.error("The model does not exist.", code="model_not_found"))],
}


CASES = [(error, kind) for error in IN_PLACE for kind in ("whole", "streamed")]
CASES += [(error, kind) for error in ("after the role", "a whole body") for kind in ("background", "buffered")]


@pytest.mark.parametrize(("error", "kind"), CASES)
def test_an_error_in_the_place_of_an_answer(
    error: str, kind: str, routed: Service, a: Upstream, b: Upstream
) -> None:
    model = name("first")
    a.plays(*IN_PLACE[error])
    text = '{"city":"Paris"}' if kind == "buffered" else "Hello."
    b.otherwise = lambda received: answer(text, received)
    form: dict[str, Any] = {"type": "json_schema", "name": "city", "schema": CITY}
    if kind in ("streamed", "background"):
        response = routed.stream(model=model, background=kind == "background")[-1]["response"]
    else:
        response = routed.create(model=model, **({"text": {"format": form}} if kind == "buffered" else {}))
    assert (response["status"], text_of(response)) == ("completed", text)
    assert response["usage"]["total_tokens"] == 16
    assert (len(a.requests), len(b.requests)) == (len(IN_PLACE[error]), 1)
    a.plays(HELLO)
    assert text_of(routed.create(model=name("first"))) == "Hello.", "more was blamed than the model"


@pytest.mark.parametrize("streamed", [False, True])
def test_the_callers_mistake(streamed: bool, routed: Service, a: Upstream, b: Upstream) -> None:
    a.plays(stream(chat.block(chat.error("maximum context length is 8192 tokens", code=400))))
    model = name("first")
    if streamed:
        failed = routed.post({"model": model, "input": "Hi", "stream": True})
        assert b'"error":{"code":"context_length_exceeded"' in failed.body
    else:
        assert routed.post({"model": model, "input": "Hi"}).error["code"] == "context_length_exceeded"
    assert not b.requests


@pytest.mark.parametrize("streamed", [False, True])
def test_errors_in_the_place_of_all_answers(streamed: bool, routed: Service, a: Upstream, b: Upstream) -> None:
    a.plays(whole(chat.error("Crashed.")))
    b.plays(stream(chat.role(), chat.block(chat.error("Overloaded."))))
    model = name("first")
    if streamed:
        failed = routed.post({"model": model, "input": "Hi", "stream": True})
        assert b'"error":{"code":"server_is_overloaded","message":"Overloaded."' in failed.body
    else:
        refused = routed.post({"model": model, "input": "Hi"})
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert (len(a.requests), len(b.requests)) == (1, 1)


def test_an_error_after_tokens_that_are_counted(routed: Service, a: Upstream, b: Upstream) -> None:
    """Nothing was sent of them, but they may be paid."""
    a.plays(stream(chat.role(), chat.chunk(choices=[], usage=chat.USAGE, **chat.error("Crashed."))))
    failed = routed.stream(model=name("first"))[-1]["response"]
    assert (failed["status"], failed["usage"]["output_tokens"]) == ("failed", 7)
    assert not b.requests


def test_a_rejection_in_the_place_of_an_answer_teaches(routed: Service, a: Upstream, b: Upstream) -> None:
    unsupported = chat.error("Unsupported parameter: 'top_p'.", param="top_p", code=400)
    a.plays(stream(chat.block(unsupported)), HELLO)
    response = routed.create(model=name("first"), top_p=0.5)
    assert text_of(response) == "Hello."
    assert ["top_p" in received.json for received in a.requests] == [True, False]
    assert not b.requests


@pytest.mark.parametrize("streamed", [False, True])
def test_an_input_that_is_too_long_is_shortened(streamed: bool, routed: Service, a: Upstream, b: Upstream) -> None:
    too_long = chat.error("maximum context length is 8192 tokens", code=400)
    a.plays(stream(chat.role(), chat.block(too_long)))
    a.otherwise = lambda received: answer("Hello.", received)
    talk = [{"role": role, "content": "Well."} for role in ("user", "assistant", "user", "assistant", "user")]
    body = {"model": name("first"), "input": talk, "truncation": "auto", "stream": streamed}
    assert b"Hello." in routed.post(body).body
    assert [len(received.messages) for received in a.requests] == [5, 1]
    assert not b.requests

"""Errors of the provider whose body does not come whole: the status is what the client gets. What is no answer, either.

How recorded errors come out: tests/recordings.
"""

import json

from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import CLOSE, Gate, Upstream, head, stream, whole

BEGUN = b'{"error":{"message":"Slow down'


def test_cut(service: Service, upstream: Upstream) -> None:
    upstream.plays([head(429, content_type="application/json", content_length="500", retry_after="7") + BEGUN, CLOSE])
    answer = service.post({"model": "m", "input": "Hi"})
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert answer.error["code"] == "rate_limit_exceeded"


def test_held_back(service: Service, upstream: Upstream) -> None:
    upstream.plays([head(429, content_type="application/json", content_length="500") + BEGUN, Gate()])
    answer = service.post({"model": "m", "input": "Hi", "stream": True})
    assert answer.status == 429
    assert answer.error["code"] == "rate_limit_exceeded"


def test_a_call_that_does_not_fit_its_tool(service: Service, upstream: Upstream) -> None:
    """As an answer that does not fit its format: the provider's, and not to be had again for the asking."""
    call = {"id": "call_1", "type": "function", "function": {"name": "shell", "arguments": '{"commands": 5}'}}
    upstream.plays(whole(chat.completion(None, tool_calls=[call])))
    answer = service.post({"model": "m", "input": "Hi", "tools": [{"type": "shell"}]})
    assert (answer.status, answer.error["code"], answer.headers["x-should-retry"]) == (502, "server_error", "false")


def test_what_a_refused_prompt_becomes_in_a_stream_that_has_begun(service: Service, upstream: Upstream) -> None:
    refusal = {"error": {"message": "Content Exists Risk", "code": 400}}
    upstream.plays(stream(chat.text("Hi"), b"data: " + json.dumps(refusal).encode() + b"\n\n"))
    failed = service.stream()[-1]
    assert failed["type"] == "response.failed"
    assert failed["response"]["error"] == {"code": "invalid_prompt", "message": "Content Exists Risk"}

"""Errors of the provider whose body does not come whole: the status is what the client gets."""

from tests.support.service import Service
from tests.support.upstream import CLOSE, Gate, Upstream, head

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

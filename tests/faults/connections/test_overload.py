"""More requests than a worker can take: the new ones are refused at once, and what is inside goes on."""

import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.support import chat
from tests.support.client import Answer
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, Upstream, stream, whole

ITEMS = json.dumps([{"role": "user", "content": "some words of a user"}] * 1500)[1:]
"""Cost the worker much more time than those who send them; with more items a thread would do it, not the event loop."""
NUMBERS = itertools.count()
SENDERS = 40
PIECES = 300


def heavy() -> bytes:
    """Return a request that begins as no other: what is known would cost little."""
    return f'{{"model": "m", "input": [{{"role": "user", "content": "{next(NUMBERS)}"}}, {ITEMS}}}'.encode()


def is_refused(answer: Answer) -> bool:
    """Whether it is an overloaded worker's answer, and that it tells clients to come again."""
    if answer.status != 503:
        return False
    assert answer.error["code"] == "server_is_overloaded"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["x-should-retry"] == "true"
    return True


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end
        sleep(0.05)


def test_as_many_responses_as_it_may_answer(tmp_path: Path, upstream: Upstream, provider: Upstream) -> None:
    gate = Gate()
    upstream.plays(*[stream(chat.text("Hel"), gate, chat.end())] * 3, whole(chat.completion("Hello.")))
    with (
        Service(tmp_path, upstream_url=provider.url, workers=1, max_responses=3) as service,
        ExitStack() as held,
    ):
        inside = [held.enter_context(service.open_stream()) for _ in range(3)]
        for one in inside:
            one.read_until(b'"Hel"')
        for body in ({"model": "m", "input": "Hi"}, {"model": "m", "input": "Hi", "stream": True}):
            assert is_refused(service.post(body))
        assert len(upstream.requests) == 3
        gate.set()
        for one in inside:
            assert b"response.completed" in one.rest()
        assert service.create("Hi")["status"] == "completed"


@pytest.mark.slow
def test_more_work_than_it_can_do(tmp_path: Path, upstream: Upstream, provider: Upstream) -> None:
    gates = [Gate() for _ in range(PIECES)]
    upstream.plays(stream(*(step for gate in gates for step in (gate, chat.text("x"))), chat.end()))
    statuses: Counter[int] = Counter()
    is_over = threading.Event()
    with Service(tmp_path, upstream_url=provider.url, workers=1, max_lag=0.05) as service:

        def send() -> None:
            while not is_over.is_set():
                answer = service.request("POST", "/v1/responses/input_tokens", heavy())
                statuses[answer.status] += 1
                if is_refused(answer):
                    is_over.wait(float(answer.headers["Retry-After"]))

        senders = [threading.Thread(target=send) for _ in range(SENDERS)]
        with service.open_stream() as inside:
            for sender in senders:
                sender.start()
            try:
                until(lambda: statuses[503] >= 20)
                for gate in gates:
                    gate.set()
                    sleep(0.01)
                assert b"response.completed" in inside.rest()
            finally:
                is_over.set()
                for sender in senders:
                    sender.join()
        assert inside.body.count(b'"delta":"x"') == PIECES
        assert statuses.keys() == {200, 503}, "every request is answered or refused"
        assert '"event":"overloaded"' in service.log
        until(lambda: '"event":"no longer overloaded"' in service.log)
        assert service.request("POST", "/v1/responses/input_tokens", heavy()).status == 200

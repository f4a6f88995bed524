"""Requests to a native thread: when they are queued, and together with which others they are done."""

import time
from collections.abc import Iterator

import gevent
import pytest
from gevent.monkey import get_original

from adapter.event_loop.native_threads import Job, NativeThreads


class Resource:
    def close(self) -> None:
        pass


class Batches:
    """What one thread did."""

    def __init__(self) -> None:
        self.done: list[list[int]] = []
        self.threads = NativeThreads[Resource, int](Resource, self._work, threads=1, batch=9)

    def _work(self, _: Resource, jobs: list[Job[int]]) -> None:
        self.done.append([job.request for job in jobs])
        for job in jobs:
            job.answer = -job.request


@pytest.fixture
def batches() -> Iterator[Batches]:
    batches = Batches()
    yield batches
    batches.threads.close()


def test_requests_of_one_turn_of_the_loop_are_queued_together(batches: Batches) -> None:
    do = batches.threads.do
    assert do(1) == -1
    asking = [gevent.spawn(do, number) for number in (2, 3, 4)]
    seen = gevent.spawn(lambda: (get_original("time", "sleep")(0.02), list(batches.done))[1])
    gevent.joinall([*asking, seen])
    assert seen.value == [[1]], "the thread could have begun"
    assert [one.value for one in asking] == [-2, -3, -4]
    assert [number for batch in batches.done for number in batch] == [1, 2, 3, 4]


def test_a_request_is_carried_out_though_its_greenlet_is_killed_in_the_same_turn(batches: Batches) -> None:
    asking = gevent.spawn(batches.threads.do, 1)
    gevent.spawn(asking.kill, block=False)
    gevent.joinall([asking])
    until = time.monotonic() + 5
    while not batches.done and time.monotonic() < until:
        gevent.sleep(0.005)
    assert batches.done == [[1]]


def test_close_carries_out_what_was_asked_in_the_same_turn(batches: Batches) -> None:
    asking = gevent.spawn(batches.threads.do, 1)
    closing = gevent.spawn(batches.threads.close)
    gevent.joinall([asking, closing])
    assert asking.value == -1
    assert batches.threads.do(2) == -2

"""Requests to a native thread: when they are queued, and together with which others they are done."""

import time
from collections.abc import Iterator

import gevent
import pytest
from gevent.monkey import get_original

from adapter.event_loop.native_threads import Job, NativeThreads
from adapter.event_loop.turn import await_next_turn


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


def test_requests_are_gathered_as_long_as_each_turn_brings_one_but_no_more_than_a_batch(batches: Batches) -> None:
    def ask(number: int) -> int:
        for _ in range(number):
            await_next_turn()
        answer: int = batches.threads.do(number)
        return answer

    asking = [gevent.spawn(ask, number) for number in range(1, 13)]
    gevent.joinall(asking, raise_error=True)
    assert batches.done == [[1, 2, 3, 4, 5, 6, 7, 8, 9], [10, 11, 12]]


def test_a_request_does_not_wait_for_a_busy_loop(batches: Batches) -> None:
    def spin() -> None:
        while True:
            await_next_turn()

    spinning = gevent.spawn(spin)
    try:
        with gevent.Timeout(5):
            assert batches.threads.do(1) == -1
    finally:
        spinning.kill()


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


def test_what_is_asked_during_a_close_is_carried_out() -> None:
    lock = get_original("_thread", "allocate_lock")
    gates = {1: lock(), 2: lock()}

    def work(_: Resource, jobs: list[Job[int]]) -> None:
        for job in jobs:
            with gates[job.request]:
                job.answer = -job.request

    threads = NativeThreads[Resource, int](Resource, work, threads=1, batch=9)
    for gate in gates.values():
        gate.acquire()
    asking = [gevent.spawn(threads.do, 1), gevent.spawn(threads.close), gevent.spawn_later(0.01, threads.do, 2)]
    gevent.sleep(0.05)
    gates[1].release()
    gevent.joinall(asking[:2], timeout=5)
    gates[2].release()
    gevent.joinall(asking, timeout=5)
    assert [one.value for one in asking] == [-1, None, -2]
    threads.close()


def test_a_thread_that_cannot_be_started_is_started_for_the_next_request(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr("adapter.event_loop.native_threads._start_thread", refuse)
        with pytest.raises(RuntimeError):
            batches.threads.do(1)
    with gevent.Timeout(5):
        assert batches.threads.do(2) == -2

"""Rates that several processes share."""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapter.sharing.buckets import Bucket
from adapter.sharing.rates import Limits, RateTable


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(clock: Clock) -> RateTable:
    return RateTable(clock)


REQUESTS = Limits(requests=Bucket(60, 10))
TOKENS = Limits(tokens=Bucket(100_000, 100_000))


def let_in(table: RateTable, limits: Limits, count: int, tokens: float = 0) -> int:
    return sum(table.take("key", limits, tokens).refused_by == "" for _ in range(count))


def test_a_burst_and_then_the_rate(table: RateTable, clock: Clock) -> None:
    assert let_in(table, REQUESTS, 30) == 10
    clock.now += 3
    assert let_in(table, REQUESTS, 30) == 3
    clock.now += 3600
    assert let_in(table, REQUESTS, 30) == 10


def test_keys_do_not_share(table: RateTable) -> None:
    assert let_in(table, REQUESTS, 30) == 10
    assert table.take("other", REQUESTS, 0).refused_by == ""


def test_tokens_may_be_overdrawn_once_and_are_settled(table: RateTable, clock: Clock) -> None:
    assert let_in(table, TOKENS, 10, tokens=50_000) == 2
    table.release("key", TOKENS.tokens, 100_000)  # one cost 150,000
    clock.now += 59.9
    assert table.take("key", TOKENS, 1).refused_by == "tokens"
    clock.now += 0.2
    assert table.take("key", TOKENS, 1).refused_by == ""


def test_tokens_that_were_not_used_come_back(table: RateTable) -> None:
    assert let_in(table, TOKENS, 10, tokens=100_000) == 1
    table.release("key", TOKENS.tokens, -99_000)
    assert table.take("key", TOKENS, 1).refused_by == ""


def test_what_is_refused_costs_nothing(table: RateTable, clock: Clock) -> None:
    both = Limits(Bucket(60, 10), Bucket(600, 600))
    assert table.take("key", both, 600).refused_by == ""
    assert {table.take("key", both, 600).refused_by for _ in range(100)} == {"tokens"}
    clock.now += 60
    assert table.take("key", both, 600).refused_by == ""


def test_responses_at_a_time(table: RateTable) -> None:
    limits = Limits(concurrent=2)
    assert [table.take("key", limits, 0).refused_by for _ in range(3)] == ["", "", "concurrent"]
    table.release("key", None, 0)
    assert table.take("key", limits, 0).refused_by == ""
    assert table.running("key") == 2


def in_a_process(do: Callable[[], None]) -> int:
    """Run something in a forked process, which ends without returning; return its id."""
    pid = os.fork()
    if pid == 0:
        do()
        os._exit(0)
    return pid


def test_processes_together_let_in_what_one_would() -> None:
    table = RateTable()
    limits = Limits(requests=Bucket(0.001, 100))
    reader, writer = os.pipe()

    def take() -> None:
        os.write(writer, bytes([let_in(table, limits, 60)]))

    for pid in [in_a_process(take) for _ in range(4)]:
        os.waitpid(pid, 0)
    assert sum(os.read(reader, 100)) == 100


def test_what_a_dead_process_was_doing_does_not_count() -> None:
    table = RateTable()
    limits = Limits(concurrent=2)
    pid = in_a_process(lambda: [table.take("key", limits, 0) for _ in range(2)] and None)
    os.waitpid(pid, 0)
    assert table.running("key") == 0
    assert let_in(table, limits, 3) == 2


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 40)), min_size=1, max_size=30))
def test_no_interval_lets_in_more_than_its_burst_and_its_share(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    table = RateTable(clock)
    let: list[float] = []
    for pause, tries in steps:
        clock.now += pause
        let += [clock.now] * let_in(table, REQUESTS, tries)
    for first, begin in enumerate(let):
        for last in range(first, len(let)):
            assert last - first + 1 <= 10 + (let[last] - begin) + 1e-6

"""Limits over several machines that share a store."""

from typing import Any

import gevent
import pytest
from gevent.event import Event

from adapter.settings.caller_keys import CallerKey
from adapter.settings.settings import Settings
from adapter.sharing.admission import Admission, Gate, LimitExceeded
from adapter.sharing.keys import CallerKeys
from adapter.sharing.periods import date_of, utc_day
from adapter.sharing.rates import RateTable
from adapter.store.base import KeyUsage, StoreDown
from adapter.store.keys.machines import Machines
from adapter.store.memory import MemoryStore
from tests.adapter.sharing.test_rates import Clock

Held = list[Admission | None]


class Machine:
    def __init__(self, store: MemoryStore, clock: Clock, key: CallerKey) -> None:
        self.key = key
        self.gate = Gate(has_keys=True, key_tokens=store.key_tokens)
        self.gate.table = RateTable(clock)
        self.machines = Machines(store, self.gate, CallerKeys(Settings(keys=(key,))))
        self.machines.synchronise()

    def let_in(self, tries: int, *, keep: bool = False, tokens: int = 0) -> int:
        """Send requests; return how many were let in."""
        held: Held = []
        for _ in range(tries):
            try:
                held.append(self.gate.admit(self.key, "m", 4 * tokens, None))
            except LimitExceeded:
                break
        if keep:
            self.held = held
        return len(held)


class Pair:
    def __init__(self, **limits: Any) -> None:
        self.clock = Clock()
        self.store = MemoryStore()
        key = CallerKey(name="team", digests=frozenset({"0"}), tenant="team", **limits)
        self.one, self.two = (Machine(self.store, self.clock, key) for _ in range(2))

    def synchronise(self) -> None:
        for machine in (self.one, self.two, self.one):
            machine.machines.synchronise()


def test_requests_count_on_both() -> None:
    pair = Pair(requests_per_minute=60)
    assert pair.one.let_in(20) == 10
    pair.synchronise()
    assert pair.two.let_in(20) == 0
    pair.clock.now += 3
    assert pair.two.let_in(20) == 3
    pair.synchronise()
    assert pair.one.let_in(20) == 0


def test_what_both_let_in_at_once_is_made_up_for() -> None:
    pair = Pair(requests_per_minute=60)
    assert pair.one.let_in(20) + pair.two.let_in(20) == 20, "each has a bucket"
    pair.synchronise()
    pair.clock.now += 9.9
    pair.synchronise()
    assert pair.one.let_in(20) + pair.two.let_in(20) == 0, "together they owe ten"
    pair.clock.now += 1.2
    assert pair.one.let_in(20) == 1


@pytest.mark.parametrize("seconds", [1, 10])
def test_over_time_both_let_in_what_one_would(seconds: int) -> None:
    pair = Pair(requests_per_minute=60)
    total = 0
    for _ in range(600 // seconds):
        pair.clock.now += seconds
        total += pair.one.let_in(50) + pair.two.let_in(50)
        pair.synchronise()
    assert 590 <= total <= 600 + 2 * 10


def test_tokens_that_were_settled_count_on_both() -> None:
    pair = Pair(tokens_per_minute=6000)
    pair.one.let_in(1, tokens=1000, keep=True)
    pair.synchronise()
    assert pair.two.let_in(1, tokens=5500) == 1
    admission = pair.one.held[0]
    assert admission is not None
    admission.settle(100)
    pair.synchronise()
    levels = pair.two.gate.admit(pair.two.key, "m", 4, None)
    assert levels is not None
    assert levels.levels.tokens is not None
    assert 300 < levels.levels.tokens.remaining < 500


def test_responses_at_a_time_count_on_both_until_a_machine_is_gone() -> None:
    pair = Pair(concurrent=2)
    assert pair.one.let_in(1, keep=True) == 1
    pair.synchronise()
    assert pair.two.let_in(2, keep=True) == 1
    pair.synchronise()
    assert pair.one.let_in(2) == 0
    pair.store._values.clear()  # its value has expired
    pair.one.machines.synchronise()
    assert pair.one.let_in(1) == 1


def test_a_restarted_worker_counts_nothing_twice() -> None:
    pair = Pair(requests_per_minute=60)
    assert pair.one.let_in(5) == 5
    pair.synchronise()
    pair.two.machines = Machines(pair.store, pair.two.gate, pair.two.machines._keys)
    pair.synchronise()
    assert pair.two.let_in(20) == 5


def test_a_store_that_was_down_for_long_locks_nobody_out() -> None:
    pair = Pair(requests_per_minute=60)
    for _ in range(60):
        pair.clock.now += 10
        assert pair.one.let_in(20) == 10
    pair.synchronise()
    assert pair.two.let_in(20) >= 1


def test_a_store_that_is_down_lets_each_count_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(requests_per_minute=60)

    def fail(*_: object) -> None:
        raise StoreDown("it is down")

    monkeypatch.setattr(pair.store, "values", fail)
    pair.one.machines._try_to_synchronise()
    assert pair.one.let_in(20) == 10


def test_nothing_is_under_way_when_the_store_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(requests_per_minute=60)
    begun = Event()
    ended: list[str] = []

    def values(*arguments: object) -> dict[str, bytes]:
        begun.set()
        try:
            gevent.sleep(30)
        finally:
            ended.append("a reading")
        return {}

    monkeypatch.setattr(pair.store, "values", values)
    machines = pair.one.machines
    machines.stop()  # nothing has begun
    machines.tick()
    assert begun.wait(5)
    machines.stop()
    assert ended == ["a reading"]


def test_budgets_count_what_others_have_stored() -> None:
    pair = Pair(tokens_per_day=1000)
    assert pair.two.let_in(1) == 1
    today = date_of(utc_day()).isoformat()
    pair.store.add_key_usage([KeyUsage("team", today, "default", "m", 1, 0, 1000)])
    for _ in range(2):
        pair.two.machines.synchronise()
    assert pair.two.let_in(1) == 0

"""Who prunes, and how often, in one process; with real workers: test_stores."""

import time

import gevent
import pytest
from msgspec import structs

from adapter.store.base import StoreDown
from adapter.store.memory import MemoryStore
from adapter.store.retention import Retention
from tests.adapter.store.responses import OURS, keep, response


class Counted(MemoryStore):
    """Counts how often it is pruned, and fails as often as it is told to."""

    pruned = failures = 0

    def prune(self, before: float) -> int:
        if self.failures:
            self.failures -= 1
            raise StoreDown("on purpose")
        self.pruned += 1
        return super().prune(before)


def test_of_several_workers_one_prunes() -> None:
    store = Counted()
    for _ in range(4):
        Retention(store, 3600).prune_if_due(3600, interval=360)
    assert store.pruned == 1


def test_it_prunes_again_when_its_time_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    store, now = Counted(), time.time()
    for later, times in ((0, 1), (359, 1), (361, 2), (720, 2), (722, 3)):
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
        Retention(store, 3600).prune_if_due(3600, interval=360)
        assert store.pruned == times


def test_what_is_younger_stays() -> None:
    store = Counted()
    keep(store, "old")
    store.put(structs.replace(response("young"), created_at=int(time.time()) - 3000))
    Retention(store, 3600).prune_if_due(3600, interval=360)
    assert (store.exists("old", OURS), store.exists("young", OURS)) == (False, True)


def test_a_store_that_is_down_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Counted()
    store.failures = 2
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        store.delete_values("pruned")  # as if the time had passed
        if len(pauses) == 3:
            raise gevent.GreenletExit

    monkeypatch.setattr(gevent, "sleep", sleep)
    retention = Retention(store, 600)
    retention.start()
    assert retention._greenlet is not None
    retention._greenlet.get(timeout=5)
    assert pauses == [60.0] * 3
    assert store.pruned == 1


def test_without_a_retention_nothing_is_begun() -> None:
    retention = Retention(Counted(), None)
    retention.start()
    assert retention._greenlet is None
    retention.stop()

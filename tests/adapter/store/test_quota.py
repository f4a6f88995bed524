"""What a tenant may have stored is counted now and then, not with each write."""

import time

import gevent
import pytest

from adapter.sharing.shares import NoRoom
from adapter.store.base import StoreDown, Usage
from adapter.store.memory import MemoryStore
from adapter.store.quota import Quota
from tests.adapter.store.responses import OURS, THEIRS, keep


class Counting(MemoryStore):
    """Counts the counts, and may fail them."""

    counts = 0
    down = False

    def usage(self) -> dict[str, Usage]:
        if self.down:
            raise StoreDown("on purpose")
        self.counts += 1
        return super().usage()


@pytest.fixture
def store() -> Counting:
    return Counting()


def quota(store: Counting, *, max_items: int = 3, max_bytes: int = 1 << 20) -> Quota:
    """Return a quota after its first count."""
    made = Quota(store, max_bytes=max_bytes, max_items=max_items)
    checked(made)
    return made


def checked(of: Quota, tenant: str = OURS) -> NoRoom | None:
    """Check, let a count end, and return the refusal."""
    try:
        of.check(tenant)
        return None
    except NoRoom as error:
        return error
    finally:
        gevent.sleep(0)


def test_what_is_stored_counts_at_once(store: Counting) -> None:
    of = quota(store)
    of.add(OURS, 100, 2)
    assert checked(of) is None
    of.add(OURS, 100, 1)
    error = checked(of)
    assert error is not None
    assert (error.status, error.code, error.retry) == (429, "rate_limit_exceeded", False)
    assert "has stored 3 items of 200 bytes here, and may have 3 of 1048576." in error.message
    assert checked(of, THEIRS) is None
    assert store.counts == 1


def test_bytes_count_too(store: Counting) -> None:
    of = quota(store, max_bytes=150)
    of.add(OURS, 149, 1)
    assert checked(of) is None
    of.add(OURS, 1, 1)
    assert checked(of) is not None


def test_workers_count_once_together(store: Counting) -> None:
    for id in ("a", "b", "c"):
        keep(store, id)
    first, second = quota(store), quota(store)
    assert store.counts == 1
    assert checked(first) is not None
    assert checked(second) is not None


def test_who_deletes_can_store_again_soon(store: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    for id in ("a", "b", "c"):
        keep(store, id)
    of = quota(store)
    assert checked(of) is not None
    store.delete("a", OURS)
    now, clock = time.time(), time.monotonic()
    monkeypatch.setattr(time, "time", lambda: now + 6)
    monkeypatch.setattr(time, "monotonic", lambda: clock + 6)
    checked(of)
    assert checked(of) is None
    assert store.counts == 2


def test_a_store_that_cannot_count_refuses_nothing(store: Counting) -> None:
    store.down = True
    of = quota(store, max_items=1)
    assert checked(of) is None


def test_invented_keys_share_one_quota(store: Counting) -> None:
    keep(store, "resp_1", tenant=OURS)
    made = Quota(store, max_bytes=1 << 20, max_items=2, is_open=True)
    assert checked(made, THEIRS) is None
    made.add(THEIRS, 10, 1)
    refusal = checked(made, "another")
    assert refusal is not None
    assert "All callers have stored 2 items" in str(refusal)

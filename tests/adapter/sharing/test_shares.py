"""Room that tenants share: each has a part of it, and all together have the whole."""

import gevent
import pytest
from gevent.event import Event

from adapter.sharing.shares import Holding, NoRoom, Shares, TenantSemaphore, share_of


@pytest.fixture
def shares() -> Shares:
    return Shares("bytes", 10, 6, advice="Wait.", retry_after=2.0)


def refusal(shares: Shares, tenant: str, amount: int) -> NoRoom:
    with pytest.raises(NoRoom) as caught:
        Holding(shares, tenant).grow(amount)
    return caught.value


def test_a_tenant_that_fills_its_share_leaves_room(shares: Shares) -> None:
    first, second, other = Holding(shares, "a"), Holding(shares, "a"), Holding(shares, "b")
    first.grow(4)
    second.grow(2)
    error = refusal(shares, "a", 1)
    assert (error.status, error.code, error.retry_after, error.retry) == (429, "rate_limit_exceeded", 2.0, True)
    assert error.message == "Your requests use all of the bytes that one key may have at a time here (6). Wait."
    other.grow(4)
    error = refusal(shares, "c", 1)
    assert (error.status, error.code, error.retry_after) == (503, "server_is_overloaded", 2.0)


def test_room_comes_back_when_nothing_refers_to_it(shares: Shares) -> None:
    for _ in range(3):
        holding = Holding(shares, "a")
        holding.grow(2)
        holding.grow(4)
        assert refusal(shares, "a", 1).status == 429  # and what was refused takes nothing
        del holding
    Holding(shares, "a").grow(6)


def test_a_share_that_is_the_whole_is_refused_as_the_whole() -> None:
    assert refusal(Shares("bytes", 5, 9, advice="Wait.", retry_after=1.0), "a", 6).status == 503


def test_a_share_is_never_nothing() -> None:
    assert (share_of(8, 50), share_of(2, 25), share_of(1000, 1)) == (4, 1, 10)


def test_slots_wait_behind_their_own_tenant_only() -> None:
    semaphore, gate, done = TenantSemaphore(3, 2), Event(), []

    def work(tenant: str) -> None:
        with semaphore.wait(tenant):
            done.append(tenant)
            gate.wait()

    working = [gevent.spawn(work, tenant) for tenant in ("a", "a", "a", "a", "b", "c")]
    gevent.sleep(0.01)
    assert done == ["a", "a", "b"]
    gate.set()
    gevent.joinall(working, timeout=5)
    assert sorted(done) == ["a", "a", "a", "a", "b", "c"]
    assert semaphore._of_tenant == {}


def test_a_slot_is_given_back_by_who_gives_up_waiting() -> None:
    semaphore = TenantSemaphore(1, 1)
    with semaphore.wait("a"):
        with pytest.raises(gevent.Timeout), gevent.Timeout(0.01), semaphore.wait("a"):
            raise AssertionError
        with pytest.raises(gevent.Timeout), gevent.Timeout(0.01), semaphore.wait("b"):
            raise AssertionError
    with semaphore.wait("b"):
        pass
    assert semaphore._of_tenant == {}

"""What is remembered makes room for what is new."""

from adapter.sharing.evicting import EvictingShares


class Remembered:
    """Values of ten bytes."""

    def __init__(self, tenant: str, values: int) -> None:
        self.tenant = tenant
        self.size = 10 * values

    def evict_oldest(self) -> None:
        self.size -= 10


def test_the_least_recently_used_goes_first() -> None:
    shares = EvictingShares(60, 60)
    first, second, third = (Remembered("a", 2) for _ in range(3))
    for one in (first, second, third, first):
        shares.use(one)
    newest = Remembered("b", 3)
    shares.use(newest)
    assert [one.size for one in (first, second, third, newest)] == [20, 0, 10, 30]
    assert shares.used == 60


def test_a_tenant_makes_room_for_itself_only() -> None:
    shares = EvictingShares(60, 30)
    modest, greedy = Remembered("modest", 2), [Remembered("greedy", 2) for _ in range(5)]
    for one in (modest, *greedy):
        shares.use(one)
    assert modest.size == 20
    assert [one.size for one in greedy] == [0, 0, 0, 10, 20]


def test_one_that_ends_leaves_its_room() -> None:
    shares = EvictingShares(60, 60)
    one = Remembered("a", 2)
    shares.use(one)
    shares.leave(one)
    shares.leave(one)
    assert shares.used == 0


def test_one_that_is_larger_than_all_room_shrinks() -> None:
    shares = EvictingShares(30, 30)
    one = Remembered("a", 9)
    shares.use(one)
    assert (one.size, shares.used) == (30, 30)


def test_what_was_forgotten_is_not_counted_nor_evicted_again() -> None:
    shares = EvictingShares(60, 60)
    emptied, other, newest = Remembered("a", 3), Remembered("b", 3), Remembered("b", 3)
    for one in (emptied, other):
        shares.use(one)
    emptied.size = 0
    shares.recount(emptied)
    shares.use(newest)
    assert [one.size for one in (emptied, other, newest)] == [0, 30, 30]


def test_what_is_empty_is_not_counted() -> None:
    shares = EvictingShares(30, 30)
    empty, full = Remembered("a", 0), Remembered("b", 4)
    shares.use(empty)
    shares.use(full)
    assert [one.size for one in (empty, full)] == [0, 30]

"""What every store does with what named keys have used."""

import gevent

from adapter.store.base import KeyUsage
from adapter.store.protocols import Store

DAY = "2026-11-29"


def usage(key: str = "team", day: str = DAY, model: str = "m", tokens: int = 10, failed: int = 0) -> KeyUsage:
    return KeyUsage(key, day, "default", model, 1, failed, tokens, 3, 2 * tokens, 1)


class KeyUsageSuite:
    def test_usages_of_the_same_place_are_added_up(self, store: Store) -> None:
        store.add_key_usage([])
        store.add_key_usage([usage(), usage(model="other")])
        store.add_key_usage([usage(tokens=2**40, failed=1)])
        assert store.key_usage(DAY) == [
            KeyUsage("team", DAY, "default", "m", 2, 1, 10 + 2**40, 6, 20 + 2**41, 2), usage(model="other"),
        ]  # fmt: skip

    def test_usages_by_day_and_key(self, store: Store) -> None:
        store.add_key_usage([usage(day="2026-12-01"), usage(day="2026-11-30"), usage("a", "2026-11-30")])
        assert [(one.day, one.key) for one in store.key_usage("2026-11-30")] == [
            ("2026-11-30", "a"), ("2026-11-30", "team"), ("2026-12-01", "team"),
        ]  # fmt: skip
        assert store.key_tokens("2026-12-01") == {("team", "2026-12-01"): 30}

    def test_usages_added_at_once_are_all_counted(self, store: Store) -> None:
        every = [usage(model=f"m{number}") for number in range(5)]
        gevent.joinall([gevent.spawn(store.add_key_usage, every[::way]) for way in (1, -1) * 10], raise_error=True)
        assert store.key_tokens(DAY) == {("team", DAY): 20 * 5 * 30}

    def test_usages_outlast_a_pruning_for_a_year(self, store: Store) -> None:
        store.add_key_usage([usage(day="2020-01-01"), usage()])
        store.prune(0)
        assert [one.day for one in store.key_usage("")][-1] == DAY

"""What every store does with values of the service itself, and with what has expired."""

import time
from collections.abc import Callable

import pytest
from msgspec import structs

from adapter.store.base import StoredResponse
from adapter.store.protocols import Store
from tests.adapter.store.responses import (
    NOW,
    ODD_BYTES,
    OURS,
    THEIRS,
    chain,
    conversation,
    count_up,
    events,
    items,
    keep,
    response,
    run,
)
from tests.adapter.store.suite.conversations import no_conversation
from tests.adapter.store.suite.responses import is_unknown
from tests.adapter.store.suite.runs import no_run


class RetentionSuite:
    def test_a_remembered_value_lasts_until_its_time(self, store: Store) -> None:
        store.set_value("learned/one", ODD_BYTES * 100, until=100.0)
        store.set_value("learned/two", b"", until=200.0)
        store.set_value("other", b"3", until=200.0)
        assert store.values("learned/", now=99.0) == {"learned/one": ODD_BYTES * 100, "learned/two": b""}
        assert store.values("learned/", now=100.0) == {"learned/two": b""}
        assert store.values("", now=100.0) == {"learned/two": b"", "other": b"3"}
        assert store.values("other", now=200.0) == {}

    def test_remembering_again_replaces_value_and_time(self, store: Store) -> None:
        store.set_value("key", b"1", until=100.0)
        store.set_value("key", b"2", until=50.0)
        assert store.values("key", now=49.0) == {"key": b"2"}
        assert store.values("key", now=50.0) == {}

    def test_a_value_is_replaced_only_if_it_is_what_was_read(self, store: Store) -> None:
        later = time.time() + 1000
        long = ODD_BYTES * 1000
        assert not store.replace_value("key", b"1", b"2", later)
        assert store.replace_value("key", None, long, later)
        assert not store.replace_value("key", None, b"2", later)
        assert not store.replace_value("key", b"", b"2", later)
        assert store.values("key", now=0.0) == {"key": long}
        assert store.replace_value("key", long, b"", later)
        assert store.replace_value("key", b"", b"3", time.time() - 1)
        assert not store.replace_value("key", b"3", b"4", later), "it has expired"
        assert store.replace_value("key", None, b"5", later)
        assert store.values("key", now=0.0) == {"key": b"5"}

    def test_of_replacements_at_once_each_counts(self, store: Store) -> None:
        count_up(30, store)
        assert store.values("count", now=0.0) == {"count": b"30"}

    def test_usage_counts_what_each_tenant_has(self, store: Store) -> None:
        for id in ("a", "b"):
            keep(store, id)
        store.put_conversation(conversation("conv_1", OURS))
        store.append("conv_1", OURS, items("one", "two"))
        store.put(response("c", tenant=THEIRS))
        found = store.usage()
        assert {tenant: usage.items for tenant, usage in found.items()} == {OURS: 4, THEIRS: 1}
        assert found[OURS].bytes > found[THEIRS].bytes > 0
        store.delete("a", OURS)
        store.delete_conversation("conv_1", OURS)
        assert store.usage()[OURS].items == 1

    def test_what_begins_so_is_forgotten(self, store: Store) -> None:
        for key in ("a/1", "a/2", "A/1", "b"):
            store.set_value(key, key.encode(), until=100.0)
        assert store.delete_values("a/") == 2
        assert store.values("", now=0.0) == {"A/1": b"A/1", "b": b"b"}
        assert store.delete_values("a/") == 0

    @pytest.mark.parametrize("prefix", ["a%", "a_", "a*", "a[", "a?", "a\\", "a'", 'a"', "a ", "a~"])
    def test_a_prefix_is_taken_literally(self, store: Store, prefix: str) -> None:
        store.set_value("ab", b"1", until=1e12)
        store.set_value(prefix + "b", b"2", until=1e12)
        assert store.values(prefix, now=0.0) == {prefix + "b": b"2"}
        assert store.delete_values(prefix) == 1
        assert store.values("a", now=0.0) == {"ab": b"1"}

    @pytest.mark.parametrize("length", [1, 200])
    def test_a_key_of_any_length(self, store: Store, length: int) -> None:
        store.set_value("k" * length, b"1", until=100.0)
        assert store.values("k" * length, now=0.0) == {"k" * length: b"1"}

    def test_old_responses_are_pruned(self, store: Store) -> None:
        for id, age in (("old", 100), ("older", 200), ("young", 10)):
            store.put(aged(id, age))
        store.put(aged("old", 100, tenant=THEIRS))
        assert store.prune(ago(50)) == 3
        is_unknown(store, "old")
        is_unknown(store, "older")
        is_unknown(store, "old", THEIRS)
        assert chain(store, "young") == ["young"]
        assert store.prune(ago(50)) == 0

    def test_nothing_is_older_than_the_beginning_of_time(self, store: Store) -> None:
        store.put(aged("a", 10_000))
        store.put_conversation(conversation("conv_1"))
        assert store.prune(0) == 0
        assert chain(store, "a") == ["a"]
        assert store.items("conv_1", OURS) == []

    def test_an_old_chain_goes_as_a_whole(self, store: Store) -> None:
        ids = [f"resp_{number:03}" for number in range(120)]
        for previous, id in zip([None, *ids], ids, strict=False):
            store.put(aged(id, 1000 - int(id[5:]), previous))
        assert store.prune(ago(50)) == len(ids)
        keep(store, "after<resp_119", "after2<resp_050")
        assert chain(store, "after") == ["after"]
        assert chain(store, "after2") == ["after2"]

    def test_what_a_younger_response_continues_stays(self, store: Store) -> None:
        store.put(aged("a", 400))
        store.put(aged("b", 300, "a"))
        store.put(aged("c", 200, "b"))
        store.put(aged("c2", 200, "b"))
        store.put(aged("d2", 100, "c2"))
        store.put(aged("d", 10, "c"))
        assert store.prune(ago(50)) == 2, "c2 and d2"
        assert chain(store, "d") == ["a", "b", "c", "d"]
        assert store.exists("a", OURS)
        is_unknown(store, "d2")
        assert store.prune(ago(5)) == 4

    def test_a_fork_goes_when_both_its_branches_are_old(self, store: Store) -> None:
        for id, previous in (("a", None), ("b", "a"), ("c", "b"), ("c2", "b"), ("c3", "b"), ("d3", "c3")):
            store.put(aged(id, 100, previous))
        store.delete("b", OURS)
        assert store.prune(ago(50)) == 6
        keep(store, "e<b")
        assert chain(store, "e") == ["e"]

    def test_many_are_pruned_and_many_stay(self, store: Store) -> None:
        for number in range(700):
            store.put(aged(f"resp_{number:03}", 100 if number % 7 else 10))
        assert store.prune(ago(50)) == 600
        assert [number for number in range(700) if store.exists(f"resp_{number:03}", OURS)] == list(range(0, 700, 7))

    def test_what_is_being_made_stays(self, store: Store) -> None:
        store.begin_run(run(until=ago(49)), aged("resp_1", 100), None)
        store.begin_run(structs.replace(run(until=ago(51)), id="resp_2"), aged("resp_2", 100), None)
        store.begin_run(structs.replace(run(until=ago(49)), id="resp_3"), aged("resp_3", 100), events(0, 0))
        store.record(structs.replace(run(ended=ago(60)), id="resp_3"), None)
        assert store.prune(ago(50)) == 2
        assert store.run("resp_1", OURS).until == ago(49)
        no_run(store, "resp_2", OURS)
        no_run(store, "resp_3", OURS)

    def test_a_conversation_that_is_used_stays(self, store: Store) -> None:
        uses: dict[str, Callable[[str], object]] = {
            "put": lambda id: store.put_conversation(conversation(id)),
            "append": lambda id: store.append(id, OURS, items("b")),
            "respond": lambda id: store.put(aged("resp_1", age=-1000, conversation=id), items("b")),
            "lease": lambda id: store.lease(id, OURS, "one", now=time.time(), until=time.time() + 30),
            "remove": lambda id: store.remove(id, OURS, "a"),
        }
        for id in (*uses, "unused"):
            store.put_conversation(conversation(id))
            store.append(id, OURS, items("a"))
        before = time.time()
        for id, use in uses.items():
            use(id)
        assert store.prune(before) == 1
        no_conversation(store, "unused", OURS)
        assert {id: [item.id for item in store.items(id, OURS)] for id in uses} == {
            "put": ["a"], "append": ["a", "b"], "respond": ["a", "b"], "lease": ["a"], "remove": []
        }  # fmt: skip

    def test_an_unused_conversation_goes_with_its_items(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        store.append("conv_1", OURS, items("a"))
        assert store.prune(time.time() + 1000) == 1
        no_conversation(store, "conv_1", OURS)
        store.put_conversation(conversation("conv_1"))
        assert store.items("conv_1", OURS) == []

    def test_expired_values_are_pruned(self, store: Store) -> None:
        store.set_value("expired", b"1", until=100.0)
        store.set_value("not yet", b"2", until=time.time() + 1000)
        store.prune(0)
        assert store.values("", now=0.0) == {"not yet": b"2"}

    def test_stats(self, store: Store) -> None:
        empty = store.stats()
        assert [(kind.name, kind.rows, kind.bytes, kind.oldest) for kind in empty.kinds] == [
            (name, 0, 0, None) for name in ("responses", "conversations", "items", "runs", "events", "values")
        ]
        assert (empty.tenants, empty.running) == (0, 0)
        store.put(structs.replace(response("a", input=b"x" * 1000), created_at=100))
        store.put(structs.replace(response("b", "a", tenant=THEIRS), created_at=200))
        store.put_conversation(conversation("conv_1"))
        store.append("conv_1", OURS, items("a", "b"))
        store.begin_run(run(), response("resp_1"), events(0, 3))
        store.begin_run(structs.replace(run(), id="resp_2"), response("resp_2"), None)
        store.record(structs.replace(run(ended=1.0), id="resp_2"), None)
        store.set_value("key", b"12345", until=1e12)
        stats = store.stats()
        assert {kind.name: kind.rows for kind in stats.kinds} == {
            "responses": 4, "conversations": 1, "items": 2, "runs": 2, "events": 1, "values": 1
        }  # fmt: skip
        assert (stats.tenants, stats.running) == (2, 1)
        assert (stats.kinds[0].oldest, stats.kinds[0].newest) == (100, 1_753_000_000)
        assert all(kind.bytes > 0 for kind in stats.kinds if kind.name != "runs")

    def test_a_new_store_needs_no_upgrade(self, store: Store) -> None:
        assert store.upgrade() == store.stats().version
        keep(store, "a")
        assert store.upgrade() == store.stats().version
        assert chain(store, "a") == ["a"]


def ago(seconds: int) -> int:
    """Return a Unix time before now, the same one all along."""
    return NOW - seconds


def aged(
    id: str, age: int, previous: str | None = None, *, tenant: str = OURS, conversation: str | None = None
) -> StoredResponse:
    one = response(id, previous, tenant=tenant)
    return structs.replace(one, created_at=ago(age), conversation=conversation)

"""What every store does. A test class per store inherits this suite and gives it a `store`."""

import math
import time
from collections.abc import Callable
from itertools import pairwise

import gevent
import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from msgspec import structs

from adapter.store.base import NotFound, StoredConversation, StoredEvents, StoredItem, StoredResponse, StoredRun
from adapter.store.protocols import Store
from tests.adapter.store.model import Model
from tests.adapter.store.responses import OURS, THEIRS, chain, keep, response

ODD_BYTES = bytes(range(256)) + b"\x00\xff\xfe\xed\xa0\x80\x00"
"""NUL, invalid UTF-8, an encoded lone surrogate."""
NOW = int(time.time())


class Conformance:
    def test_what_was_put_comes_back(self, store: Store) -> None:
        first = response("resp_1")
        second = response("resp_2", previous="resp_1", input=b'[{"role":"user","content":"\\u00e9"}]')
        store.put(first)
        store.put(second)
        assert store.get("resp_1", OURS) == first
        assert store.get("resp_2", OURS) == second
        assert store.exists("resp_2", OURS)

    def test_putting_again_replaces(self, store: Store) -> None:
        store.put(response("resp_1", text="so far"))
        store.put(response("resp_1", text="so far and to the end"))
        assert store.get("resp_1", OURS) == response("resp_1", text="so far and to the end")
        assert chain(store, "resp_1") == ["resp_1"]

    def test_a_replacement_is_seen_in_chains(self, store: Store) -> None:
        keep(store, "resp_1", "resp_2<resp_1")
        store.put(response("resp_1", text="later"))
        assert store.chain("resp_2", OURS) == [response("resp_1", text="later"), response("resp_2", "resp_1")]

    def test_each_put_has_its_own_version(self, store: Store) -> None:
        versions = []
        for _ in range(3):
            store.put(response("resp_1"))
            versions.append(store.version("resp_1", OURS))
            assert store.version("resp_1", OURS) == versions[-1]
        assert len(set(versions)) == 3

    def test_unknown_id(self, store: Store) -> None:
        keep(store, "resp_1")
        is_unknown(store, "resp_2")

    @pytest.mark.parametrize("id", ["", "\x00", "resp_1\x00", "\ud800", "é", "resp_1' OR '1'='1", "x" * 10_000])
    def test_an_id_that_nobody_could_have_is_unknown(self, store: Store, id: str) -> None:
        keep(store, "resp_1")
        is_unknown(store, id)

    def test_any_bytes_come_back(self, store: Store) -> None:
        stored = response("resp_1", input=ODD_BYTES * 1200)
        store.put(stored)
        assert store.get("resp_1", OURS) == stored
        assert store.chain("resp_1", OURS) == [stored]

    def test_no_bytes_come_back(self, store: Store) -> None:
        store.put(response("resp_1", input=b""))
        assert store.get("resp_1", OURS).input == b""

    # Conversations

    def test_a_conversation_and_its_items_in_order(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        assert store.conversation("conv_1", OURS) == conversation("conv_1")
        assert store.items("conv_1", OURS) == []
        store.append("conv_1", OURS, items("a", "b"))
        store.append("conv_1", OURS, [])
        store.append("conv_1", OURS, items("c"))
        assert store.items("conv_1", OURS) == items("a", "b", "c")

    def test_new_metadata_leaves_the_items(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        store.append("conv_1", OURS, items("a"))
        store.put_conversation(conversation("conv_1", metadata=b'{"a":"b"}'))
        assert store.conversation("conv_1", OURS).metadata == b'{"a":"b"}'
        assert store.items("conv_1", OURS) == items("a")

    def test_a_response_and_its_items_come_together(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        told = structs.replace(response("resp_1"), conversation="conv_1")
        store.put(told, items("a", "b"))
        assert store.get("resp_1", OURS) == told
        assert store.items("conv_1", OURS) == items("a", "b")

    def test_a_response_outlives_its_conversation(self, store: Store) -> None:
        told = structs.replace(response("resp_1"), conversation="conv_1")
        store.put(told, items("a"))
        assert store.get("resp_1", OURS) == told

    def test_an_item_is_removed(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        store.append("conv_1", OURS, items("a", "b", "c"))
        store.remove("conv_1", OURS, "b")
        store.append("conv_1", OURS, items("d"))
        assert store.items("conv_1", OURS) == items("a", "c", "d")
        with pytest.raises(NotFound):
            store.remove("conv_1", OURS, "b")

    def test_an_item_with_an_id_of_its_own(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        own = [StoredItem(id, b"{}") for id in ("x" * 10_000, "mine: é 🙂", "' OR '1'='1", "two\nlines", "\u200b")]
        store.append("conv_1", OURS, own)
        assert store.items("conv_1", OURS) == own
        for item in own:
            store.remove("conv_1", OURS, item.id)
        assert store.items("conv_1", OURS) == []

    @pytest.mark.parametrize("id", ["b", "", "\x00", "\ud800"])
    def test_an_unknown_item(self, store: Store, id: str) -> None:
        store.put_conversation(conversation("conv_1"))
        store.append("conv_1", OURS, items("a"))
        with pytest.raises(NotFound):
            store.remove("conv_1", OURS, id)
        assert store.items("conv_1", OURS) == items("a")

    def test_a_deleted_conversation_is_unknown_and_so_are_its_items(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        store.append("conv_1", OURS, items("a"))
        store.delete_conversation("conv_1", OURS)
        no_conversation(store, "conv_1", OURS)
        store.put_conversation(conversation("conv_1"))
        assert store.items("conv_1", OURS) == []

    @pytest.mark.parametrize("id", ["conv_2", "", "\x00", "\ud800"])
    def test_an_unknown_conversation(self, store: Store, id: str) -> None:
        store.put_conversation(conversation("conv_1"))
        no_conversation(store, id, OURS)

    def test_a_foreign_conversation_is_unknown(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        store.append("conv_1", OURS, items("a"))
        no_conversation(store, "conv_1", THEIRS)
        assert store.items("conv_1", OURS) == items("a")

    def test_one_holder_has_the_lease(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        assert store.lease("conv_1", OURS, "one", now=100.0, until=110.0)
        assert store.lease("conv_1", OURS, "one", now=101.0, until=111.0)
        assert not store.lease("conv_1", OURS, "other", now=110.5, until=120.0)
        store.release("conv_1", OURS, "other")
        assert not store.lease("conv_1", OURS, "other", now=110.5, until=120.0)
        store.release("conv_1", OURS, "one")
        assert store.lease("conv_1", OURS, "other", now=110.5, until=120.0)
        assert store.lease("conv_1", OURS, "one", now=120.0, until=130.0), "the other one's is over"

    def test_greenlets_append_without_gaps(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        jobs = [gevent.spawn(store.append, "conv_1", OURS, items(f"{n}a", f"{n}b")) for n in range(20)]
        gevent.joinall(jobs, raise_error=True)
        found = [item.id for item in store.items("conv_1", OURS)]
        assert sorted(found) == sorted(f"{n}{letter}" for n in range(20) for letter in "ab")
        assert all(found.index(f"{n}a") + 1 == found.index(f"{n}b") for n in range(20))

    # Runs

    def test_a_run_and_its_events_in_order(self, store: Store) -> None:
        store.begin_run(run(last=2), response("resp_1"), events(0, 2))
        assert store.get("resp_1", OURS) == response("resp_1")
        assert store.run("resp_1", OURS) == run(last=2)
        assert store.record(run(last=3), events(3, 3))
        later = response("resp_1", text="later")
        assert store.record(run(last=2000, ended=50.0), events(4, 2000, over=True), later)
        assert store.run("resp_1", OURS) == run(last=2000, ended=50.0)
        assert store.get("resp_1", OURS) == later
        assert store.events("resp_1", OURS, -1) == [events(0, 2), events(3, 3), events(4, 2000, over=True)]
        assert store.events("resp_1", OURS, 1) == store.events("resp_1", OURS, -1)
        assert store.events("resp_1", OURS, 2) == [events(3, 3), events(4, 2000, over=True)]
        assert store.events("resp_1", OURS, 2000) == []

    def test_a_run_that_is_not_streamed_has_no_events(self, store: Store) -> None:
        quiet = structs.replace(run(), streamed=False)
        store.begin_run(quiet, response("resp_1"), None)
        assert store.record(structs.replace(quiet, ended=1.0), None, response("resp_1", text="later"))
        assert store.events("resp_1", OURS, -1) == []
        assert store.run("resp_1", OURS) == structs.replace(quiet, ended=1.0)

    def test_a_response_that_is_no_run(self, store: Store) -> None:
        keep(store, "resp_1")
        no_run(store, "resp_1", OURS)

    def test_a_run_changes_a_response_and_its_conversation_in_one_step(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        told = structs.replace(response("resp_1"), conversation="conv_1")
        store.begin_run(run(), told, None)
        assert store.items("conv_1", OURS) == []
        assert store.record(run(ended=1.0), None, told, items("a", "b"))
        assert store.items("conv_1", OURS) == items("a", "b")
        assert not store.record(run(ended=2.0), None, told, items("c"))
        assert store.items("conv_1", OURS) == items("a", "b")

    def test_a_run_that_has_ended_stays_as_it_is(self, store: Store) -> None:
        store.begin_run(run(), response("resp_1"), None)
        assert store.record(run(last=0, ended=5.0), events(0, 0, over=True))
        assert not store.record(run(last=1), events(1, 1), response("resp_1", text="too late"))
        assert not store.take_run("resp_1", OURS, "other", 99.0, expired_by=1e12)
        assert store.get("resp_1", OURS) == response("resp_1")
        assert store.events("resp_1", OURS, -1) == [events(0, 0, over=True)]
        assert store.run("resp_1", OURS) == run(last=0, ended=5.0)

    def test_who_lost_a_run_writes_no_more(self, store: Store) -> None:
        store.begin_run(run(until=10.0), response("resp_1"), events(0, 0))
        assert not store.take_run("resp_1", OURS, "other", 30.0, expired_by=9.9)
        assert store.take_run("resp_1", OURS, "other", 30.0, expired_by=10.0)
        assert not store.record(run(last=1), events(1, 1), response("resp_1", text="too late"))
        assert store.get("resp_1", OURS) == response("resp_1")
        assert store.run("resp_1", OURS) == structs.replace(run(until=30.0), holder="other")
        assert store.record(structs.replace(run(last=1), holder="other"), events(1, 1))

    def test_events_that_are_kept_twice_are_there_once(self, store: Store) -> None:
        store.begin_run(run(), response("resp_1"), None)
        for _ in range(2):
            assert store.record(run(last=1), events(0, 1))
        assert store.events("resp_1", OURS, -1) == [events(0, 1)]

    def test_any_lease_can_be_taken(self, store: Store) -> None:
        store.begin_run(run(until=1e10), response("resp_1"), None)
        assert store.take_run("resp_1", OURS, "other", 30.0, expired_by=math.inf)

    def test_a_holder_prolongs_all_its_runs(self, store: Store) -> None:
        for number, holder in enumerate(("one", "one", "other", "one"), 1):
            mine = structs.replace(run(), id=f"resp_{number}", holder=holder)
            store.begin_run(mine, response(mine.id), None)
        store.record(structs.replace(run(ended=1.0), id="resp_4"), None)
        assert store.runs_of("one") == {(OURS, "resp_1"), (OURS, "resp_2")}
        assert store.runs_of("nobody") == set()
        store.renew_runs("one", 77.0)
        store.renew_runs("nobody", 88.0)
        assert [store.run(f"resp_{number}", OURS).until for number in (1, 2, 3, 4)] == [77.0, 77.0, 10.0, 10.0]

    def test_events_are_forgotten_some_time_after_the_end(self, store: Store) -> None:
        for id, ended in (("resp_1", 100.0), ("resp_2", 101.0), ("resp_3", None)):
            store.begin_run(structs.replace(run(), id=id), response(id), events(0, 0))
            store.record(structs.replace(run(last=1, ended=ended), id=id), events(1, 1))
        for _ in range(2):
            store.delete_events(100.0)
            assert store.events("resp_1", OURS, -1) == []
            assert store.run("resp_1", OURS) == run(ended=100.0)
            for id in ("resp_2", "resp_3"):
                assert store.events(id, OURS, -1) == [events(0, 0), events(1, 1)]
                assert store.run(id, OURS).last == 1

    def test_deleting_a_response_erases_its_run(self, store: Store) -> None:
        store.begin_run(run(last=0), response("resp_1"), events(0, 0))
        store.begin_run(structs.replace(run(last=0), tenant=THEIRS), response("resp_1", tenant=THEIRS), events(0, 0))
        keep(store, "resp_2<resp_1")
        store.delete("resp_1", OURS)
        no_run(store, "resp_1", OURS)
        assert store.events("resp_1", THEIRS, -1) == [events(0, 0)]
        assert store.run("resp_1", THEIRS).last == 0

    @pytest.mark.parametrize("id", ["resp_2", "", "\x00", "\ud800"])
    def test_an_unknown_run(self, store: Store, id: str) -> None:
        store.begin_run(run(last=0), response("resp_1"), events(0, 0))
        no_run(store, id, OURS)

    def test_a_foreign_run_is_unknown(self, store: Store) -> None:
        store.begin_run(run(last=0), response("resp_1"), events(0, 0))
        no_run(store, "resp_1", THEIRS)
        assert store.run("resp_1", OURS) == run(last=0)

    # What the service keeps for itself

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

    # Retention

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

    # Tenants

    def test_a_foreign_id_is_unknown(self, store: Store) -> None:
        keep(store, "resp_1", tenant=THEIRS)
        is_unknown(store, "resp_1")
        assert store.get("resp_1", THEIRS).tenant == THEIRS

    def test_the_same_id_is_a_response_of_each_tenant(self, store: Store) -> None:
        store.put(response("resp_1", tenant=OURS, text="ours"))
        store.put(response("resp_1", tenant=THEIRS, text="theirs"))
        assert store.get("resp_1", OURS) == response("resp_1", tenant=OURS, text="ours")
        store.delete("resp_1", THEIRS)
        assert store.get("resp_1", OURS) == response("resp_1", tenant=OURS, text="ours")
        is_unknown(store, "resp_1", THEIRS)

    def test_a_foreign_previous_is_not_replayed(self, store: Store) -> None:
        keep(store, "resp_1", tenant=THEIRS)
        keep(store, "resp_2<resp_1", tenant=OURS)
        assert chain(store, "resp_2") == ["resp_2"]

    def test_a_foreign_continuation_keeps_nothing_alive(self, store: Store) -> None:
        keep(store, "resp_1", tenant=OURS)
        keep(store, "resp_2<resp_1", tenant=THEIRS)
        store.delete("resp_1", OURS)
        keep(store, "resp_3<resp_1", tenant=OURS)
        assert chain(store, "resp_3") == ["resp_3"]

    # Chains

    @pytest.mark.parametrize("length", [1, 2, 300])
    def test_a_chain_is_oldest_first(self, store: Store, length: int) -> None:
        ids = [f"resp_{number:03}" for number in range(length)]
        keep(store, ids[0], *(f"{id}<{previous}" for previous, id in pairwise(ids)))
        assert chain(store, ids[-1]) == ids
        assert chain(store, ids[length // 2]) == ids[: length // 2 + 1]

    def test_a_fork_replays_its_own_branch(self, store: Store) -> None:
        keep(store, "a", "b<a", "c<b", "c2<b", "d<c", "d2<c2", "d3<c2", "b2<a", "e3<d3")
        assert chain(store, "d") == ["a", "b", "c", "d"]
        assert chain(store, "d2") == ["a", "b", "c2", "d2"]
        assert chain(store, "e3") == ["a", "b", "c2", "d3", "e3"]
        assert chain(store, "b2") == ["a", "b2"]

    def test_a_previous_that_is_not_there_begins_the_chain_later(self, store: Store) -> None:
        keep(store, "b<a", "c<b")
        assert chain(store, "c") == ["b", "c"]

    # Deletion

    def test_deleting_the_newest(self, store: Store) -> None:
        keep(store, "a", "b<a", "c<b")
        store.delete("c", OURS)
        is_unknown(store, "c")
        assert chain(store, "b") == ["a", "b"]

    @pytest.mark.parametrize("id", ["a", "b"])
    def test_deleting_what_is_continued_keeps_its_context(self, store: Store, id: str) -> None:
        keep(store, "a", "b<a", "c<b", "c2<b")
        before = store.chain("c", OURS)
        store.delete(id, OURS)
        is_unknown(store, id)
        assert store.chain("c", OURS) == before
        assert chain(store, "c2") == ["a", "b", "c2"]

    def test_the_last_continuation_takes_what_was_kept_for_it_along(self, store: Store) -> None:
        keep(store, "a", "b<a", "c<b", "c2<b")
        for id in ("a", "b", "c"):
            store.delete(id, OURS)
        assert chain(store, "c2") == ["a", "b", "c2"]
        store.delete("c2", OURS)
        keep(store, "d<b", "d2<a")
        assert chain(store, "d") == ["d"]
        assert chain(store, "d2") == ["d2"]

    def test_erasing_stops_at_what_is_not_deleted(self, store: Store) -> None:
        keep(store, "a", "b<a", "c<b")
        store.delete("b", OURS)
        store.delete("c", OURS)
        assert chain(store, "a") == ["a"]
        keep(store, "d<b")
        assert chain(store, "d") == ["d"]

    def test_deleting_twice(self, store: Store) -> None:
        keep(store, "a", "b<a")
        store.delete("a", OURS)
        with pytest.raises(NotFound):
            store.delete("a", OURS)
        assert chain(store, "b") == ["a", "b"]

    def test_continuing_what_was_deleted_meanwhile(self, store: Store) -> None:
        keep(store, "a", "b<a")
        store.delete("a", OURS)
        store.delete("b", OURS)
        keep(store, "c<b")
        assert chain(store, "c") == ["c"]
        assert store.get("c", OURS) == response("c", "b")

    def test_a_deleted_response_can_be_put_again(self, store: Store) -> None:
        keep(store, "a", "b<a")
        store.delete("a", OURS)
        store.put(response("a", text="again"))
        assert store.chain("b", OURS) == [response("a", text="again"), response("b", "a")]

    def test_any_sequence_of_calls_does_what_a_dict_would(self, store: Store) -> None:
        run_state_machine_as_test(
            lambda: Model(store), settings=settings(max_examples=15, stateful_step_count=25, deadline=None)
        )

    # Use

    def test_greenlets_at_once(self, store: Store) -> None:
        def converse(number: int) -> list[str]:
            ids = [f"resp_{number}_{turn}" for turn in range(5)]
            for previous, id in zip([None, *ids], ids, strict=False):
                store.put(response(id, previous))
                assert chain(store, id) == ids[: ids.index(id) + 1]
            return ids

        conversations = [gevent.spawn(converse, number) for number in range(40)]
        gevent.joinall(conversations, raise_error=True)
        for conversation in conversations:
            assert chain(store, conversation.value[-1]) == conversation.value

    def test_ping_before_during_and_after_use(self, store: Store) -> None:
        store.ping()
        keep(store, "a")
        store.ping()
        store.close()
        store.close()
        store.ping()


def ago(seconds: int) -> int:
    """Return a Unix time before now, the same one all along."""
    return NOW - seconds


def aged(
    id: str, age: int, previous: str | None = None, *, tenant: str = OURS, conversation: str | None = None
) -> StoredResponse:
    one = response(id, previous, tenant=tenant)
    return structs.replace(one, created_at=ago(age), conversation=conversation)


def is_unknown(store: Store, id: str, tenant: str = OURS) -> None:
    """Assert that every call takes an id for one that nobody has, and names it."""
    for call in (store.get, store.version, store.chain, store.delete):
        with pytest.raises(NotFound) as unknown:
            call(id, tenant)
        assert unknown.value.args == (id,)
    assert not store.exists(id, tenant)


def conversation(id: str, metadata: bytes = b"{}") -> StoredConversation:
    return StoredConversation(id=id, tenant=OURS, created_at=1_753_000_000, metadata=metadata)


def items(*ids: str) -> list[StoredItem]:
    return [StoredItem(id, b'{"type":"message","id":"%b"}' % id.encode()) for id in ids]


def run(*, last: int = -1, until: float = 10.0, ended: float | None = None) -> StoredRun:
    return StoredRun(id="resp_1", tenant=OURS, holder="one", until=until, streamed=True, last=last, ended=ended)


def events(first: int, last: int, *, over: bool = False) -> StoredEvents:
    """Return events whose frames are as many bytes as there are odd ones, so that long ones are packed."""
    return StoredEvents(first, last, over, b"event: e\n" + ODD_BYTES * (last - first))


def no_run(store: Store, id: str, tenant: str) -> None:
    with pytest.raises(NotFound):
        store.run(id, tenant)
    assert store.events(id, tenant, -1) == []
    assert not store.take_run(id, tenant, "one", 99.0, expired_by=math.inf)
    assert not store.record(structs.replace(run(), id=id, tenant=tenant), events(1, 1))


def no_conversation(store: Store, id: str, tenant: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.conversation(id, tenant),
        lambda: store.items(id, tenant),
        lambda: store.append(id, tenant, items("a")),
        lambda: store.append(id, tenant, []),
        lambda: store.remove(id, tenant, "a"),
        lambda: store.lease(id, tenant, "one", now=0.0, until=1.0),
        lambda: store.delete_conversation(id, tenant),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()

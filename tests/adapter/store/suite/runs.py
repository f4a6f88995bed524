"""What every store does with background runs and their events."""

import math

import pytest
from msgspec import structs

from adapter.store.base import NotFound
from adapter.store.protocols import Store
from tests.adapter.store.responses import (
    OURS,
    THEIRS,
    conversation,
    events,
    items,
    keep,
    response,
    run,
)


class RunSuite:
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


def no_run(store: Store, id: str, tenant: str) -> None:
    with pytest.raises(NotFound):
        store.run(id, tenant)
    assert store.events(id, tenant, -1) == []
    assert not store.take_run(id, tenant, "one", 99.0, expired_by=math.inf)
    assert not store.record(structs.replace(run(), id=id, tenant=tenant), events(1, 1))

"""What every store does with responses, their chains and their tenants."""

from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from adapter.store.base import NotFound
from adapter.store.protocols import Store
from tests.adapter.store.model import Model
from tests.adapter.store.responses import ODD_BYTES, OURS, THEIRS, chain, keep, response


class ResponseSuite:
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


def is_unknown(store: Store, id: str, tenant: str = OURS) -> None:
    """Assert that every call takes an id for one that nobody has, and names it."""
    for call in (store.get, store.version, store.chain, store.delete):
        with pytest.raises(NotFound) as unknown:
            call(id, tenant)
        assert unknown.value.args == (id,)
    assert not store.exists(id, tenant)

"""The cache in front of a store: exact whatever other workers do, and no larger than it may be."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from adapter.store.base import NotFound, StoredResponse
from adapter.store.cached import CachedResponses
from adapter.store.memory import MemoryStore
from adapter.store.protocols import Store
from tests.adapter.store.cached import cached
from tests.adapter.store.conformance import Conformance
from tests.adapter.store.model import Model
from tests.adapter.store.responses import OURS, response


class TestCachedSQLite(Conformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        with closing(cached(f"sqlite:///{tmp_path}/responses.db")) as store:
            yield store


class Counted(MemoryStore):
    """Counts what is read from it."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def get(self, id: str, tenant: str) -> StoredResponse:
        self.reads.append(id)
        return super().get(id, tenant)


@pytest.fixture
def behind() -> Counted:
    return Counted()


def test_a_second_get_does_not_read_again(behind: Counted) -> None:
    cached = CachedResponses(behind, max_bytes=10_000)
    cached.put(response("a"))
    assert cached.get("a", OURS) == cached.get("a", OURS) == response("a")
    assert behind.reads == ["a"]


def test_what_another_worker_deletes_is_gone_at_once(behind: Counted) -> None:
    ours, others = CachedResponses(behind, max_bytes=10_000), CachedResponses(behind, max_bytes=10_000)
    ours.put(response("a"))
    ours.get("a", OURS)
    others.delete("a", OURS)
    with pytest.raises(NotFound):
        ours.get("a", OURS)


def test_what_another_worker_replaces_is_read_again(behind: Counted) -> None:
    ours, others = CachedResponses(behind, max_bytes=10_000), CachedResponses(behind, max_bytes=10_000)
    ours.put(response("a", text="so far"))
    ours.get("a", OURS)
    others.put(response("a", text="at the end"))
    assert ours.get("a", OURS) == response("a", text="at the end")
    others.delete("a", OURS)
    others.put(response("a", text="anew"))
    assert ours.get("a", OURS) == response("a", text="anew")


def test_a_replacement_between_version_and_row_is_not_mistaken_for_the_old_one() -> None:
    class Raced(MemoryStore):
        def version(self, id: str, tenant: str) -> int:
            version = super().version(id, tenant)
            self.put(response("a", text=f"after {version}"))
            return version

    raced = CachedResponses(Raced(), max_bytes=10_000)
    raced.put(response("a"))
    first, second = raced.get("a", OURS), raced.get("a", OURS)
    assert first != second


def test_old_entries_make_room(behind: Counted) -> None:
    cached = CachedResponses(behind, max_bytes=10_000)
    for id in ("a", "b", "c"):
        cached.put(response(id, input=b"x" * 3500))
        cached.get(id, OURS)
    cached.get("c", OURS)
    cached.get("b", OURS)
    assert behind.reads == ["a", "b", "c"]
    cached.get("a", OURS)
    assert behind.reads == ["a", "b", "c", "a"]


@pytest.mark.parametrize("most_bytes", [0, 10_000])
def test_what_is_larger_than_the_cache_passes_through(behind: Counted, most_bytes: int) -> None:
    cached = CachedResponses(behind, max_bytes=most_bytes)
    large = response("a", input=b"x" * 10_000)
    cached.put(large)
    assert cached.get("a", OURS) == cached.get("a", OURS) == large
    assert behind.reads == ["a", "a"]


def test_two_workers_agree_after_every_call(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/responses.db"
    with closing(cached(url)) as one, closing(cached(url)) as other:
        run_state_machine_as_test(
            lambda: Model(one, other), settings=settings(max_examples=15, stateful_step_count=25, deadline=None)
        )

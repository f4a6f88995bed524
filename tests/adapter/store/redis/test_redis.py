"""Redis: what expires, what stays as long as it is needed, and what many machines may do at the same time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from adapter.store.protocols import Store
from adapter.store.redis.store import RedisStore
from tests.adapter.store.conformance import Conformance
from tests.adapter.store.model import Model
from tests.adapter.store.responses import OURS, chain, conversation, count_up, events, items, keep, response, run
from tests.support.servers import redis


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with redis.database() as url:
        yield url


@pytest.fixture
def url(database: str) -> str:
    return redis.empty(database)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(RedisStore(url)) as store:
        yield store


@pytest.fixture
def elsewhere(url: str) -> Iterator[Store]:
    """The store as another machine has it."""
    with closing(RedisStore(url)) as store:
        yield store


@pytest.fixture
def other(url: str) -> Iterator[Any]:
    """A connection beside the store's."""
    with closing(redis.connect(url)) as client:
        yield client


class TestRedis(Conformance):
    pass


def test_two_machines_do_what_a_dict_would(store: Store, elsewhere: Store) -> None:
    run_state_machine_as_test(
        lambda: Model(store, elsewhere), settings=settings(max_examples=15, stateful_step_count=25, deadline=None)
    )


def test_two_machines_replace_one_value(store: Store, elsewhere: Store) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda machine: count_up(100, machine), (store, elsewhere)))
    assert store.values("count", now=0.0) == {"count": b"200"}


def test_everything_expires(store: Store, other: Any) -> None:
    store.put_conversation(conversation("conv_1"))
    store.append("conv_1", OURS, items("a"))
    store.begin_run(run(), response("resp_1", "resp_0"), events(0, 1))
    keep(store, "resp_2<resp_1")
    kept = {key.decode().split(":")[1]: other.ttl(key) for key in other.scan_iter("adapter:*")}
    assert kept.keys() == {"response", "continued", "conversation", "items", "run", "events", "holder"}
    month = 30 * 24 * 3600
    assert all(month - 60 < seconds < 1.1 * month for seconds in kept.values()), kept


def test_a_chain_lasts_as_long_as_what_continues_it(url: str, other: Any) -> None:
    ids = [f"resp_{number:03}" for number in range(30)]
    with closing(RedisStore(url, lifetime=100)) as brief, closing(RedisStore(url, lifetime=10_000)) as long:
        keep(brief, ids[0], *(f"{id}<{previous}" for previous, id in pairwise(ids)), "fork<resp_010")
        keep(long, "later<resp_020")
        brief.put(response("resp_005", "resp_004", text="a later snapshot"))
        lasts = {id: other.ttl(f"adapter:response:{OURS}:{id}") > 5000 for id in [*ids, "fork", "later"]}
        assert lasts == {id: (id.startswith("resp_") and id <= "resp_020") or id == "later" for id in lasts}
        for name in ("resp_004", "resp_020"):
            assert other.ttl(f"adapter:continued:{OURS}:{name}") > 5000


def test_what_has_expired_keeps_no_deleted_response(store: Store, other: Any) -> None:
    keep(store, "a", "b<a", "c<a")
    store.delete("a", OURS)
    other.delete(f"adapter:response:{OURS}:b")
    assert chain(store, "c") == ["a", "c"]
    store.delete("c", OURS)
    assert list(other.scan_iter("adapter:response:*")) == []


def test_nothing_is_left_of_what_was_deleted(store: Store, other: Any) -> None:
    store.put_conversation(conversation("conv_1"))
    store.append("conv_1", OURS, items("a"))
    store.begin_run(run(), response("resp_1"), events(0, 1))
    keep(store, "resp_2<resp_1")
    for id in ("resp_1", "resp_2"):
        store.delete(id, OURS)
    store.delete_conversation("conv_1", OURS)
    assert list(other.scan_iter("adapter:*")) == []


@pytest.mark.parametrize("length", [1, 500])
def test_a_chain_is_one_script(store: Store, other: Any, length: int) -> None:
    ids = [f"resp_{number:03}" for number in range(length)]
    keep(store, ids[0], *(f"{id}<{previous}" for previous, id in pairwise(ids)))
    store.chain(ids[-1], OURS)
    other.config_resetstat()
    assert chain(store, ids[-1]) == ids
    asked = {name: told["calls"] for name, told in other.info("commandstats").items()}
    assert asked["cmdstat_evalsha"] == 1
    assert asked["cmdstat_hmget"] == length, "from within the script"

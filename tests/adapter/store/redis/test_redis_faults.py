"""What can happen to a Redis server: told without its password, and over as soon as its cause is."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from adapter.store.base import StoreDown
from adapter.store.protocols import Store
from adapter.store.redis.store import RedisStore
from tests.adapter.store.responses import OURS, chain, conversation, items, keep
from tests.support.servers import redis


@pytest.fixture(scope="module")
def server() -> Iterator[redis.Server]:
    with redis.server() as server:
        yield server


@pytest.fixture
def store(server: redis.Server) -> Iterator[Store]:
    with closing(RedisStore(redis.empty(server.url))) as store:
        yield store


@pytest.fixture
def other(server: redis.Server) -> Iterator[Any]:
    with closing(redis.connect(server.url)) as client:
        yield client


def refusal(store: Store) -> str:
    """Return what a put and a ping are told when neither can be done."""
    told = []
    for call in (lambda: keep(store, "z"), store.ping):
        with pytest.raises(StoreDown) as down:
            call()
        told.append(str(down.value))
        assert "\n" not in told[-1]
        assert redis.PASSWORD not in told[-1]
        assert ":****@127.0.0.1:" in told[-1]
    assert len({re.sub(r" Redis says: .*", "", one) for one in told}) == 1
    return told[0]


def test_a_server_that_dies_and_comes_back(server: redis.Server, store: Store) -> None:
    keep(store, "a")
    server.kill()
    try:
        assert " cannot be reached; check that its server runs" in refusal(store)
    finally:
        server.start()
    keep(store, "b", "c<b")
    assert chain(store, "c") == ["b", "c"], "scripts that the new server does not know are told to it"


def test_a_server_that_stands_still(server: redis.Server) -> None:
    with closing(RedisStore(f"{server.url}?socket_timeout=0.2&socket_connect_timeout=0.2")) as store:
        keep(store, "a")
        with server.frozen():
            assert " does not answer. " in refusal(store)
        keep(store, "b<a")
        assert chain(store, "b") == ["a", "b"]


def test_connections_that_were_ended_are_made_again(store: Store, other: Any) -> None:
    keep(store, "a")
    for number in range(3):
        assert other.client_kill_filter(skipme=True) >= 1
        keep(store, f"b{number}<a")
        assert chain(store, f"b{number}") == ["a", f"b{number}"]


def test_scripts_that_were_forgotten_are_told_again(store: Store, other: Any) -> None:
    keep(store, "a")
    other.script_flush()
    keep(store, "b<a")
    assert chain(store, "b") == ["a", "b"]


def test_a_server_without_memory_keeps_nothing_by_halves(store: Store, other: Any) -> None:
    keep(store, "a")
    store.put_conversation(conversation("conv_1"))
    before = sorted(other.scan_iter("adapter:*"))
    other.config_set("maxmemory", 1)
    try:
        assert " has no memory left; " in refusal(store)
        for call in (lambda: keep(store, "b<a"), lambda: store.append("conv_1", OURS, items("a"))):
            with pytest.raises(StoreDown):
                call()
        assert chain(store, "a") == ["a"]
        store.delete("a", OURS)
    finally:
        other.config_set("maxmemory", 0)
    assert sorted(other.scan_iter("adapter:*")) == [key for key in before if b":response:" not in key]


def test_a_server_that_may_only_be_read(store: Store, other: Any) -> None:
    keep(store, "a")
    other.replicaof("127.0.0.1", 1)
    try:
        assert " can only be read; connect to the primary server. " in refusal(store)
        assert chain(store, "a") == ["a"]
    finally:
        other.replicaof("NO", "ONE")
    keep(store, "b<a")
    assert chain(store, "b") == ["a", "b"]


def test_a_server_that_evicts_is_not_ready(store: Store, other: Any) -> None:
    other.config_set("maxmemory", "1gb")
    other.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(StoreDown, match="set its maxmemory-policy to noeviction"):
            store.ping()
    finally:
        other.config_set("maxmemory", 0)
        other.config_set("maxmemory-policy", "noeviction")
    store.ping()


def test_a_wrong_password(server: redis.Server) -> None:
    with closing(RedisStore(server.url.replace(redis.PASSWORD, "s3cret-word-of-another"))) as store:
        assert " does not let this user in; check user and password. " in refusal(store)

"""What can happen to a PostgreSQL server: told without its password, and over as soon as its cause is."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any
from urllib.parse import urlsplit

import gevent
import pytest

from adapter.store.base import KeyUsage, StoreDown, StoredRun
from adapter.store.protocols import Store
from adapter.store.sql.migrations import VERSION
from adapter.store.sql.postgres import PostgreSQL
from adapter.store.sql.store import SQLStore
from tests.adapter.store import responses
from tests.adapter.store.responses import OURS, chain, keep, response
from tests.adapter.store.sql.test_postgres import until_waiting
from tests.support.servers import postgres
from tests.support.servers.forward_proxy import ForwardProxy


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as server:
        yield server


@pytest.fixture
def url(server: postgres.Server) -> Iterator[str]:
    with postgres.schema(server.url) as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(SQLStore(PostgreSQL(url))) as store:
        yield store


def refusal(store: Store) -> str:
    """Return the one sentence with which the store says that it cannot be used."""
    sentence = responses.refusal(store)
    assert postgres.PASSWORD not in sentence
    return sentence


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_is_stopped_and_comes_back(server: postgres.Server, store: Store, mode: str) -> None:
    keep(store, "a", "b<a")
    server.stop(mode)
    try:
        assert " cannot be reached; check that its server runs and that the address is right. " in refusal(store)
    finally:
        server.start()
    assert chain(store, "b") == ["a", "b"], "what was committed is there"
    keep(store, "c<b")
    assert chain(store, "c") == ["a", "b", "c"]


def test_a_server_that_dies_while_a_write_waits(server: postgres.Server, url: str, store: Store) -> None:
    keep(store, "a")
    with closing(postgres.connect(url)) as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE responses")
        waiting = gevent.spawn(keep, store, "b<a")
        until_waiting(other, 1)
        server.stop("immediate")
        try:
            with pytest.raises(StoreDown):
                waiting.get(timeout=20)
        finally:
            server.start()
    assert not store.exists("b", OURS)
    keep(store, "b<a")
    assert chain(store, "b") == ["a", "b"]


def test_a_server_that_stands_still(server: postgres.Server, url: str) -> None:
    """It keeps its connections, and accepts new ones, without a word."""
    with closing(SQLStore(PostgreSQL(url, time_limit=0.5))) as store:
        until_quick(lambda: keep(store, "a"))
        with server.frozen():
            assert refusal(store).endswith(" cannot be used: no answer within 0.5 s.")
        until_quick(lambda: keep(store, "b<a"))
        until_quick(lambda: store.ping())
        assert until_quick(lambda: chain(store, "b")) == ["a", "b"]


def until_quick(call: Callable[[], Any]) -> Any:
    """Return the result of a call that a busy machine may need more patience for."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return call()
        except StoreDown:
            assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"password": "wr0ng"}, "password authentication failed"),
        ({"username": "nobody"}, 'password authentication failed for user "nobody"'),
        ({"database": "elsewhere"}, 'database "elsewhere" does not exist'),
        ({"port": 1}, "Connection refused"),
        ({"hostname": "no-such-host.invalid"}, "failed to resolve host"),
        ({"sslmode": "require"}, "server does not support SSL"),
    ],
    ids=str,
)
def test_where_nobody_is_let_in(url: str, change: dict[str, object], told: str) -> None:
    elsewhere = postgres.changed(url, **change)
    with closing(SQLStore(PostgreSQL(elsewhere))) as store:
        refused = refusal(store)
    assert told in refused
    assert f"@{elsewhere.partition('@')[2].partition('?')[0]} cannot be reached; " in refused
    assert "wr0ng" not in refused


def test_a_server_that_only_reads(url: str, store: Store) -> None:
    keep(store, "a")
    with closing(SQLStore(PostgreSQL(f"{url}%20-c%20default_transaction_read_only%3Don"))) as standby:
        assert chain(standby, "a") == ["a"]
        for call in (standby.ping, lambda: keep(standby, "b")):
            with pytest.raises(StoreDown, match="can only be read; connect to the primary server"):
                call()


def test_who_may_not_make_tables(url: str, store: Store) -> None:
    with closing(postgres.connect(url)) as other:
        other.execute("DROP ROLE IF EXISTS guest")
        other.execute("CREATE ROLE guest LOGIN PASSWORD 's3cret-word'")
        other.execute("DO $$ BEGIN EXECUTE 'GRANT USAGE ON SCHEMA ' || current_schema() || ' TO guest'; END $$")
    with closing(SQLStore(PostgreSQL(postgres.changed(url, username="guest")))) as guest:
        assert "does not let this user work; grant it the right to create tables, or to use" in refusal(guest)


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (2, f"have version 2 and this program works with version {VERSION}; stop what uses them and run `responses-ad"),
        (99, f"have version 99 and this program knows version {VERSION}; use the program that wrote it, or a later"),
        (1, "its tables have version 1, which was never released; move the database away to begin anew"),
    ],
)
def test_tables_of_another_version(url: str, store: Store, version: int, told: str) -> None:
    keep(store, "a")
    store.close()
    with closing(postgres.connect(url)) as other:
        other.execute("UPDATE schema_version SET version = %s", [version])
        assert told in refusal(store)
        other.execute("UPDATE schema_version SET version = %s", [VERSION])
    assert chain(store, "a") == ["a"]


class LossyProxy(ForwardProxy):
    """A proxy in front of one server, on which a reply can be lost. `url` leads through it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._server_port = urlsplit(url).port
        self.url = postgres.changed(url, port=self.port)
        self.loses_next = False
        """The next reply, and its connection."""

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._server_port)) as server:
            sending = threading.Thread(target=self._copy, args=(client, server))
            sending.start()
            self._copy(server, client, is_reply=True)
            sending.join()

    def _copy(self, source: socket.socket, target: socket.socket, *, is_reply: bool = False) -> None:
        with suppress(OSError):
            while (data := source.recv(1 << 16)) and not (is_reply and self.loses_next):
                target.sendall(data)
            if data:
                self.loses_next = False
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def test_a_reply_that_is_lost_after_the_commit(url: str) -> None:
    """What the statement did is not done twice, nor is it answered as if it had not been done."""
    with LossyProxy(url) as proxy, closing(SQLStore(PostgreSQL(proxy.url))) as store:
        run = StoredRun("a", OURS, "one", until=1.0, streamed=False)
        store.begin_run(run, response("a"), None)
        proxy.loses_next = True
        store.add_key_usage([KeyUsage("key", "2026-11-29", "default", "m", responses=1)])
        assert not proxy.loses_next
        assert [one.responses for one in store.key_usage("2026-11-29")] == [1]
        proxy.loses_next = True
        assert store.take_run("a", OURS, "two", until=9.0, expired_by=2.0)
        assert store.run("a", OURS).holder == "two"
        proxy.loses_next = True
        keep(store, "b<a")
        assert chain(store, "b") == ["a", "b"]
        assert not proxy.loses_next

"""PostgreSQL: what is indexed, who waits for whom, and what many machines may do at the same time."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gevent
import psycopg
import pytest

from adapter.store.base import NotFound, StoreDown
from adapter.store.protocols import Store
from adapter.store.sql import run_tables, tables, upkeep
from adapter.store.sql.postgres import PostgreSQL
from adapter.store.sql.store import SQLStore
from tests.adapter.store.conformance import Conformance
from tests.adapter.store.responses import OURS, chain, conversation, count_up, items, keep
from tests.support.servers import postgres

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def url(database: str) -> Iterator[str]:
    with postgres.schema(database) as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(SQLStore(PostgreSQL(url))) as store:
        yield store


@pytest.fixture
def elsewhere(url: str) -> Iterator[Store]:
    """The store as another machine has it."""
    with closing(SQLStore(PostgreSQL(url))) as store:
        yield store


@pytest.fixture
def other(url: str, store: Store) -> Iterator[psycopg.Connection]:
    """A connection beside the store's, with the tables made."""
    store.ping()
    with closing(postgres.connect(url)) as connection:
        yield connection


class TestPostgreSQL(Conformance):
    pass


@pytest.mark.parametrize("others", [0, 1000])
@pytest.mark.parametrize(
    "statement",
    [tables.GET, tables.GET_VERSION, tables.CHAIN, tables.ERASE, upkeep.NEXT_PAGE, upkeep.UNNEEDED, run_tables.RUNS_OF],
    ids=["GET", "GET_VERSION", "CHAIN", "ERASE", "LOOK", "UNNEEDED", "HELD"],
)
def test_no_statement_reads_a_table_from_end_to_end(
    url: str, store: Store, other: psycopg.Connection, statement: str, others: int
) -> None:
    """Also before the server has counted what is in its tables."""
    keep(store, "a", "b<a", "c<b")
    other.execute(
        "INSERT INTO responses (id, tenant, created_at, version, deleted, input, response, notes, previous) "
        "SELECT 'resp_' || n, %s, n, 1, false, '', '', '', 'resp_' || n - 1 FROM generate_series(1, %s) n",
        [OURS, others],
    )
    database = PostgreSQL(url)
    with closing(database.open()) as connection, connection.cursor() as cursor:
        values = {**tables.row_key("c", OURS), "before": 100.0, "of_holder": "one"}
        cursor.execute(f"EXPLAIN {database.sql(statement)}", values)
        plan = [step for (step,) in cursor.fetchall()]
    assert any("Index" in step for step in plan), plan
    assert not any("Seq Scan" in step for step in plan), plan


def test_a_call_that_waits_leaves_the_event_loop_and_other_calls_alone(store: Store, other: psycopg.Connection) -> None:
    keep(store, "a", "b")
    store.put_conversation(conversation("conv_1"))
    with other.transaction():
        other.execute("SELECT FROM responses WHERE id = 'a' FOR UPDATE")
        other.execute("LOCK TABLE conversations")
        waiting = [gevent.spawn(keep, store, "a"), gevent.spawn(store.conversation, "conv_1", OURS)]
        until_waiting(other, 2)
        gevent.spawn(keep, store, "c<b").get(timeout=5)
        assert gevent.spawn(chain, store, "c").get(timeout=5) == ["b", "c"]
        assert not any(one.ready() for one in waiting)
    gevent.joinall(waiting, timeout=5, raise_error=True)


def until_waiting(other: psycopg.Connection, number: int) -> None:
    """Return when so many connections wait for a lock."""
    waiting = -1
    while waiting != number:
        gevent.idle()
        waiting = other.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted").fetchall()[0][0]


def test_writes_that_wait_together_are_a_few_transactions(store: Store, other: psycopg.Connection) -> None:
    """Two for what the writers had taken when they met the lock, and two for what came after that."""
    with other.transaction():
        other.execute("LOCK TABLE responses IN EXCLUSIVE MODE")
        writing = [gevent.spawn(keep, store, f"a{number}") for number in range(20)]
        gevent.idle()
    gevent.joinall(writing, timeout=5, raise_error=True)
    transactions = other.execute("SELECT count(DISTINCT xmin::text) FROM responses").fetchone()
    assert transactions is not None
    assert 1 <= transactions[0] <= 4


def test_several_machines_make_the_tables_at_once(url: str) -> None:
    stores = [SQLStore(PostgreSQL(url)) for _ in range(4)]
    making = [gevent.spawn(keep, store, f"a{number}") for number, store in enumerate(stores)]
    gevent.joinall(making, timeout=20, raise_error=True)
    assert all(stores[0].exists(f"a{number}", OURS) for number in range(4))
    for store in stores:
        store.close()


def test_two_machines_append_to_one_conversation(store: Store, elsewhere: Store) -> None:
    store.put_conversation(conversation("conv_1"))
    appending = [
        gevent.spawn(through.append, "conv_1", OURS, items(f"{name}{number}", f"{name}{number}'"))
        for number in range(20)
        for name, through in (("a", store), ("b", elsewhere))
    ]
    gevent.joinall(appending, timeout=20, raise_error=True)
    found = [item.id for item in store.items("conv_1", OURS)]
    assert len(found) == 80
    assert [f"{id}'" for id in found[::2]] == found[1::2]


def test_two_machines_delete_a_chain_from_both_its_ends(
    store: Store, elsewhere: Store, other: psycopg.Connection
) -> None:
    """Nobody can reach what one of them leaves for the other: nothing may be left."""
    for _ in range(10):
        keep(store, "a", "b<a", "c<b")
        deleting = [
            gevent.spawn(through.delete, id, OURS) for id, through in (("a", store), ("c", store), ("b", elsewhere))
        ]
        gevent.joinall(deleting, timeout=20, raise_error=True)
        assert other.execute("SELECT id FROM responses").fetchall() == []


def test_one_of_two_machines_takes_a_lease(store: Store, elsewhere: Store) -> None:
    store.put_conversation(conversation("conv_1"))
    for now in range(0, 300, 30):
        taking = [
            gevent.spawn(through.lease, "conv_1", OURS, f"{now} {name}", now=float(now), until=now + 30.0)
            for name, through in (("a", store), ("b", elsewhere))
        ]
        gevent.joinall(taking, timeout=20, raise_error=True)
        assert sorted(one.value for one in taking) == [False, True]


def test_two_machines_replace_one_value(store: Store, elsewhere: Store) -> None:
    count_up(60, store, elsewhere)
    assert store.values("count", now=0.0) == {"count": b"60"}


@pytest.mark.parametrize(("code", "times"), [("40001", 1), ("40P01", 3)])
def test_who_loses_against_another_transaction_tries_again(
    store: Store, other: psycopg.Connection, code: str, times: int
) -> None:
    store.put_conversation(conversation("conv_1"))
    fail(other, code, times)
    keep(store, "a")
    store.append("conv_1", OURS, items("a"))
    assert chain(store, "a") == ["a"]
    assert store.items("conv_1", OURS) == items("a")


def test_who_always_loses_is_told(store: Store, other: psycopg.Connection) -> None:
    fail(other, "40001", 1000)
    with pytest.raises(StoreDown, match=r"^The store .* failed\. PostgreSQL says: Lost\."):
        keep(store, "a")
    with pytest.raises(NotFound):
        store.get("a", OURS)


def fail(other: psycopg.Connection, code: str, times: int) -> None:
    """Make the next puts of a response fail with an SQLSTATE. A sequence counts on although a transaction failed."""
    other.execute("CREATE SEQUENCE failures")
    other.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF nextval('failures') <= {times} THEN RAISE EXCEPTION 'Lost.' USING ERRCODE = '{code}'; END IF; "
        "RETURN NEW; END $$"
    )
    other.execute("CREATE TRIGGER fail BEFORE INSERT ON responses FOR EACH ROW EXECUTE FUNCTION fail()")


def test_connections_that_were_ended_are_made_again(store: Store, other: psycopg.Connection) -> None:
    keep(store, "a")
    for number in range(3):
        assert chain(store, "a") == ["a"]
        ended = other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'responses-adapter'"
        ).fetchall()
        assert len(ended) >= 2
        keep(store, f"b{number}<a")
        assert chain(store, f"b{number}") == ["a", f"b{number}"]


def test_a_server_that_isolates_more_by_default(url: str, other: psycopg.Connection) -> None:
    """What is enough for us is set, so that no commit fails for what others do."""
    name = other.execute("SELECT current_database()").fetchall()[0][0]
    other.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    try:
        with closing(PostgreSQL(url).open()) as connection:
            assert connection.execute("SHOW transaction_isolation").fetchall() == [("read committed",)]
    finally:
        other.execute(f"ALTER DATABASE {name} RESET default_transaction_isolation")


PATCHED = """
import os, sys
from psycopg import waiting
from adapter.store import open_store
from tests.adapter.store.responses import chain, keep
store = open_store(sys.argv[1].replace("127.0.0.1", "localhost"))
keep(store, "a", "b<a")
print(*chain(store, "b"), waiting.wait.__name__, len(os.listdir("/proc/self/task")))
store.close()
"""


def test_in_a_gevent_worker_each_connection_takes_one_thread(url: str) -> None:
    """Names are looked up and answers are waited for in it, not in further event loops."""
    one = "import os; from adapter.store.sql.postgres import psycopg; import gevent.monkey; gevent.monkey.patch_all(); "
    command = [sys.executable, "-c", one + PATCHED, url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "a b wait_c 3\n"

"""Tables of an earlier version: what they hold is there afterwards, and they are as if they had been made today."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
import pytest

from adapter.store.base import StoredEvents, StoredItem, StoreDown, StoredResponse
from adapter.store.protocols import Store
from adapter.store.sql import migrations
from adapter.store.sql.migrations import STEPS, VERSION
from adapter.store.sql.postgres import PostgreSQL
from adapter.store.sql.sqlite import SQLiteFile
from adapter.store.sql.store import SQLStore
from tests.support.servers import postgres

OLD = (Path(__file__).parent / "version_2.sql").read_text()


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def url(database: str) -> Iterator[str]:
    with postgres.schema(database) as url:
        yield url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "responses.db"


def old_file(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        # SQLite keeps text as text in a column of bytes; the program had stored bytes.
        file.executescript(
            re.sub(r"'([\"{\[e][^']*)'", lambda text: f"CAST({text[0]} AS BLOB)", OLD.replace("{bytes}", "BLOB"))
        )


def old_database(url: str) -> None:
    with closing(postgres.connect(url)) as connection:
        connection.execute(OLD.replace("{bytes}", "BYTEA"))  # type: ignore[call-overload]


def test_every_version_has_steps_to_the_next() -> None:
    assert list(STEPS) == list(range(min(STEPS), VERSION))


def test_a_file_is_upgraded_when_it_is_used(path: Path, tmp_path: Path) -> None:
    old_file(path)
    with closing(SQLStore(SQLiteFile(str(path)))) as store:
        holds_what_it_held(store)
    with closing(SQLStore(SQLiteFile(str(tmp_path / "new.db")))) as new:
        new.ping()
    assert file_shape(path) == file_shape(tmp_path / "new.db")


def test_upgrading_a_file_tells_what_was_found(path: Path) -> None:
    old_file(path)
    with closing(SQLStore(SQLiteFile(str(path)))) as store:
        assert store.upgrade() == 2
        assert store.upgrade() == VERSION
        holds_what_it_held(store)


def test_a_step_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old_file(path)
    with closing(SQLStore(SQLiteFile(str(path)))) as store:
        with monkeypatch.context() as broken:
            broken.setitem(migrations.STEPS, 2, (*STEPS[2], "DROP TABLE what_is_not_there"))  # type: ignore[misc]
            with pytest.raises(StoreDown, match="no such table: what_is_not_there"):
                store.ping()
        holds_what_it_held(store)


def test_workers_upgrade_a_file_at_once(path: Path) -> None:
    old_file(path)
    stores = [SQLStore(SQLiteFile(str(path))) for _ in range(4)]
    gevent.joinall([gevent.spawn(store.ping) for store in stores], raise_error=True)
    for store in stores:
        holds_what_it_held(store)
        store.close()


def test_a_server_database_waits_for_the_command(url: str) -> None:
    old_database(url)
    with closing(SQLStore(PostgreSQL(url))) as store:
        with pytest.raises(StoreDown, match="stop what uses them and run `responses-adapter store upgrade`"):
            store.get("resp_2", "me")
        assert store.upgrade() == 2
        holds_what_it_held(store)


def test_an_upgraded_database_is_like_a_new_one(database: str, url: str) -> None:
    old_database(url)
    with postgres.schema(database) as other:
        shapes = []
        for one in (url, other):
            with closing(SQLStore(PostgreSQL(one))) as store:
                store.upgrade()
            shapes.append(database_shape(one))
    assert shapes[0] == shapes[1]


ODD = [
    ["DELETE FROM schema_version"],
    ["INSERT INTO schema_version VALUES (2)"],
    ["DROP TABLE schema_version", "CREATE TABLE schema_version (version TEXT)",
     "INSERT INTO schema_version VALUES ('x')"],
]  # fmt: skip
"""No version, two of them, and one that is none."""


@pytest.mark.parametrize("changes", ODD)
@pytest.mark.parametrize("kind", ["file", "server"])
def test_tables_without_one_version(changes: list[str], kind: str, path: Path, url: str) -> None:
    database = SQLiteFile(str(path)) if kind == "file" else PostgreSQL(url)
    with closing(SQLStore(database)) as store:
        store.ping()
    other: Any = sqlite3.connect(path, isolation_level=None) if kind == "file" else postgres.connect(url)
    with closing(other):
        for change in changes:
            other.execute(change)
    with closing(SQLStore(database)) as store:
        for call in (store.ping, store.stats, store.upgrade):
            with pytest.raises(StoreDown, match="schema_version does not hold one version; put a backup"):
                call()


def file_shape(path: Path) -> Any:
    """Return the columns, keys and indexes of all tables of a file; how long a text may be is left out."""
    with closing(sqlite3.connect(path)) as file:
        columns = file.execute(
            'SELECT t.name, c.name, c.type, c."notnull", c.dflt_value, c.pk '
            "FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY t.name, c.cid"
        ).fetchall()
        indexes = file.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
        ).fetchall()
    assert columns
    return [[re.sub(r"\(\d+\)", "", str(value)) for value in column] for column in columns], indexes


def database_shape(url: str) -> Any:
    """Return the same of the schema that a URL names."""
    with closing(postgres.connect(url)) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
            "WHERE table_schema = current_schema() ORDER BY table_name, column_name"
        ).fetchall()
        indexes = connection.execute(
            "SELECT replace(indexdef, schemaname || '.', '') FROM pg_indexes "
            "WHERE schemaname = current_schema() ORDER BY indexname"
        ).fetchall()
    assert columns
    return columns, indexes


def holds_what_it_held(store: Store) -> None:
    first = StoredResponse("resp_1", "me", 1000, None, b'"Hi"', b'{"id":"resp_1"}')
    second = StoredResponse("resp_2", "me", 2000, "resp_1", b'"Again"', b'{"id":"resp_2"}', conversation="conv_1")
    assert store.chain("resp_2", "me") == [first, second]
    assert not store.exists("resp_1", "me"), "it was deleted"
    assert store.conversation("conv_1", "me").metadata == b'{"a":"b"}'
    assert store.items("conv_1", "me") == [StoredItem("msg_1", b'{"id":"msg_1"}')]
    assert store.events("resp_3", "me", -1) == [StoredEvents(0, 0, True, b"event: e")]
    assert store.run("resp_3", "me").ended == 3005.0
    store.set_value("key", b"1", until=10.0)
    assert store.values("k", now=9.0) == {"key": b"1"}
    assert store.prune(1499.0) == 0, "the conversation was used at 1500, when it was made"

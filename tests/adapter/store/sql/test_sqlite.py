"""The SQLite file: what lies on the disk, how it is written, and who waits for whom."""

import random
import sqlite3
import stat
import struct
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gevent
import pytest

from adapter.store import open_store
from adapter.store.protocols import Store
from adapter.store.sql import tables
from adapter.store.sql.sqlite import SQLiteFile
from adapter.store.sql.store import SQLStore
from tests.adapter.store.conformance import Conformance
from tests.adapter.store.responses import OURS, chain, keep, response


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "responses.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with closing(SQLStore(SQLiteFile(str(path)))) as store:
        yield store


@pytest.fixture
def locked(path: Path, store: Store) -> Iterator[sqlite3.Connection]:
    """Another connection that holds the write lock until it is rolled back."""
    store.ping()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


class TestSQLite(Conformance):
    pass


def test_nothing_is_made_before_the_first_call(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/var/responses.db")
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_may_read_the_files(tmp_path: Path) -> None:
    directory = tmp_path / "var" / "lib"
    with closing(open_store(f"sqlite:///{directory}/responses.db")) as store:
        keep(store, "a")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()}
    assert modes == {"responses.db": 0o600, "responses.db-wal": 0o600, "responses.db-shm": 0o600}


def test_a_path_is_relative_to_where_the_store_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(open_store("sqlite:///here.db")) as store:
        monkeypatch.chdir("/")
        store.ping()
    assert (tmp_path / "here.db").exists()


@pytest.mark.parametrize("size", [100, 300_000])
def test_erased_bytes_are_nowhere_on_the_disk(store: Store, path: Path, size: int) -> None:
    """Also not in the write-ahead log, and while the store is in use."""
    secret = b"It was the butler. " + random.Random(0).randbytes(size)  # cannot be compressed
    store.put(response("a", input=secret))
    keep(store, "b<a", "c<b")
    store.delete("a", OURS)
    store.delete("b", OURS)
    assert lies_in("the butler", path.parent)
    store.delete("c", OURS)
    assert not lies_in("the butler", path.parent)
    keep(store, "d")
    assert chain(store, "d") == ["d"]


def lies_in(text: str, directory: Path) -> bool:
    # A process of its own: closing one of the files here would take away the locks that SQLite has on it.
    return subprocess.run(["grep", "-rqaF", text, str(directory)], check=False).returncode == 0


@pytest.mark.parametrize(("statement", "rows"), [(tables.GET, 1), (tables.CHAIN, 3), (tables.ERASE, 0)])
def test_every_step_of_a_statement_is_a_search_in_an_index(store: Store, path: Path, statement: str, rows: int) -> None:
    keep(store, "a", "b<a", "c<b")
    with closing(sqlite3.connect(path)) as file:
        values = tables.row_key("c", OURS)
        assert len(file.execute(statement, values).fetchall()) == rows
        plan = [step for _, _, _, step in file.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    touching = [step for step in plan if " responses" in step or " other" in step]
    assert touching
    assert all(step.startswith("SEARCH") and "INDEX" in step for step in touching), plan


class CountedFile(SQLiteFile):
    """Counts what SQLite does: it calls back at each jump of its virtual machine, so for each row that it looks at."""

    steps = 0

    def open(self) -> sqlite3.Connection:
        connection = super().open()
        connection.set_progress_handler(self._count, 1)
        return connection

    def _count(self) -> int:
        self.steps += 1
        return 0


def test_a_store_twice_as_full(path: Path) -> None:
    """What a turn of a chain reads and writes costs the same."""
    file, costs = CountedFile(str(path)), []
    with closing(SQLStore(file)) as store:
        for number in range(1, 401):
            keep(store, f"other{number}", f"another{number}<other{number}")
            if number in (200, 400):
                keep(store, "a", "b<a", "c<b")
                file.steps = 0
                assert store.exists("c", OURS)
                assert chain(store, "c") == ["a", "b", "c"]
                keep(store, "d<c")
                assert store.get("d", OURS)
                for id in "abcd":
                    store.delete(id, OURS)
                costs.append(file.steps)
    assert 0 < costs[1] <= 1.2 * costs[0]


def test_a_waiting_write_leaves_the_event_loop_and_the_readers_alone(store: Store, locked: sqlite3.Connection) -> None:
    writing = gevent.spawn(keep, store, "a")
    reading = gevent.spawn(store.exists, "a", OURS)
    assert reading.get(timeout=5) is False
    assert not writing.ready()
    locked.rollback()
    writing.get(timeout=5)
    assert store.exists("a", OURS)


def test_writes_that_wait_together_are_one_transaction(store: Store, locked: sqlite3.Connection, path: Path) -> None:
    """Two at most: what the writer had taken when it met the lock, and what came after that."""
    before = commits(path)
    writing = [gevent.spawn(keep, store, f"a{number}") for number in range(20)]
    gevent.idle()
    locked.rollback()
    gevent.joinall(writing, timeout=5, raise_error=True)
    assert all(store.exists(f"a{number}", OURS) for number in range(20))
    assert 1 <= commits(path) - before <= 2


def commits(path: Path) -> int:
    """Count the commits in the write-ahead log (https://www.sqlite.org/fileformat2.html#walformat)."""
    log = path.with_name(path.name + "-wal").read_bytes()
    page = struct.unpack_from(">I", log, 8)[0]
    frames = [log[start : start + 24] for start in range(32, len(log), 24 + page)]
    return sum(frame[8:16] == log[16:24] and frame[4:8] != bytes(4) for frame in frames)


def test_closing_finishes_the_writes_that_wait(store: Store, locked: sqlite3.Connection) -> None:
    writing = [gevent.spawn(keep, store, f"a{number}") for number in range(3)]
    gevent.idle()
    closing = gevent.spawn(store.close)
    gevent.idle()
    locked.rollback()
    gevent.joinall([closing, *writing], timeout=5, raise_error=True)
    assert all(store.exists(f"a{number}", OURS) for number in range(3))


def test_a_write_is_done_although_its_greenlet_was_killed(store: Store, locked: sqlite3.Connection) -> None:
    killed, other = gevent.spawn(keep, store, "a"), gevent.spawn(keep, store, "b")
    gevent.idle()
    killed.kill()
    locked.rollback()
    other.get(timeout=5)
    assert store.exists("a", OURS)
    assert store.exists("b", OURS)


def test_what_is_long_is_compressed_and_comes_back_as_it_was(store: Store, path: Path) -> None:
    kept = [response("a", input=b'"short"'), response("b", "a", input=b'"%s"' % (b"and on and " * 10_000))]
    for one in kept:
        store.put(one)
    assert store.chain("b", OURS) == kept
    with closing(sqlite3.connect(path)) as other:
        on_disk = [row[0] for row in other.execute("SELECT input FROM responses ORDER BY id")]
    assert on_disk[0] == b'"short"'
    assert len(on_disk[1]) < 1000

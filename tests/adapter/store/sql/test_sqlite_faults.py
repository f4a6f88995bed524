"""What can happen to a SQLite file: told so that a person can act on it, and over as soon as its cause is."""

import os
import random
import resource
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from adapter.store import open_store
from adapter.store.base import NotFound, StoreDown
from adapter.store.protocols import Store
from adapter.store.sql.migrations import VERSION
from adapter.store.sql.sqlite import SQLiteFile
from adapter.store.sql.store import SQLStore
from tests.adapter.store.responses import OURS, chain, keep, refusal, response

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "responses.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with closing(SQLStore(SQLiteFile(str(path), patience=0.05))) as store:
        yield store


def test_locked_by_another_process(store: Store, path: Path) -> None:
    keep(store, "a")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for call in (lambda: keep(store, "b"), store.ping, lambda: store.delete("a", OURS)):
            with pytest.raises(StoreDown, match=f"^The store {path} is locked by another process; end the one"):
                call()
        assert chain(store, "a") == ["a"]
        other.rollback()
        keep(store, "b<a")
    assert chain(store, "b") == ["a", "b"]


def test_read_in_another_process_while_something_is_erased(store: Store, path: Path) -> None:
    keep(store, "a")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM responses").fetchone() == (1,)
        store.delete("a", OURS)
        assert not store.exists("a", OURS)
        assert other.execute("SELECT count(*) FROM responses").fetchone() == (1,)
    keep(store, "b")
    assert chain(store, "b") == ["b"]


def test_directory_that_cannot_be_written() -> None:
    with (
        unprivileged(),
        tempfile.TemporaryDirectory() as directory,
        closing(SQLStore(SQLiteFile(f"{directory}/responses.db"))) as store,
    ):
        os.chmod(directory, 0o500)
        assert "cannot be opened; check that it is a file in a directory that can be written" in refusal(store)
        os.chmod(directory, 0o700)
        keep(store, "a")
        assert chain(store, "a") == ["a"]


def test_directory_that_cannot_be_made() -> None:
    with (
        unprivileged(),
        tempfile.TemporaryDirectory() as directory,
        closing(SQLStore(SQLiteFile(f"{directory}/var/responses.db"))) as store,
    ):
        os.chmod(directory, 0o500)
        assert f"cannot be opened: Permission denied ({directory}/var)" in refusal(store)
        os.chmod(directory, 0o700)
        keep(store, "a")
        assert chain(store, "a") == ["a"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file that is another user's")
def test_an_empty_file_of_another_user() -> None:
    """As root makes one by opening, with another program, a database that is not there yet."""
    with tempfile.TemporaryDirectory() as directory, closing(SQLStore(SQLiteFile(f"{directory}/empty.db"))) as store:
        Path(directory, "empty.db").touch()
        os.chown(directory, NOBODY, NOBODY)
        with unprivileged():
            assert "Check that it belongs to the user of the server." in refusal(store)
        os.chown(f"{directory}/empty.db", NOBODY, NOBODY)
        with unprivileged():
            keep(store, "a")
            assert chain(store, "a") == ["a"]


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write anywhere; be somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_directory_where_the_file_should_be(store: Store, path: Path) -> None:
    path.mkdir()
    assert "cannot be opened" in refusal(store)
    path.rmdir()
    keep(store, "a")
    assert chain(store, "a") == ["a"]


def test_no_space_left(store: Store, path: Path) -> None:
    keep(store, "a")
    large = response("b", "a", input=random.Random(0).randbytes(10_000_000))  # nothing to compress
    with files_of_at_most(1_000_000):
        with pytest.raises(StoreDown, match=f"^The store {path} cannot be read or written; check its disk, and that"):
            store.put(large)
        assert chain(store, "a") == ["a"]
        keep(store, "c<a")
    store.put(large)
    assert chain(store, "b") == ["a", "b"]
    assert chain(store, "c") == ["a", "c"]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_database(store: Store, path: Path) -> None:
    path.write_bytes(b"What is this? " * 1000)
    assert f"The store {path} is not an SQLite database; give another path, or move it away" in refusal(store)
    path.unlink()
    keep(store, "a")
    assert chain(store, "a") == ["a"]


def test_a_ping_notices_a_disk_that_is_nearly_full(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.ping()
    fields = list(os.statvfs(path.parent))
    fields[4] = 2  # blocks that are free for this user
    with monkeypatch.context() as patched:
        patched.setattr(os, "statvfs", lambda _: os.statvfs_result(fields))
        with pytest.raises(StoreDown, match=f"^The store {path} has no room to grow; free some space on its disk.$"):
            store.ping()
    store.ping()


def test_damaged_database(store: Store, path: Path) -> None:
    store.put(response("a", input=b"x" * 300_000))
    store.close()
    backup = path.read_bytes()
    path.write_bytes(backup[:16384] + b"\xff" * (len(backup) - 16384))
    with pytest.raises(StoreDown, match="is damaged; put a backup in its place"):
        store.get("a", OURS)
    path.write_bytes(backup)
    assert chain(store, "a") == ["a"]


@pytest.mark.parametrize("how", ["moved away", "replaced by a backup"])
def test_file_that_is_changed_for_another_in_use(store: Store, path: Path, tmp_path: Path, how: str) -> None:
    """What is answered as stored is in the file that has the name, not in one that nobody will find again."""
    store.put(response("resp_1"))
    with closing(sqlite3.connect(path)) as file, closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
        file.backup(backup)
    store.put(response("resp_2"))
    if how == "moved away":
        path.rename(tmp_path / "away.db")
    else:
        (tmp_path / "backup.db").rename(path)
    for beside in ("-wal", "-shm"):
        Path(f"{path}{beside}").unlink(missing_ok=True)
    with pytest.raises(NotFound):
        store.get("resp_2", OURS)
    store.put(response("resp_3"))
    with closing(open_store(f"sqlite:///{path}")) as other:
        assert other.exists("resp_1", OURS) == (how == "replaced by a backup")
        assert other.get("resp_3", OURS) == response("resp_3")
        other.put(response("resp_4"))
    assert store.get("resp_4", OURS) == response("resp_4")


def test_database_of_a_later_version(store: Store, path: Path) -> None:
    store.ping()
    store.close()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE schema_version SET version = 99")
    assert refusal(store) == (
        f"The store {path} cannot be used: its tables have version 99 and this program knows version {VERSION}; "
        "use the program that wrote it, or a later one."
    )
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE schema_version SET version = ?", [VERSION])
    keep(store, "a")
    assert chain(store, "a") == ["a"]


def test_a_damaged_value(store: Store, path: Path) -> None:
    keep(store, "a")
    store.put(response("b", "a", input=b'"%s"' % (b"long " * 10_000)))
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE responses SET input = substr(input, 1, 20) WHERE id = 'b'")
    with pytest.raises(StoreDown, match="a stored response is damaged"):
        store.get("b", OURS)
    assert chain(store, "a") == ["a"]


def test_a_file_from_before_the_first_release(store: Store, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        other.execute("INSERT INTO schema_version VALUES (1)")
    assert "its tables have version 1, which was never released; move the database away" in refusal(store)

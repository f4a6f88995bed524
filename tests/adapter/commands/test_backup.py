"""`store backup`: what is in a copy that is made while servers write, and what stops it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from adapter.commands.backup import BackupError, back_up
from adapter.store.sql.sqlite import SQLiteFile
from tests.adapter.commands.test_cli import run


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a database, one of files, and a key."""
    path = tmp_path / "var" / "adapter.db"
    for name in ("adapter.db", "adapter-files.db"):
        SQLiteFile(str(path.with_name(name))).open().close()
    path.with_name("adapter.db.key").write_text("a secret")
    return path


def test_it_copies_all_three_for_their_owner_only(store: Path, tmp_path: Path) -> None:
    shown = run("store", "backup", str(tmp_path / "new" / "copy"), "--store", f"sqlite:///{store}")
    copies = [tmp_path / "new" / "copy" / name for name in ("adapter.db", "adapter-files.db", "adapter.db.key")]
    assert (shown.stdout.splitlines(), shown.returncode) == ([str(copy) for copy in copies], 0)
    assert sorted((tmp_path / "new" / "copy").iterdir()) == sorted(copies)
    assert {copy.stat().st_mode & 0o777 for copy in copies} == {0o600}
    assert copies[0].parent.stat().st_mode & 0o777 == 0o700
    assert copies[2].read_text() == "a secret"


def test_a_copy_is_of_one_moment(store: Path, tmp_path: Path) -> None:
    """Each transaction writes two rows; no copy has one of them, and all of a copy's were committed before its end."""
    done, written = Event(), 0

    def write() -> None:
        nonlocal written
        with closing(SQLiteFile(str(store)).open()) as connection:
            connection.execute("CREATE TABLE pairs (one INTEGER, filler BLOB)")
            while not done.is_set():
                connection.execute("BEGIN IMMEDIATE")
                for _ in range(2):
                    connection.execute("INSERT INTO pairs VALUES (?, randomblob(20000))", (written,))
                connection.commit()
                written += 1

    writer = Thread(target=write)
    writer.start()
    try:
        for count in range(5):
            while written < 20 * (count + 1):
                assert writer.is_alive()
            before = written
            (copy, *_) = back_up(str(store), tmp_path / str(count))
            with closing(sqlite3.connect(copy)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                rows, pairs = connection.execute("SELECT COUNT(*), COUNT(DISTINCT one) FROM pairs").fetchone()
            assert rows == 2 * pairs
            assert before <= pairs <= written + 1
    finally:
        done.set()
        writer.join()


def test_what_is_not_there_is_neither_copied_nor_made(store: Path, tmp_path: Path) -> None:
    store.with_name("adapter-files.db").unlink()
    store.with_name("adapter.db.key").unlink()
    before = sorted(store.parent.iterdir())
    assert back_up(str(store), tmp_path / "copy") == [tmp_path / "copy" / "adapter.db"]
    assert sorted(store.parent.iterdir()) == before


def test_a_backup_is_never_overwritten(store: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "adapter.db.key").write_text("of another day")
    with pytest.raises(BackupError, match=r"adapter\.db\.key exists, and stays as it is"):
        back_up(str(store), tmp_path / "copy")
    assert [path.read_text() for path in (tmp_path / "copy").iterdir()] == ["of another day"]


def test_a_damaged_store_leaves_no_copy(store: Path, tmp_path: Path) -> None:
    store.write_bytes(b"no database" * 1000)
    with pytest.raises(BackupError, match="file is not a database"):
        back_up(str(store), tmp_path / "copy")
    assert list((tmp_path / "copy").iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///nowhere/adapter.db", "There is no store at "),
        ("memory:", "A memory: store ends with its server"),
        ("postgresql+psycopg://user:password@host/database", "pg_dump"),
        ("redis://127.0.0.1:9/0", "BGSAVE"),
    ],
)
def test_stores_that_it_cannot_copy(tmp_path: Path, url: str, message: str) -> None:
    shown = run("store", "backup", str(tmp_path / "copy"), "--store", url, ADAPTER_WORKERS="1")
    assert shown.returncode == 2
    assert message in shown.stderr
    assert not (tmp_path / "copy").exists()


def test_a_folder_that_cannot_be_made(store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shown = run("store", "backup", str(tmp_path / "file" / "copy"), "--store", f"sqlite:///{store}")
    assert (shown.stderr, shown.returncode) == (f"responses-adapter: {tmp_path}/file/copy: Not a directory.\n", 2)

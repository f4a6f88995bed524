"""The file stores: each does the same, and another process sees at once what one has stored."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapter.settings.store_url import parse_store_url
from adapter.store.base import StoreDown
from adapter.store.files import files_path, open_file_store
from adapter.store.files.protocols import FileStore
from tests.adapter.store.files.conformance import NOW, OURS, FileSuite, content, keep, new_file
from tests.support.servers import postgres


def opened(url: str) -> FileStore:
    store = open_file_store(parse_store_url(url))
    assert store is not None
    return store


class TestMemory(FileSuite):
    @pytest.fixture
    def store(self) -> FileStore:
        return opened("memory:")


class TestSQLite(FileSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/var/adapter.db"

    @pytest.fixture
    def store(self, url: str) -> Iterator[FileStore]:
        with closing(opened(url)) as store:
            yield store

    def test_it_has_a_file_of_its_own(self, store: FileStore, tmp_path: Path) -> None:
        assert not store.is_in_use()
        keep(store, "file-1", b"x")
        assert store.is_in_use()
        assert {path.name for path in (tmp_path / "var").glob("*.db")} == {"adapter-files.db"}
        assert (tmp_path / "var" / "adapter-files.db").stat().st_mode & 0o777 == 0o600

    def test_another_worker_sees_whole_files_only(self, store: FileStore, url: str) -> None:
        with closing(opened(url)) as other:
            store.begin_file(new_file("file-1"), NOW + 60)
            store.add_piece("file-1", OURS, 0, b"x", NOW + 60)
            assert not other.list_files(OURS, NOW, purpose="", limit=9, after="", descending=True).files
            store.complete_file(new_file("file-1", bytes=1, pieces=1))
            assert content(other, other.file("file-1", OURS, NOW)) == b"x"

    def test_deleted_bytes_are_in_no_file_of_the_disk(self, store: FileStore, tmp_path: Path) -> None:
        keep(store, "file-1", b"a secret of the user" * 1000)
        store.delete_file("file-1", OURS)
        for path in (tmp_path / "var").iterdir():
            assert b"a secret of the user" not in path.read_bytes()

    def test_a_later_version(self, store: FileStore, tmp_path: Path) -> None:
        keep(store, "file-1", b"x")
        store.close()
        with closing(sqlite3.connect(files_path(f"{tmp_path}/var/adapter.db"))) as file, file:
            file.execute("UPDATE file_schema_version SET version = 99")
        with pytest.raises(StoreDown, match="version 99"):
            store.file("file-1", OURS, NOW)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres.database() as url:
        yield url


class TestPostgreSQL(FileSuite):
    @pytest.fixture
    def store(self, database: str) -> Iterator[FileStore]:
        with postgres.schema(database) as url, closing(opened(url)) as store:
            yield store


def test_redis_keeps_no_files() -> None:
    assert open_file_store(parse_store_url("redis://localhost/0")) is None

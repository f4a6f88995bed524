"""What every file store does. A test class per store inherits this suite and gives it a `store`."""

import itertools

import pytest

from adapter.store.base import NotFound, Usage
from adapter.store.files.protocols import FileStore
from adapter.store.files.values import StoredFile
from tests.adapter.store.files.vector_suite import VectorSuite, index, make

OURS, THEIRS = "a" * 64, "b" * 64
NOW = 1_800_000_000
LATER = NOW + 60.0


def new_file(id: str, **members: object) -> StoredFile:
    defaults: dict[str, object] = {
        "tenant": OURS, "created_at": NOW, "filename": "ä b.txt", "purpose": "user_data", "type": "text/plain",
    }  # fmt: skip
    return StoredFile(id, **{**defaults, **members})  # type: ignore[arg-type]


def keep(store: FileStore, id: str, *pieces: bytes, **members: object) -> StoredFile:
    file = new_file(id, bytes=sum(map(len, pieces)), pieces=len(pieces), **members)
    store.begin_file(new_file(id, **members), LATER)
    for number, data in enumerate(pieces):
        assert store.add_piece(id, file.tenant, number, data, LATER)
    assert store.complete_file(file)
    return file


def ids(store: FileStore, tenant: str = OURS, now: float = NOW, **options: object) -> list[str]:
    defaults: dict[str, object] = {"purpose": "", "limit": 100, "after": "", "descending": False}
    page = store.list_files(tenant, now, **{**defaults, **options})  # type: ignore[arg-type]
    return [file.id for file in page.files]


def content(store: FileStore, file: StoredFile) -> bytes:
    return b"".join(store.piece(file.id, file.tenant, number) for number in range(file.pieces))


class FileSuite(VectorSuite):
    def test_a_file_comes_back_as_it_was(self, store: FileStore) -> None:
        odd = b"\x28\xb5\x2f\xfd not compressed" + bytes(range(256)) * 40
        file = keep(store, "file-1", odd, b"\0", b"end", expires_at=NOW + 3600)
        assert store.file("file-1", OURS, NOW) == file
        assert content(store, file) == odd + b"\0end"

    def test_an_upload_is_no_file(self, store: FileStore) -> None:
        store.begin_file(new_file("file-1"), LATER)
        store.add_piece("file-1", OURS, 0, b"half", LATER)
        assert ids(store) == []
        with pytest.raises(NotFound):
            store.file("file-1", OURS, NOW)

    def test_a_dead_upload_is_erased_and_cannot_go_on(self, store: FileStore) -> None:
        store.begin_file(new_file("file-1"), LATER)
        assert store.sweep_files(LATER - 1) == 0
        assert store.add_piece("file-1", OURS, 0, b"half", LATER + 10)
        assert store.sweep_files(LATER) == 0
        assert store.sweep_files(LATER + 10) == 1
        assert not store.add_piece("file-1", OURS, 1, b"half", LATER + 20)
        assert not store.complete_file(new_file("file-1"))
        assert store.usage() == {}

    def test_others_find_nothing(self, store: FileStore) -> None:
        file = keep(store, "file-1", b"x")
        assert ids(store, THEIRS) == []
        for call in (lambda: store.file("file-1", THEIRS, NOW), lambda: store.piece("file-1", THEIRS, 0),
                     lambda: store.delete_file("file-1", THEIRS)):  # fmt: skip
            with pytest.raises(NotFound):
                call()
        assert not store.add_piece("file-1", THEIRS, 1, b"x", LATER)
        assert content(store, file) == b"x"

    def test_two_tenants_may_have_the_same_id(self, store: FileStore) -> None:
        ours, theirs = keep(store, "file-1", b"ours"), keep(store, "file-1", b"theirs", tenant=THEIRS)
        store.delete_file("file-1", OURS)
        assert content(store, theirs) == b"theirs"
        with pytest.raises(NotFound):
            content(store, ours)

    def test_pages(self, store: FileStore) -> None:
        for number, purpose in zip(range(5), itertools.cycle(["user_data", "vision"]), strict=False):
            keep(store, f"file-{number}", b"x", purpose=purpose)
        assert ids(store) == [f"file-{number}" for number in range(5)]
        assert ids(store, descending=True, limit=2) == ["file-4", "file-3"]
        assert ids(store, descending=True, after="file-3", limit=2) == ["file-2", "file-1"]
        assert ids(store, after="file-2") == ["file-3", "file-4"]
        assert ids(store, purpose="vision") == ["file-1", "file-3"]
        page = store.list_files(OURS, NOW, purpose="", limit=5, after="", descending=False)
        assert not page.has_more
        assert store.list_files(OURS, NOW, purpose="", limit=4, after="", descending=False).has_more

    def test_what_has_expired_is_not_found_and_then_erased(self, store: FileStore) -> None:
        keep(store, "file-1", b"x", expires_at=NOW + 10)
        keep(store, "file-2", b"x")
        assert ids(store, now=NOW + 9.9) == ["file-1", "file-2"]
        assert ids(store, now=NOW + 10) == ["file-2"]
        with pytest.raises(NotFound):
            store.file("file-1", OURS, NOW + 10)
        assert store.sweep_files(NOW + 10) == 1
        assert store.sweep_files(NOW + 10) == 0
        assert store.usage() == {OURS: Usage(1, 1)}

    def test_deleting_erases_every_piece(self, store: FileStore) -> None:
        file = keep(store, "file-1", *(b"%d" % number for number in range(130)))
        store.delete_file("file-1", OURS)
        for number in (0, 63, 64, 129):
            with pytest.raises(NotFound):
                store.piece("file-1", OURS, number)
        with pytest.raises(NotFound):
            store.delete_file("file-1", OURS)
        assert file.pieces == 130
        assert store.usage() == {}

    def test_unused_files_are_pruned(self, store: FileStore) -> None:
        keep(store, "file-1", b"x", created_at=1000)
        keep(store, "file-2", b"x", created_at=1000)
        store.mark_used("file-2", OURS, 1e12)
        store.mark_used("file-none", OURS, 1e12)
        assert store.prune_files(1e11) == 1
        assert ids(store) == ["file-2"]

    @pytest.mark.parametrize("id", ["", "file-2", "a\0b", "\ud800", "ä" * 200, "' OR 1=1 --"])
    def test_ids_that_no_file_has(self, store: FileStore, id: str) -> None:
        keep(store, "file-1", b"x")
        with pytest.raises(NotFound):
            store.file(id, OURS, NOW)
        with pytest.raises(NotFound):
            store.delete_file(id, OURS)

    def test_a_deleted_file_leaves_its_vector_stores(self, store: FileStore) -> None:
        keep(store, "file-1", b"apple")
        of = make(store)
        index(store, of, "file-1", "apple")
        assert store.prune_files(NOW + 1e9 - 2e9) == 0
        store.delete_file("file-1", OURS)
        assert store.vectors.find_chunks(of.number, {"apple": 1.0}, None, 5) == []
        assert store.vectors.counts(of.number).total == 0

    def test_stats_and_usage(self, store: FileStore) -> None:
        keep(store, "file-1", b"abc", b"de")
        keep(store, "file-2", b"x", tenant=THEIRS)
        assert store.usage() == {OURS: Usage(1, 5), THEIRS: Usage(1, 1)}
        assert next((kind.name, kind.rows, kind.bytes) for kind in store.stats()) == ("files", 2, 6)

    def test_it_works_again_after_a_close(self, store: FileStore) -> None:
        store.close()
        keep(store, "file-1", b"x")
        assert store.is_in_use()
        store.close()
        store.close()
        store.upgrade()

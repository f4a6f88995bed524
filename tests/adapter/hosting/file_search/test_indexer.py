"""Indexing: what is read, what is not, and who goes on after a worker that died."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from adapter.files.files import Files
from adapter.hosting.file_search.indexer import Indexer
from adapter.settings.settings import Settings
from adapter.sharing.offload import Offload
from adapter.store.files.memory import MemoryFileStore
from adapter.store.files.upkeep import FileUpkeep
from adapter.store.memory import MemoryStore
from adapter.store.quota import Quota
from adapter.store.vectors.values import NewChunk, StoredVectorFile, StoredVectorStore
from tests.adapter.store.files.conformance import OURS, keep
from tests.support.files.pdf import pdf


@pytest.fixture
def store() -> MemoryFileStore:
    store = MemoryFileStore()
    store.vectors.create_store(StoredVectorStore("vs_1", OURS, 0, time.time()))
    return store


@pytest.fixture
def indexer(store: MemoryFileStore) -> Iterator[Indexer]:
    quota = Quota(MemoryStore(), max_bytes=1 << 30, max_items=1 << 30)
    with closing(Offload(100)) as offload:
        yield Indexer(store, Files(Settings(), offload, store), quota, lambda: None)
    quota.stop()


def index(store: MemoryFileStore, indexer: Indexer, data: bytes, type: str = "text/plain") -> StoredVectorFile:
    keep(store, "file-1", data, type=type)
    store.vectors.add_files([StoredVectorFile(1, "file-1", OURS, 0, chunk_tokens=100, overlap_tokens=0)])
    indexer.wake()
    indexer.join()
    return store.vectors.vector_file(1, "file-1")


@pytest.mark.parametrize(
    ("data", "type", "texts"),
    [
        (b"Hello there.", "text/plain", ["Hello there."]),
        ("Grüße".encode("utf-16"), "text/plain", ["Grüße"]),
        (b"a,b\r\n1,2\x07\n", "text/csv", ["a,b\n\n1,2"]),
        (b"<html><title>T</title><script>x</script><p>Hello</p></html>", "text/html", ["T\n\nHello"]),
        (pdf("Dear Ada", "Yours"), "application/pdf", ["Dear Ada\n\nYours"]),
        (b"word " * 300, "text/plain", [("word " * 80).strip()] * 3 + [("word " * 60).strip()]),
    ],
)  # fmt: skip
def test_what_is_read(store: MemoryFileStore, indexer: Indexer, data: bytes, type: str, texts: list[str]) -> None:
    file = index(store, indexer, data, type=type)
    assert (file.status, file.error_code, file.chunks) == ("completed", "", len(texts))
    assert store.vectors.texts(1, "file-1") == texts
    assert file.bytes == sum(len(text.encode()) for text in texts)


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"\xff\xfe\x00\xd8\x01", "unsupported_file", "The file is neither text in UTF-8 nor a PDF."),
        (b"PK\x03\x04\0\0", "unsupported_file", "neither text"),
        (b" \n\t ", "invalid_file", "The file has no text."),
        (b"%PDF-1.4 broken", "invalid_file", "The file could not be read as a PDF."),
    ],
)
def test_what_cannot_be_read(store: MemoryFileStore, indexer: Indexer, data: bytes, code: str, message: str) -> None:
    file = index(store, indexer, data)
    assert (file.status, file.error_code) == ("failed", code)
    assert message in file.error_message
    assert store.vectors.counts(1).failed == 1


def test_another_worker_goes_on_after_one_that_died(store: MemoryFileStore, indexer: Indexer) -> None:
    keep(store, "file-1", b"Hello.")
    store.vectors.add_files([StoredVectorFile(1, "file-1", OURS, 0)])
    now = time.time()
    assert store.vectors.take_due("the dead", now - 31, now - 1) is not None
    upkeep = FileUpkeep(store, indexer.wake)
    upkeep.look(store, now - 2, sweeps=False)
    indexer.join()
    assert store.vectors.vector_file(1, "file-1").status == "in_progress", "its lease goes on"
    upkeep.look(store, now, sweeps=True)
    indexer.join()
    assert store.vectors.vector_file(1, "file-1").status == "completed"
    assert store.vectors.texts(1, "file-1") == ["Hello."]


def test_a_file_that_is_added_again_while_it_is_indexed(
    store: MemoryFileStore, indexer: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_chunks, added = store.vectors.add_chunks, []

    def add_again(job: StoredVectorFile, chunks: Sequence[NewChunk], until: float) -> bool:
        if not added:
            added.append(job)
            store.vectors.add_files([StoredVectorFile(1, "file-1", OURS, 0, chunk_tokens=200, overlap_tokens=0)])
            assert store.vectors.take_due("another", time.time(), time.time() + 30) is not None
        return add_chunks(job, chunks, until)

    monkeypatch.setattr(store.vectors, "add_chunks", add_again)
    file = index(store, indexer, b"Hello.")
    assert (file.status, file.holder, store.vectors.texts(1, "file-1")) == ("in_progress", "another", [])


def test_each_job_has_a_holder_of_its_own(store: MemoryFileStore, indexer: Indexer) -> None:
    one = index(store, indexer, b"Hello.")
    assert one.holder != index(store, indexer, b"Hello.").holder


def test_a_file_that_is_deleted_meanwhile(store: MemoryFileStore, indexer: Indexer) -> None:
    store.vectors.add_files([StoredVectorFile(1, "file-9", OURS, 0)])
    indexer.wake()
    indexer.join()
    assert store.vectors.vector_file(1, "file-9").error_message == "The file is deleted."

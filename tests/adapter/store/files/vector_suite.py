"""What every store of vector stores does; part of `conformance.py`."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from adapter.store.base import NotFound
from adapter.store.files.protocols import FileStore
from adapter.store.vectors.values import FileCounts, NewChunk, Page, StoredBatch, StoredVectorFile, StoredVectorStore

OURS, THEIRS = "a" * 64, "b" * 64
NOW = 1_800_000_000


def make(store: FileStore, id: str = "vs_1", tenant: str = OURS, **members: object) -> StoredVectorStore:
    store.vectors.create_store(StoredVectorStore(id, tenant, NOW, float(NOW), **members))  # type: ignore[arg-type]
    return store.vectors.vector_store(id, tenant)


def entry(of: StoredVectorStore, file: str, **members: object) -> StoredVectorFile:
    return StoredVectorFile(of.number, file, of.tenant, NOW, **members)  # type: ignore[arg-type]


def chunk(number: int, text: str, vector: bytes = b"") -> NewChunk:
    return NewChunk(number, text, tuple(text.split()), vector)


def index(
    store: FileStore, of: StoredVectorStore, file: str, *texts: str, vector: bytes = b"", **members: object
) -> None:
    """Add a file and its chunks."""
    store.vectors.add_files([entry(of, file, **members)])
    job = store.vectors.take_due("me", NOW, NOW + 30)
    assert job is not None
    assert job.file == file
    assert store.vectors.add_chunks(job, [chunk(number, text, vector) for number, text in enumerate(texts)], NOW + 30)
    words = sum(len(text.split()) for text in texts)
    done = replace(job, status="completed", bytes=sum(map(len, texts)), chunks=len(texts), words=words)
    assert store.vectors.finish(done)


def found(
    store: FileStore, of: StoredVectorStore, *terms: str, files: Sequence[str] | None = None, limit: int = 10
) -> list[tuple[str, int]]:
    weights = dict.fromkeys(terms, 1.0)
    return [(one.file, one.number) for one in store.vectors.find_chunks(of.number, weights, files, limit)]


class VectorSuite:
    def test_vector_stores(self, store: FileStore) -> None:
        one = make(store, name="ä", metadata=b'{"a":"b"}', expires_days=2)
        assert (one.name, one.metadata, one.expires_at) == ("ä", b'{"a":"b"}', NOW + 2 * 86_400)
        store.vectors.update_store(replace(one, name="b", used_at=NOW + 5.0, expires_days=None))
        assert store.vectors.vector_store("vs_1", OURS).name == "b"
        assert store.vectors.vector_store("vs_1", OURS).expires_at is None
        make(store, tenant=THEIRS)
        for id, tenant in (("vs_2", OURS), ("a\0", OURS), ("vs_1", "c" * 64)):
            with pytest.raises(NotFound):
                store.vectors.vector_store(id, tenant)
            with pytest.raises(NotFound):
                store.vectors.delete_store(id, tenant)
        store.vectors.delete_store("vs_1", OURS)
        with pytest.raises(NotFound):
            store.vectors.vector_store("vs_1", OURS)
        assert store.vectors.vector_store("vs_1", THEIRS)

    def test_pages_of_vector_stores(self, store: FileStore) -> None:
        for number in range(5):
            make(store, f"vs_{number}")

        def ids(**page: object) -> list[str]:
            stores, _ = store.vectors.list_stores(OURS, Page(**page))  # type: ignore[arg-type]
            return [one.id for one in stores]

        assert ids(limit=2) == ["vs_4", "vs_3"]
        assert ids(after="vs_3", limit=2) == ["vs_2", "vs_1"]
        assert ids(before="vs_2") == ["vs_4", "vs_3"]
        assert ids(after="vs_1", descending=False) == ["vs_2", "vs_3", "vs_4"]
        assert ids(after="vs_0", before="vs_3", descending=False) == ["vs_1", "vs_2"]
        assert store.vectors.list_stores(OURS, Page(limit=4))[1]
        assert not store.vectors.list_stores(OURS, Page(limit=5))[1]
        assert store.vectors.list_stores(THEIRS, Page()) == ([], False)

    def test_pages_of_files(self, store: FileStore) -> None:
        of = make(store)
        store.vectors.add_files([entry(of, f"file-{number}", batch="b" if number % 2 else "") for number in range(5)])

        def ids(page: Page, **which: str) -> list[str]:
            return [one.file for one in store.vectors.list_vector_files(of.number, page, **which)[0]]

        assert ids(Page(limit=2)) == ["file-4", "file-3"]
        assert ids(Page(after="file-3", limit=2)) == ["file-2", "file-1"]
        assert ids(Page(before="file-3", descending=False)) == ["file-0", "file-1", "file-2"]
        assert ids(Page(), batch="b") == ["file-3", "file-1"]
        assert ids(Page(), status="completed") == []
        assert len(ids(Page(), status="in_progress")) == 5

    def test_a_file_is_indexed_by_one_at_a_time(self, store: FileStore) -> None:
        of, vectors = make(store), store.vectors
        vectors.add_files([entry(of, "file-1", attributes=b'{"a":1}', chunk_tokens=200, overlap_tokens=50, auto=False)])
        assert vectors.counts(of.number) == FileCounts(in_progress=1)
        one = vectors.take_due("one", NOW, NOW + 30)
        assert one is not None
        assert (one.attributes, one.chunk_tokens, one.auto) == (b'{"a":1}', 200, False)
        assert vectors.take_due("two", NOW + 29, NOW + 60) is None
        assert vectors.add_chunks(one, [chunk(0, "half done")], NOW + 40)
        assert vectors.take_due("two", NOW + 39, NOW + 60) is None
        two = vectors.take_due("two", NOW + 40, NOW + 70)
        assert two is not None
        assert not vectors.add_chunks(one, [chunk(1, "late")], NOW + 80)
        assert not vectors.finish(replace(one, status="completed"))
        assert vectors.add_chunks(two, [chunk(0, "whole")], NOW + 70)
        assert vectors.finish(replace(two, status="completed", chunks=1, words=1, bytes=5))
        assert vectors.texts(of.number, "file-1") == ["whole"], "what the first has left is erased"
        assert vectors.take_due("three", NOW + 999, NOW + 1000) is None
        assert vectors.counts(of.number) == FileCounts(completed=1, bytes=5)

    def test_a_failed_file(self, store: FileStore) -> None:
        of = make(store)
        store.vectors.add_files([entry(of, "file-1")])
        job = store.vectors.take_due("me", NOW, NOW + 30)
        assert job is not None
        failed = replace(job, status="failed", error_code="unsupported_file", error_message="no text")
        assert store.vectors.finish(failed)
        file = store.vectors.vector_file(of.number, "file-1")
        assert (file.status, file.error_code, file.error_message) == ("failed", "unsupported_file", "no text")

    def test_a_failed_file_leaves_no_chunks(self, store: FileStore) -> None:
        of, vectors = make(store), store.vectors
        vectors.add_files([entry(of, "file-1")])
        one = vectors.take_due("one", NOW, NOW + 30)
        assert one is not None
        assert vectors.add_chunks(one, [chunk(number, "apple") for number in range(1100)], NOW + 30)
        two = vectors.take_due("two", NOW + 30, NOW + 60)
        assert two is not None
        assert vectors.add_chunks(two, [chunk(number, "apple") for number in range(1100)], NOW + 60)
        assert not vectors.finish(replace(one, status="failed", error_code="invalid_file"))
        assert len(vectors.texts(of.number, "file-1")) == 1100, "they are those of the one who has the lease"
        assert vectors.finish(replace(two, status="failed", error_code="invalid_file"))
        assert vectors.texts(of.number, "file-1") == []
        assert vectors.count_terms(of.number, ["apple"]) == {}

    def test_a_use_changes_nothing_else(self, store: FileStore) -> None:
        read = make(store, name="old")
        store.vectors.update_store(replace(read, name="new"))
        store.vectors.mark_used(read, NOW + 60.0)
        assert store.vectors.vector_store("vs_1", OURS).used_at == NOW
        store.vectors.mark_used(read, NOW + 61.0)
        now = store.vectors.vector_store("vs_1", OURS)
        assert (now.name, now.used_at) == ("new", NOW + 61.0)

    def test_a_query_may_have_any_number_of_terms(self, store: FileStore) -> None:
        of = make(store)
        index(store, of, "file-1", "apple", "term1999")
        terms = ["apple", *(f"term{number}" for number in range(2000))]
        assert store.vectors.count_terms(of.number, terms) == {"apple": 1, "term1999": 1}

    def test_a_batch_is_counted_and_cancelled(self, store: FileStore) -> None:
        of, vectors = make(store), store.vectors
        index(store, of, "file-0", "x", batch="vsfb_1")
        batch = StoredBatch("vsfb_1", OURS, of.number, NOW)
        vectors.add_files([entry(of, "file-1", batch="vsfb_1"), entry(of, "file-2")], batch)
        assert vectors.batch("vsfb_1", OURS, of.number) == batch
        job = vectors.take_due("me", NOW, NOW + 30)
        vectors.cancel_batch(batch)
        assert vectors.batch("vsfb_1", OURS, of.number).cancelled
        assert vectors.counts(of.number, "vsfb_1") == FileCounts(completed=1, cancelled=1, bytes=1)
        assert job is not None
        assert job.file == "file-1"
        assert not vectors.add_chunks(job, [chunk(0, "x")], NOW + 30)
        for id, tenant, number in (("vsfb_1", THEIRS, of.number), ("vsfb_1", OURS, 999), ("vsfb_2", OURS, of.number)):
            with pytest.raises(NotFound):
                vectors.batch(id, tenant, number)

    def test_chunks_are_found_by_their_terms(self, store: FileStore) -> None:
        of = make(store)
        index(store, of, "file-1", "red apple pie", "green apple", "blue sky")
        index(store, of, "file-2", "apple apple apple tree", "東京 京都 都に")
        assert set(found(store, of, "apple")) == {("file-1", 0), ("file-1", 1), ("file-2", 0)}
        assert found(store, of, "apple", "pie")[0] == ("file-1", 0)
        assert found(store, of, "京都") == [("file-2", 1)]
        assert found(store, of, "apple", files=["file-2"]) == [("file-2", 0)]
        assert found(store, of, "apple", files=[]) == found(store, of, "appl") == found(store, of) == []
        assert len(found(store, of, "apple", limit=2)) == 2
        assert store.vectors.count_terms(of.number, ["apple", "sky", "none"]) == {"apple": 3, "sky": 1}
        assert store.vectors.totals(of.number).chunks == 5
        (one,) = store.vectors.find_chunks(of.number, {"sky": 1.0}, None, 5, ["sky", "blue", "red"])
        assert (one.text, one.length, one.counts) == ("blue sky", 2, {"sky": 1, "blue": 1})
        assert [one.text for one in store.vectors.chunks_at(of.number, [("file-1", 1), ("file-9", 1)])] == [
            "green apple"
        ]

    def test_vector_stores_know_nothing_of_each_other(self, store: FileStore) -> None:
        stores = [make(store, f"vs_{number}", tenant) for number, tenant in enumerate([OURS, OURS, THEIRS] * 5)]
        for number, of in enumerate(stores):
            index(store, of, "file-1", f"apple number{number}")
        for number, of in enumerate(stores):
            assert found(store, of, "apple") == [("file-1", 0)]
            assert store.vectors.count_terms(of.number, ["apple"]) == {"apple": 1}
            (one,) = store.vectors.find_chunks(of.number, {"apple": 1.0}, None, 5)
            assert one.text == f"apple number{number}"

    def test_what_is_not_indexed_whole_is_not_found(self, store: FileStore) -> None:
        of = make(store)
        store.vectors.add_files([entry(of, "file-1")])
        job = store.vectors.take_due("me", NOW, NOW + 30)
        assert job is not None
        store.vectors.add_chunks(job, [chunk(0, "apple")], NOW + 30)
        assert found(store, of, "apple") == []

    def test_a_file_leaves_its_chunks_nowhere(self, store: FileStore) -> None:
        one, two = make(store), make(store, "vs_2")
        for of in (one, two):
            index(store, of, "file-1", *(f"apple {number}" for number in range(1100)))
            index(store, of, "file-2", "apple")
        assert len(found(store, one, "apple", limit=2000)) == 1101
        store.vectors.remove_file(one.number, "file-1")
        assert found(store, one, "apple") == [("file-2", 0)]
        assert store.vectors.count_terms(one.number, ["apple"]) == {"apple": 1}
        with pytest.raises(NotFound):
            store.vectors.remove_file(one.number, "file-1")
        with pytest.raises(NotFound):
            store.vectors.vector_file(one.number, "file-1")
        store.vectors.remove_everywhere("file-1", THEIRS)
        assert len(found(store, two, "apple", limit=2000)) == 1101
        store.vectors.remove_everywhere("file-1", OURS)
        assert found(store, two, "apple") == [("file-2", 0)]

    def test_a_file_that_is_added_again_is_indexed_again(self, store: FileStore) -> None:
        of = make(store)
        index(store, of, "file-1", "apple")
        index(store, of, "file-1", "pear")
        assert found(store, of, "apple") == []
        assert found(store, of, "pear") == [("file-1", 0)]

    def test_embeddings(self, store: FileStore) -> None:
        of = make(store)
        index(store, of, "file-1", "apple", vector=b"\0\0\x80?")
        index(store, of, "file-2", "pear")
        assert list(store.vectors.vectors(of.number, None)) == [("file-1", 0, b"\0\0\x80?")]
        assert list(store.vectors.vectors(of.number, ["file-2"])) == []

    def test_attributes(self, store: FileStore) -> None:
        of = make(store)
        index(store, of, "file-1", "apple", attributes=b'{"a":1}')
        store.vectors.add_files([entry(of, "file-2")])
        assert store.vectors.attributes(of.number) == {"file-1": b'{"a":1}'}
        store.vectors.set_attributes(of.number, "file-1", b'{"a":2}')
        assert store.vectors.vector_file(of.number, "file-1").attributes == b'{"a":2}'

    def test_an_expired_vector_store_loses_its_files_and_an_unused_one_all(self, store: FileStore) -> None:
        of = make(store, expires_days=1)
        index(store, of, "file-1", "apple")
        assert store.sweep_files(NOW + 86_399) == 0
        assert store.sweep_files(NOW + 86_400) == 1
        assert store.sweep_files(NOW + 86_400) == 0
        assert found(store, of, "apple") == []
        assert store.vectors.vector_store("vs_1", OURS).id == "vs_1"
        assert store.prune_files(NOW + 1.0) == 1
        with pytest.raises(NotFound):
            store.vectors.vector_store("vs_1", OURS)

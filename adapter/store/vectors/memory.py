"""Vector stores in memory: for tests, and for a single process whose data may be lost at its end."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, TypeVar

from msgspec.structs import replace

from adapter.store.base import NotFound, StoredKind
from adapter.store.vectors.values import (
    USE_SECONDS,
    FileCounts,
    FoundChunk,
    NewChunk,
    Page,
    StoredBatch,
    StoredVectorFile,
    StoredVectorStore,
    Totals,
)

T = TypeVar("T")


class MemoryVectorStores:
    """Implements `VectorStores`."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._stores: dict[tuple[str, str], StoredVectorStore] = {}
        """By tenant and id."""
        self._files: dict[tuple[int, str], StoredVectorFile] = {}
        self._chunks: dict[tuple[int, str], list[NewChunk]] = {}
        self._batches: dict[tuple[str, str], StoredBatch] = {}

    def create_store(self, store: StoredVectorStore) -> None:
        self._stores[store.tenant, store.id] = replace(store, number=next(self._numbers))

    def vector_store(self, id: str, tenant: str) -> StoredVectorStore:
        try:
            return self._stores[tenant, id]
        except KeyError:
            raise NotFound(id) from None

    def update_store(self, store: StoredVectorStore) -> None:
        if (store.tenant, store.id) in self._stores:
            self._stores[store.tenant, store.id] = store

    def mark_used(self, store: StoredVectorStore, now: float) -> None:
        found = self._stores.get((store.tenant, store.id))
        if found is not None and now - found.used_at > USE_SECONDS:
            self._stores[store.tenant, store.id] = replace(found, used_at=now)

    def list_stores(self, tenant: str, page: Page) -> tuple[list[StoredVectorStore], bool]:
        ours = {store.id: store for store in self._stores.values() if store.tenant == tenant}
        return _page(ours, page, {id: (id,) for id in ours})

    def delete_store(self, id: str, tenant: str) -> None:
        store = self.vector_store(id, tenant)
        del self._stores[tenant, id]
        self._drop(store.number)

    def _drop(self, number: int) -> None:
        for key in [key for key in self._files if key[0] == number]:
            self._remove(key)

    def _remove(self, key: tuple[int, str]) -> None:
        del self._files[key]
        self._chunks.pop(key, None)

    def counts(self, store: int, batch: str = "") -> FileCounts:
        files = [file for file in self._of(store) if batch in ("", file.batch)]
        counted = Counter[str](file.status for file in files)
        return FileCounts(**counted, bytes=sum(file.bytes for file in files))

    def _of(self, store: int) -> list[StoredVectorFile]:
        return [file for file in self._files.values() if file.store == store]

    def add_files(self, files: Sequence[StoredVectorFile], batch: StoredBatch | None = None) -> None:
        for file in files:
            self._files[file.store, file.file] = file
        if batch is not None:
            self._batches[batch.tenant, batch.id] = batch

    def vector_file(self, store: int, file: str) -> StoredVectorFile:
        try:
            return self._files[store, file]
        except KeyError:
            raise NotFound(file) from None

    def list_vector_files(
        self, store: int, page: Page, *, status: str = "", batch: str = ""
    ) -> tuple[list[StoredVectorFile], bool]:
        files = {file.file: file for file in self._of(store)}
        order = {id: (file.created_at, id) for id, file in files.items()}
        shown = {
            id: file for id, file in files.items() if status in ("", file.status) and batch in ("", file.batch)
        }  # fmt: skip
        return _page(shown, page, order)

    def attributes(self, store: int) -> dict[str, bytes]:
        return {file.file: file.attributes for file in self._of(store) if file.status == "completed"}

    def set_attributes(self, store: int, file: str, attributes: bytes) -> None:
        if (found := self._files.get((store, file))) is not None:
            self._files[store, file] = replace(found, attributes=attributes)

    def remove_file(self, store: int, file: str) -> None:
        self.vector_file(store, file)
        self._remove((store, file))

    def remove_everywhere(self, file: str, tenant: str) -> None:
        for key, one in list(self._files.items()):
            if (one.file, one.tenant) == (file, tenant):
                self._remove(key)

    def batch(self, id: str, tenant: str, store: int) -> StoredBatch:
        batch = self._batches.get((tenant, id))
        if batch is None or batch.store != store:
            raise NotFound(id)
        return batch

    def cancel_batch(self, batch: StoredBatch) -> None:
        self._batches[batch.tenant, batch.id] = replace(batch, cancelled=True)
        for file in self._of(batch.store):
            if file.batch == batch.id and file.status == "in_progress":
                self._files[file.store, file.file] = replace(file, status="cancelled")

    def has_due(self, now: float) -> bool:
        return any(file.status == "in_progress" and file.until <= now for file in self._files.values())

    def take_due(self, holder: str, now: float, until: float) -> StoredVectorFile | None:
        for key, file in self._files.items():
            if file.status == "in_progress" and file.until <= now:
                self._chunks.pop(key, None)
                self._files[key] = replace(file, holder=holder, until=until)
                return self._files[key]
        return None

    def _has_lease(self, job: StoredVectorFile) -> bool:
        file = self._files.get((job.store, job.file))
        return file is not None and file.status == "in_progress" and file.holder == job.holder

    def add_chunks(self, job: StoredVectorFile, chunks: Sequence[NewChunk], until: float) -> bool:
        if not self._has_lease(job):
            return False
        key = job.store, job.file
        self._files[key] = replace(self._files[key], until=until)
        self._chunks.setdefault(key, []).extend(chunks)
        return True

    def finish(self, job: StoredVectorFile) -> bool:
        if not self._has_lease(job):
            return False
        self._files[job.store, job.file] = replace(
            self._files[job.store, job.file], status=job.status, error_code=job.error_code,
            error_message=job.error_message, bytes=job.bytes, chunks=job.chunks, words=job.words, until=0.0,
        )  # fmt: skip
        if job.status == "failed":
            self._chunks.pop((job.store, job.file), None)
        return True

    def totals(self, store: int) -> Totals:
        files = [file for file in self._of(store) if file.status == "completed"]
        return Totals(sum(file.chunks for file in files), sum(file.words for file in files))

    def _completed(self, store: int, files: Collection[str] | None) -> Iterator[tuple[str, NewChunk]]:
        for file in self._of(store):
            if file.status == "completed" and (files is None or file.file in files):
                for chunk in self._chunks.get((store, file.file), ()):
                    yield file.file, chunk

    def count_terms(self, store: int, terms: Collection[str]) -> dict[str, int]:
        counted = Counter(
            term for _, chunk in self._completed(store, None) for term in set(chunk.terms) if term in terms
        )
        return dict(counted)

    def find_chunks(
        self, store: int, weights: Mapping[str, float], files: Collection[str] | None, limit: int,
        counted: Collection[str] = (),
    ) -> list[FoundChunk]:
        def weight(found: tuple[str, NewChunk]) -> float:
            counts = Counter(found[1].terms)
            return sum(weights[term] * counts[term] / (counts[term] + 1) for term in weights)

        found = sorted(self._completed(store, files), key=weight, reverse=True)
        return [_found(file, chunk, counted) for file, chunk in found[:limit] if weight((file, chunk))]

    def vectors(self, store: int, files: Collection[str] | None) -> Iterator[tuple[str, int, bytes]]:
        yield from (
            (file, chunk.number, chunk.vector) for file, chunk in self._completed(store, files) if chunk.vector
        )

    def chunks_at(self, store: int, places: Sequence[tuple[str, int]]) -> list[FoundChunk]:
        return [
            _found(file, chunk) for file, chunk in self._completed(store, None) if (file, chunk.number) in places
        ]

    def texts(self, store: int, file: str) -> list[str]:
        return [chunk.text for chunk in self._chunks.get((store, file), ())]

    def sweep_stores(self, now: float) -> int:
        expired = [
            store for store in self._stores.values()
            if store.expires_at is not None and store.expires_at <= now and self._of(store.number)
        ]  # fmt: skip
        for store in expired:
            self._drop(store.number)
        return len(expired)

    def prune_stores(self, before: float) -> int:
        unused = [store for store in self._stores.values() if store.used_at < before]
        for store in unused:
            self.delete_store(store.id, store.tenant)
        return len(unused)

    def has_file(self, file: str, tenant: str) -> bool:
        """Whether a file is in a vector store."""
        return any((one.file, one.tenant) == (file, tenant) for one in self._files.values())

    def stats(self) -> Sequence[StoredKind]:
        size = sum(file.bytes for file in self._files.values())
        return [StoredKind("vector stores", len(self._stores), 0), StoredKind("indexed files", len(self._files), size)]

    def usage(self) -> list[tuple[str, int, int]]:
        return [(file.tenant, 1, file.bytes) for file in self._files.values()]


def _found(file: str, chunk: NewChunk, counted: Collection[str] = ()) -> FoundChunk:
    counts = {term: count for term in counted if (count := chunk.terms.count(term))}
    return FoundChunk(file, chunk.number, chunk.text, len(chunk.terms), counts)


def _page(entries: dict[str, T], page: Page, order: Mapping[str, Any]) -> tuple[list[T], bool]:
    """Return the part of entries that a page has, and whether there are more behind it."""
    left = sorted(entries, key=lambda id: order[id], reverse=page.descending)
    for cursor, behind in ((page.after, True), (page.before, False)):
        if cursor:
            bound = order.get(cursor)
            left = [id for id in left if bound is not None and (order[id] > bound) == (behind != page.descending)]
            left = [id for id in left if id != cursor]
    return [entries[id] for id in left[: page.limit]], len(left) > page.limit

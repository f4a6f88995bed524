"""Vector stores in a SQL database."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec.structs import asdict, replace

from adapter.store.base import NotFound, StoredKind, is_storable
from adapter.store.sql.threads import DatabaseThreads
from adapter.store.sql.writes import Change, Query, Record, Row
from adapter.store.vectors import tables
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

_ERASED_CHUNKS: Final = 500
"""In one transaction, which the writes of others wait for."""
_TERMS_COUNTED: Final = 100
"""In one query: SQLite takes 500 at most."""
_VECTORS_READ: Final = 1000
"""Embeddings in one query: a few megabytes."""

Step = tuple[str, Row]


class ChunkStatements(Protocol):
    """The statements on chunks, which differ between databases. Terms are given with their prefix."""

    erase: tuple[str, ...]

    def add(self, key: Row, chunk: NewChunk, prefix: str) -> list[Step]: ...

    def count(self, terms: Collection[str]) -> Step: ...

    def find(self, weights: Mapping[str, float], files: Collection[str] | None) -> Step: ...

    def vectors(self, files: Collection[str] | None) -> Step: ...

    def at(self, places: Collection[tuple[str, int]]) -> Step: ...


class SQLVectorStores:
    """Implements `VectorStores`, on the threads of a file store."""

    def __init__(self, database: DatabaseThreads, chunks: ChunkStatements) -> None:
        self._database = database
        self._chunks = chunks

    def create_store(self, store: StoredVectorStore) -> None:
        self._change((tables.CREATE_STORE, asdict(store)))

    def vector_store(self, id: str, tenant: str) -> StoredVectorStore:
        rows = self._select(tables.GET_STORE, _key(id, tenant)) if is_storable(id) else []
        if not rows:
            raise NotFound(id)
        return StoredVectorStore(*rows[0])

    def update_store(self, store: StoredVectorStore) -> None:
        self._change((tables.UPDATE_STORE, {**asdict(store), **_key(store.id, store.tenant)}))

    def mark_used(self, store: StoredVectorStore, now: float) -> None:
        if now - store.used_at > USE_SECONDS:
            self._change((tables.MARK_USED, {**_key(store.id, store.tenant), "now": now}))

    def list_stores(self, tenant: str, page: Page) -> tuple[list[StoredVectorStore], bool]:
        query = tables.list_stores(after=bool(page.after), before=bool(page.before), descending=page.descending)
        rows = self._select(query, {"of_tenant": tenant, **_page_values(page)})
        return [StoredVectorStore(*row) for row in rows[: page.limit]], len(rows) > page.limit

    def delete_store(self, id: str, tenant: str) -> None:
        store = self.vector_store(id, tenant)
        if not self._change((tables.HIDE_STORE, _key(id, tenant)))[0]:
            raise NotFound(id)
        self._erase_store(store.number, tenant, id)

    def _erase_store(self, number: int, tenant: str, id: str) -> None:
        self._erase_files(number)
        values = {**_key(id, tenant), "of_store": number}
        self._change(*((sql, values) for sql in tables.ERASE_STORE), erases=True)

    def _erase_files(self, store: int) -> None:
        while rows := self._select(tables.FILES_OF, {"of_store": store}):
            for (file,) in rows:
                self._remove(store, file)

    def counts(self, store: int, batch: str = "") -> FileCounts:
        rows = self._select(tables.COUNT, {"of_store": store, "of_batch": batch})
        size = sum(int(of_status) for _, _, of_status in rows)
        return FileCounts(**{status: count for status, count, _ in rows}, bytes=size)

    def add_files(self, files: Sequence[StoredVectorFile], batch: StoredBatch | None = None) -> None:
        # The chunks of one that is there already are not found any more; `take_due` erases them.
        steps = [(tables.ADD_FILE, asdict(file)) for file in files]
        if batch is not None:
            steps.append((tables.CREATE_BATCH, asdict(batch)))
        if steps:
            self._change(*steps)

    def vector_file(self, store: int, file: str) -> StoredVectorFile:
        rows = self._select(tables.GET_FILE, _file_key(store, file)) if is_storable(file) else []
        if not rows:
            raise NotFound(file)
        return _vector_file(rows[0])

    def list_vector_files(
        self, store: int, page: Page, *, status: str = "", batch: str = ""
    ) -> tuple[list[StoredVectorFile], bool]:
        query = tables.list_files(after=bool(page.after), before=bool(page.before), descending=page.descending)
        values = {"of_store": store, "of_status": status, "of_batch": batch, **_page_values(page)}
        rows = self._select(query, values)
        return [_vector_file(row) for row in rows[: page.limit]], len(rows) > page.limit

    def attributes(self, store: int) -> dict[str, bytes]:
        return dict(self._select(tables.ATTRIBUTES, {"of_store": store}))

    def set_attributes(self, store: int, file: str, attributes: bytes) -> None:
        self._change((tables.SET_ATTRIBUTES, {**_file_key(store, file), "attributes": attributes}))

    def remove_file(self, store: int, file: str) -> None:
        self.vector_file(store, file)
        self._remove(store, file)

    def remove_everywhere(self, file: str, tenant: str) -> None:
        for (store,) in self._select(tables.STORES_OF, {"of_tenant": tenant, "of_file": file}):
            self._remove(store, file)

    def _remove(self, store: int, file: str) -> None:
        # A cancelled file is neither found nor indexed any more; its row leads to its chunks until they are gone.
        self._change((tables.CANCEL_FILE, _file_key(store, file)))
        self._erase_chunks(store, file)
        self._change((tables.REMOVE_FILE, _file_key(store, file)), erases=True)

    def _erase_chunks(self, store: int, file: str, only_if: Step | None = None) -> None:
        """Erase the chunks of a file, as long as the statement `only_if` changes a row."""
        key = _file_key(store, file)
        last = self._select(tables.LAST_CHUNK, key)[0][0]
        if last is not None:
            for first in range(last - last % _ERASED_CHUNKS, -1, -_ERASED_CHUNKS):
                steps = [(sql, {**key, "first": first}) for sql in self._chunks.erase]
                if only_if is None:
                    self._change(*steps, erases=True)
                else:
                    self._database.write(Record(only_if, steps, None))

    def batch(self, id: str, tenant: str, store: int) -> StoredBatch:
        rows = self._select(tables.GET_BATCH, {**_key(id, tenant), "of_store": store}) if is_storable(id) else []
        if not rows:
            raise NotFound(id)
        return replace(StoredBatch(*rows[0]), cancelled=bool(rows[0][-1]))

    def cancel_batch(self, batch: StoredBatch) -> None:
        values = {**_key(batch.id, batch.tenant), "of_store": batch.store}
        self._change(*((sql, values) for sql in tables.CANCEL_BATCH))

    def has_due(self, now: float) -> bool:
        return bool(self._select(tables.DUE, {"now": now}))

    def take_due(self, holder: str, now: float, until: float) -> StoredVectorFile | None:
        for row in self._select(tables.DUE, {"now": now}):
            due = _vector_file(row)
            lease = {**_file_key(due.store, due.file), "holder": holder, "new_until": until, "now": now}
            if self._change((tables.TAKE, lease))[0]:
                self._erase_chunks(due.store, due.file)
                return replace(due, holder=holder, until=until)
        return None

    def add_chunks(self, job: StoredVectorFile, chunks: Sequence[NewChunk], until: float) -> bool:
        key = _file_key(job.store, job.file)
        renew = (tables.RENEW, {**key, "holder": job.holder, "new_until": until})
        steps = [step for chunk in chunks for step in self._chunks.add(key, chunk, _prefix(job.store))]
        return bool(self._database.write(Record(renew, steps, None)))

    def finish(self, job: StoredVectorFile) -> bool:
        key = _file_key(job.store, job.file)
        if job.status == "failed":
            has_lease = (tables.HAS_LEASE, {**key, "holder": job.holder})
            self._erase_chunks(job.store, job.file, only_if=has_lease)
        return self._change((tables.FINISH, {**asdict(job), **key}))[0] > 0

    def totals(self, store: int) -> Totals:
        chunks, words = self._select(tables.TOTALS, {"of_store": store})[0]
        return Totals(int(chunks), int(words))

    def count_terms(self, store: int, terms: Collection[str]) -> dict[str, int]:
        prefix = _prefix(store)
        indexed = [prefix + term for term in terms]
        counts: dict[str, int] = {}
        for start in range(0, len(indexed), _TERMS_COUNTED):
            rows = self._select(*self._chunks.count(indexed[start : start + _TERMS_COUNTED]))
            counts |= {term[len(prefix) :]: count for term, count in rows if count}
        return counts

    def find_chunks(
        self, store: int, weights: Mapping[str, float], files: Collection[str] | None, limit: int,
        counted: Collection[str] = (),
    ) -> list[FoundChunk]:
        if not weights or files == []:
            return []
        prefix = _prefix(store)
        query, values = self._chunks.find({prefix + term: weight for term, weight in weights.items()}, files)
        return self._found(store, query, {**values, "of_store": store, "rows": limit}, counted)

    def vectors(self, store: int, files: Collection[str] | None) -> Iterator[tuple[str, int, bytes]]:
        query, values = self._chunks.vectors(files)
        last = 0
        while rows := self._select(query, {**values, "of_store": store, "last": last, "rows": _VECTORS_READ}):
            yield from ((file, number, bytes(vector)) for _, file, number, vector in rows if vector)
            last = rows[-1][0]

    def chunks_at(self, store: int, places: Sequence[tuple[str, int]]) -> list[FoundChunk]:
        if not places:
            return []
        query, values = self._chunks.at(places)
        return self._found(store, query, {**values, "of_store": store})

    def _found(self, store: int, query: str, values: Row, counted: Collection[str] = ()) -> list[FoundChunk]:
        indexed = {term: _prefix(store) + term for term in counted}
        found = []
        for file, number, text, joined in self._select(query, values):
            terms = joined.split()
            counts = {term: count for term, as_indexed in indexed.items() if (count := terms.count(as_indexed))}
            found.append(FoundChunk(file, number, text, len(terms), counts))
        return found

    def texts(self, store: int, file: str) -> list[str]:
        return [text for (text,) in self._select(tables.TEXTS, _file_key(store, file))]

    def sweep_stores(self, now: float) -> int:
        expired = self._select(tables.EXPIRED, {"now": now})
        for number, _, _ in expired:
            self._erase_files(number)
        return len(expired) + self._erase_deleted()

    def prune_stores(self, before: float) -> int:
        self._change((tables.HIDE_UNUSED, {"before": before}))
        return self._erase_deleted()

    def _erase_deleted(self) -> int:
        count = 0
        while rows := self._select(tables.DELETED, {}):
            for number, tenant, id in rows:
                self._erase_store(number, tenant, id)
                count += 1
        return count

    def stats(self) -> Sequence[StoredKind]:
        return [StoredKind(name, *self._select(statement, {})[0]) for name, statement in tables.COUNTS.items()]

    def usage(self) -> list[tuple[str, int, int]]:
        """Return each tenant with the number of its indexed files, and their bytes."""
        return [(tenant, count, int(size)) for tenant, count, size in self._select(tables.USAGE, {})]

    def _change(self, *steps: Step, erases: bool = False) -> list[int]:
        """Execute statements in one transaction; return how many rows each changed."""
        counts: list[int] = self._database.write(Change(list(steps), erases))
        return counts

    def _select(self, sql: str, values: Row) -> list[Any]:
        return self._database.read(Query(sql, values, packed=False))


def _vector_file(row: Sequence[Any]) -> StoredVectorFile:
    file = StoredVectorFile(*row)
    return replace(file, auto=bool(file.auto), attributes=bytes(file.attributes))


def _prefix(store: int) -> str:
    """Return what each term of a vector store begins with in the index that all share."""
    return f"{store}x"


def _key(id: str, tenant: str) -> dict[str, str]:
    return {"of_id": id, "of_tenant": tenant}


def _file_key(store: int, file: str) -> Row:
    return {"of_store": store, "of_file": file}


def _page_values(page: Page) -> Row:
    return {"after": page.after, "before": page.before, "rows": page.limit + 1}

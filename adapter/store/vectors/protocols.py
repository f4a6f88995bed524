"""What a store of vector stores does; each is part of a file store.

Calls that name no tenant take the number of a vector store, which only the store's own rows lead to. Every call raises
StoreDown if the store cannot be reached or written.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from adapter.store.vectors.values import (
    FileCounts,
    FoundChunk,
    NewChunk,
    Page,
    StoredBatch,
    StoredVectorFile,
    StoredVectorStore,
    Totals,
)


class ChunkIndex(Protocol):
    """The chunks of vector stores, found by their terms. Only those of completed files are found."""

    def totals(self, store: int) -> Totals:
        """Return how much a vector store has."""

    def count_terms(self, store: int, terms: Collection[str]) -> dict[str, int]:
        """Return how many chunks have each of these terms; terms that none has are left out."""

    def find_chunks(
        self, store: int, weights: Mapping[str, float], files: Collection[str] | None, limit: int,
        counted: Collection[str] = (),
    ) -> list[FoundChunk]:
        """Return the chunks that have most of the weight of these terms, best first, roughly.

        `files`: where to look; None: in all. `counted`: the terms that are counted in each.
        """

    def vectors(self, store: int, files: Collection[str] | None) -> Iterable[tuple[str, int, bytes]]:
        """Yield file, number and embedding of each chunk that has one."""

    def chunks_at(self, store: int, places: Sequence[tuple[str, int]]) -> list[FoundChunk]:
        """Return the chunks with these files and numbers, as far as they are there."""

    def texts(self, store: int, file: str) -> list[str]:
        """Return the text of each chunk of a file, in order."""


class IndexJobs(Protocol):
    """The indexing of files: who does it, and what has come of it."""

    def has_due(self, now: float) -> bool:
        """Whether there is a file that is to be indexed and not being indexed."""

    def take_due(self, holder: str, now: float, until: float) -> StoredVectorFile | None:
        """Give a holder the lease of a file that waits to be indexed; None: there is none.

        What an earlier holder has left of it is erased.
        """

    def add_chunks(self, job: StoredVectorFile, chunks: Sequence[NewChunk], until: float) -> bool:
        """Store chunks, and renew the lease; return False, and store nothing, if it is lost or the file cancelled."""

    def finish(self, job: StoredVectorFile) -> bool:
        """Store what became of a file: its status, error and sizes; return False if the lease is lost."""


class VectorStores(ChunkIndex, IndexJobs, Protocol):
    """Vector stores, the files in them, and their batches."""

    def create_store(self, store: StoredVectorStore) -> None: ...

    def vector_store(self, id: str, tenant: str) -> StoredVectorStore:
        """Return a vector store; raise NotFound."""

    def update_store(self, store: StoredVectorStore) -> None:
        """Store a name, description, metadata, expiry and last use."""

    def mark_used(self, store: StoredVectorStore, now: float) -> None:
        """Remember that a vector store is used at a Unix time, to the minute."""

    def list_stores(self, tenant: str, page: Page) -> tuple[list[StoredVectorStore], bool]:
        """Return a page of a tenant's vector stores by their creation, and whether there are more."""

    def delete_store(self, id: str, tenant: str) -> None:
        """Erase a vector store with all its chunks; raise NotFound."""

    def counts(self, store: int, batch: str = "") -> FileCounts:
        """Count the files of a vector store, or of one of its batches."""

    def add_files(self, files: Sequence[StoredVectorFile], batch: StoredBatch | None = None) -> None:
        """Add files to a vector store, to be indexed, all or none. One that is there already is indexed anew."""

    def vector_file(self, store: int, file: str) -> StoredVectorFile:
        """Return a file of a vector store; raise NotFound."""

    def list_vector_files(
        self, store: int, page: Page, *, status: str = "", batch: str = ""
    ) -> tuple[list[StoredVectorFile], bool]:
        """Return a page of the files of a vector store by their addition, and whether there are more."""

    def attributes(self, store: int) -> dict[str, bytes]:
        """Return the attributes of each completed file of a vector store."""

    def set_attributes(self, store: int, file: str, attributes: bytes) -> None: ...

    def remove_file(self, store: int, file: str) -> None:
        """Take a file out of a vector store; raise NotFound."""

    def remove_everywhere(self, file: str, tenant: str) -> None:
        """Take a file that is deleted out of all vector stores."""

    def batch(self, id: str, tenant: str, store: int) -> StoredBatch:
        """Return a batch; raise NotFound."""

    def cancel_batch(self, batch: StoredBatch) -> None:
        """End the indexing of the files of a batch that are not completed."""

    def sweep_stores(self, now: float) -> int:
        """Erase the chunks of expired vector stores, and what deletions have left; return how many stores."""

    def prune_stores(self, before: float) -> int:
        """Erase the vector stores that were last used before a Unix time; return how many."""

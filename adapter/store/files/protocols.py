"""What a store of files does. A new one implements these calls and passes `tests/adapter/store/files/conformance.py`.

Each call names the tenant: what belongs to another one is not found. Every call raises StoreDown if the store cannot be
reached or written.
"""

from collections.abc import Sequence
from typing import Protocol

from adapter.store.base import StoredKind, Usage
from adapter.store.files.values import FilePage, StoredFile
from adapter.store.vectors.protocols import VectorStores


class FileReader(Protocol):
    """Files, read only. A file that has expired at `now` (Unix seconds) is not found."""

    def file(self, id: str, tenant: str, now: float) -> StoredFile:
        """Return a file; raise NotFound for an unknown, foreign, unfinished, expired or deleted id."""

    def piece(self, id: str, tenant: str, number: int) -> bytes:
        """Return a piece of a file; raise NotFound if it was erased meanwhile."""


class FileStore(FileReader, Protocol):
    """Files, read and written, and the vector stores beside them."""

    @property
    def vectors(self) -> VectorStores:
        """The vector stores. A file that is deleted leaves them; sweeping, pruning and counting cover them."""

    def begin_file(self, file: StoredFile, alive_until: float) -> None:
        """Begin an upload. Unless it goes on before a Unix time, it counts as dead and may be erased."""

    def add_piece(self, id: str, tenant: str, number: int, data: bytes, alive_until: float) -> bool:
        """Store the next piece of an upload; return False, and store nothing, if it counted as dead."""

    def complete_file(self, file: StoredFile) -> bool:
        """Make an upload a file, with all its members; return False if it counted as dead."""

    def list_files(
        self, tenant: str, now: float, *, purpose: str, limit: int, after: str, descending: bool
    ) -> FilePage:
        """Return a tenant's files in the order of their ids, that is of their creation.

        `purpose`: "" for any. `after`: the id behind which the page begins, "" for the first page.
        """

    def delete_file(self, id: str, tenant: str) -> None:
        """Erase a file or an upload; raise NotFound if there is none. No request finds it from the beginning on."""

    def mark_used(self, id: str, tenant: str, now: float) -> None:
        """Remember that a file was used, for `prune_files`."""

    def sweep_files(self, now: float) -> int:
        """Erase what has expired, dead uploads, and what a deletion has left; return how many files."""

    def prune_files(self, before: float) -> int:
        """Erase the files that were last used before a Unix time; return how many."""

    def is_in_use(self) -> bool:
        """Tell, without making anything, whether the store may have something."""

    def stats(self) -> Sequence[StoredKind]:
        """Count what is stored; slow when there is much."""

    def usage(self) -> dict[str, Usage]:
        """Count what each tenant has stored."""

    def upgrade(self) -> int:
        """Migrate the data of an earlier version to this one; return the version that was found."""

    def close(self) -> None:
        """Close connections, after the work that callers wait for. The next call opens them again."""

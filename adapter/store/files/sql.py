"""Files in a SQL database; decision 0043 has the reasons for rows of pieces."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec.structs import asdict

from adapter.store.base import NotFound, StoredKind, Usage, add_up, is_storable
from adapter.store.files import tables
from adapter.store.files.values import FilePage, StoredFile
from adapter.store.sql.database import Database
from adapter.store.sql.threads import DatabaseThreads
from adapter.store.sql.writes import Change, Query, Record, Row
from adapter.store.vectors.sql import ChunkStatements, SQLVectorStores

_ERASED_PIECES: Final = 64
"""In one transaction, which the writes of others wait for: 16 MiB, about a tenth of a second."""
_USE_SECONDS: Final = 3600.0
"""The exactness with which the last use of a file is known: most uses then write nothing."""


class SQLFileStore:
    """Implements `FileStore`. Nothing is opened before the first call."""

    def __init__(
        self, database: Database, chunks: ChunkStatements, exists: Callable[[], bool] = lambda: True
    ) -> None:
        """`exists` returns whether the database may have tables already."""
        self._database = DatabaseThreads(database)
        self.vectors = SQLVectorStores(self._database, chunks)
        self._exists = exists

    def begin_file(self, file: StoredFile, alive_until: float) -> None:
        self._database.check_room()
        self._change(tables.BEGIN, {**asdict(file), "alive_until": alive_until})

    def add_piece(self, id: str, tenant: str, number: int, data: bytes, alive_until: float) -> bool:
        key = tables.file_key(id, tenant)
        piece = (tables.ADD_PIECE, {**key, "number": number, "data": data})
        return bool(
            self._database.write(Record((tables.STAY_ALIVE, {**key, "alive_until": alive_until}), [piece], None))
        )

    def complete_file(self, file: StoredFile) -> bool:
        values = {**asdict(file), **tables.file_key(file.id, file.tenant)}
        return self._change(tables.COMPLETE, values) > 0

    def file(self, id: str, tenant: str, now: float) -> StoredFile:
        rows = self._select(tables.GET, {**tables.file_key(id, tenant), "now": now}) if is_storable(id) else []
        if not rows:
            raise NotFound(id)
        return StoredFile(*rows[0])

    def piece(self, id: str, tenant: str, number: int) -> bytes:
        rows = self._select(tables.GET_PIECE, {**tables.file_key(id, tenant), "number": number})
        if not rows:
            raise NotFound(id)
        return bytes(rows[0][0])

    def list_files(
        self, tenant: str, now: float, *, purpose: str, limit: int, after: str, descending: bool
    ) -> FilePage:
        values = {
            "of_tenant": tenant, "now": now, "purpose": purpose, "rows": limit + 1,
            "after": after or tables.LAST[descending],
        }  # fmt: skip
        rows = self._select(tables.LIST[descending], values)
        return FilePage(tuple(StoredFile(*row) for row in rows[:limit]), len(rows) > limit)

    def delete_file(self, id: str, tenant: str) -> None:
        if not is_storable(id) or not self._change(tables.HIDE, tables.file_key(id, tenant)):
            raise NotFound(id)
        self._erase(id, tenant)

    def mark_used(self, id: str, tenant: str, now: float) -> None:
        self._change(tables.MARK_USED, {**tables.file_key(id, tenant), "now": now, "before": now - _USE_SECONDS})

    def sweep_files(self, now: float) -> int:
        self._change(tables.HIDE_EXPIRED, {"now": now})
        self._change(tables.HIDE_DEAD, {"now": now})
        return self._erase_hidden() + self.vectors.sweep_stores(now)

    def prune_files(self, before: float) -> int:
        erased = self.vectors.prune_stores(before)
        self._change(tables.HIDE_UNUSED, {"before": before})
        return erased + self._erase_hidden()

    def _erase_hidden(self) -> int:
        count = 0
        while rows := self._select(tables.HIDDEN, {}):
            for tenant, id in rows:
                count += self._erase(id, tenant)
        return count

    def _erase(self, id: str, tenant: str) -> int:
        """Erase a deleted file, in vector stores too, from its end on, so that a failure leaves what is found again."""
        self.vectors.remove_everywhere(id, tenant)
        key = tables.file_key(id, tenant)
        last = self._select(tables.LAST_PIECE, key)[0][0]
        if last is not None:
            for first in range(last - last % _ERASED_PIECES, -1, -_ERASED_PIECES):
                self._change(tables.ERASE_PIECES, {**key, "first": first}, erases=True)
        return self._change(tables.ERASE, key, erases=True)

    def is_in_use(self) -> bool:
        return self._exists()

    def stats(self) -> Sequence[StoredKind]:
        files = [StoredKind(name, *self._select(statement, {})[0]) for name, statement in tables.COUNTS.items()]
        return [*files, *self.vectors.stats()]

    def usage(self) -> dict[str, Usage]:
        files = self._select(tables.USAGE, {})
        return add_up((tenant, count, int(size)) for tenant, count, size in [*files, *self.vectors.usage()])

    def upgrade(self) -> int:
        return self._database.upgrade()

    def close(self) -> None:
        self._database.close()

    def _change(self, sql: str, values: Row, *, erases: bool = False) -> int:
        """Execute a statement in a transaction of its own; return how many rows it changed."""
        counts: list[int] = self._database.write(Change([(sql, values)], erases))
        return counts[0]

    def _select(self, sql: str, values: Row) -> list[Any]:
        return self._database.read(Query(sql, values, packed=False))

"""Files in memory: for tests, and for a single process whose data may be lost at its end."""

import time
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from adapter.store.base import NotFound, StoredKind, Usage, add_up
from adapter.store.files.values import FilePage, StoredFile
from adapter.store.vectors.memory import MemoryVectorStores

_VERSION: Final = 1


class _Entry(Struct):
    file: StoredFile
    alive_until: float
    """0: the file is complete."""
    used_at: float
    pieces: list[bytes] = []


class MemoryFileStore:
    """Implements `FileStore`."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], _Entry] = {}
        """By tenant and id."""
        self.vectors = MemoryVectorStores()

    def begin_file(self, file: StoredFile, alive_until: float) -> None:
        self._entries[file.tenant, file.id] = _Entry(file, alive_until, time.time())

    def add_piece(self, id: str, tenant: str, number: int, data: bytes, alive_until: float) -> bool:
        entry = self._entries.get((tenant, id))
        if entry is None or not entry.alive_until:
            return False
        entry.alive_until = alive_until
        entry.pieces.append(data)
        return True

    def complete_file(self, file: StoredFile) -> bool:
        entry = self._entries.get((file.tenant, file.id))
        if entry is None or not entry.alive_until:
            return False
        entry.file, entry.alive_until = file, 0.0
        return True

    def file(self, id: str, tenant: str, now: float) -> StoredFile:
        entry = self._entries.get((tenant, id))
        if entry is None or entry.alive_until or _has_expired(entry.file, now):
            raise NotFound(id)
        return entry.file

    def piece(self, id: str, tenant: str, number: int) -> bytes:
        try:
            return self._entries[tenant, id].pieces[number]
        except LookupError:
            raise NotFound(id) from None

    def list_files(
        self, tenant: str, now: float, *, purpose: str, limit: int, after: str, descending: bool
    ) -> FilePage:
        found = [
            entry.file
            for (owner, id), entry in sorted(self._entries.items(), reverse=descending)
            if owner == tenant and not entry.alive_until and not _has_expired(entry.file, now)
            and purpose in ("", entry.file.purpose) and (not after or (id < after if descending else id > after))
        ]  # fmt: skip
        return FilePage(tuple(found[:limit]), len(found) > limit)

    def delete_file(self, id: str, tenant: str) -> None:
        if self._entries.pop((tenant, id), None) is None:
            raise NotFound(id)
        self.vectors.remove_everywhere(id, tenant)

    def mark_used(self, id: str, tenant: str, now: float) -> None:
        if (entry := self._entries.get((tenant, id))) is not None:
            entry.used_at = now

    def sweep_files(self, now: float) -> int:
        return self._erase(
            key
            for key, entry in self._entries.items()
            if _has_expired(entry.file, now) or 0 < entry.alive_until <= now
        ) + self.vectors.sweep_stores(now)

    def prune_files(self, before: float) -> int:
        return self.vectors.prune_stores(before) + self._erase(
            key
            for key, entry in self._entries.items()
            if entry.used_at < before and not entry.alive_until and not self.vectors.has_file(key[1], key[0])
        )

    def _erase(self, keys: Any) -> int:
        found = list(keys)
        for tenant, id in found:
            self.delete_file(id, tenant)
        return len(found)

    def is_in_use(self) -> bool:
        return bool(self._entries)

    def stats(self) -> Sequence[StoredKind]:
        files = [entry.file for entry in self._entries.values()]
        times = [file.created_at for file in files]
        size = sum(file.bytes for file in files)
        return [
            StoredKind("files", len(files), size, min(times, default=None), max(times, default=None)),
            *self.vectors.stats(),
        ]

    def usage(self) -> dict[str, Usage]:
        files = [(tenant, 1, entry.file.bytes) for (tenant, _), entry in self._entries.items()]
        return add_up([*files, *self.vectors.usage()])

    def upgrade(self) -> int:
        return _VERSION

    def close(self) -> None:
        pass


def _has_expired(file: StoredFile, now: float) -> bool:
    return file.expires_at is not None and file.expires_at <= now

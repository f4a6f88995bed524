"""Responses that this worker has read, kept in front of a store, bounded by bytes.

Other workers may replace or delete a response at any time, so what is kept counts only while the store confirms its
version: one small indexed query instead of reading the row. A response is kept by its first `get`, not by `put`, since
most are never read. `chain` is passed on: its cost is the walk, and the walk is what would have to be confirmed.
"""

from collections.abc import Sequence
from typing import Final

from cachetools import LRUCache

from adapter.store.base import (
    NotFound,
    Store,
    StoredConversation,
    StoredEvents,
    StoredItem,
    StoredResponse,
    StoredRun,
    StoreStats,
)

_OVERHEAD: Final = 1024
"""Bytes that an entry costs beside its JSON, roughly."""


class CachedStore:
    """The calls of `Store`."""

    def __init__(self, store: Store, most_bytes: int) -> None:
        self._store = store
        self._kept: LRUCache[tuple[str, str], tuple[int, StoredResponse]] = LRUCache(most_bytes, getsizeof=_size)

    def put(self, stored: StoredResponse, items: Sequence[StoredItem] = ()) -> None:
        self._store.put(stored, items)

    def get(self, id: str, tenant: str) -> StoredResponse:
        key = tenant, id
        try:
            version = self._store.version(id, tenant)
            kept = self._kept.get(key)
            if kept is not None and kept[0] == version:
                return kept[1]
            self._kept.pop(key, None)
            # Read after its version: at worst a later snapshot is kept under an earlier version, and never used.
            stored = self._store.get(id, tenant)
        except NotFound:
            self._kept.pop(key, None)
            raise
        entry = version, stored
        if _size(entry) <= self._kept.maxsize:
            self._kept[key] = entry
        return stored

    def exists(self, id: str, tenant: str) -> bool:
        return self._store.exists(id, tenant)

    def version(self, id: str, tenant: str) -> int:
        return self._store.version(id, tenant)

    def chain(self, id: str, tenant: str) -> list[StoredResponse]:
        return self._store.chain(id, tenant)

    def delete(self, id: str, tenant: str) -> None:
        self._kept.pop((tenant, id), None)
        self._store.delete(id, tenant)

    def put_conversation(self, conversation: StoredConversation) -> None:
        self._store.put_conversation(conversation)

    def conversation(self, id: str, tenant: str) -> StoredConversation:
        return self._store.conversation(id, tenant)

    def delete_conversation(self, id: str, tenant: str) -> None:
        self._store.delete_conversation(id, tenant)

    def append(self, id: str, tenant: str, items: Sequence[StoredItem]) -> None:
        self._store.append(id, tenant, items)

    def items(self, id: str, tenant: str) -> list[StoredItem]:
        return self._store.items(id, tenant)

    def remove(self, id: str, tenant: str, item_id: str) -> None:
        self._store.remove(id, tenant, item_id)

    def lease(self, id: str, tenant: str, holder: str, now: float, until: float) -> bool:
        return self._store.lease(id, tenant, holder, now, until)

    def release(self, id: str, tenant: str, holder: str) -> None:
        self._store.release(id, tenant, holder)

    def begin_run(self, run: StoredRun, stored: StoredResponse, events: StoredEvents | None) -> None:
        self._store.begin_run(run, stored, events)

    def record(
        self,
        run: StoredRun,
        events: StoredEvents | None,
        stored: StoredResponse | None = None,
        items: Sequence[StoredItem] = (),
    ) -> bool:
        return self._store.record(run, events, stored, items)

    def run(self, id: str, tenant: str) -> StoredRun:
        return self._store.run(id, tenant)

    def events(self, id: str, tenant: str, after: int) -> list[StoredEvents]:
        return self._store.events(id, tenant, after)

    def take_run(self, id: str, tenant: str, holder: str, until: float, *, expired_by: float) -> bool:
        return self._store.take_run(id, tenant, holder, until, expired_by=expired_by)

    def prolong_runs(self, holder: str, until: float) -> None:
        self._store.prolong_runs(holder, until)

    def held_runs(self, holder: str) -> set[tuple[str, str]]:
        return self._store.held_runs(holder)

    def forget_events(self, before: float) -> None:
        self._store.forget_events(before)

    def remember(self, key: str, value: bytes, until: float) -> None:
        self._store.remember(key, value, until)

    def remembered(self, prefix: str, now: float) -> dict[str, bytes]:
        return self._store.remembered(prefix, now)

    def forget(self, prefix: str) -> int:
        return self._store.forget(prefix)

    def prune(self, before: float) -> int:
        return self._store.prune(before)

    def stats(self) -> StoreStats:
        return self._store.stats()

    def upgrade(self) -> int:
        return self._store.upgrade()

    def ping(self) -> None:
        self._store.ping()

    def close(self) -> None:
        self._store.close()


def _size(entry: tuple[int, StoredResponse]) -> int:
    return len(entry[1].input) + len(entry[1].response) + _OVERHEAD

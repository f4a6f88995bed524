"""A cache of the responses that this worker has read, bounded by bytes, in front of a store.

Other workers may replace or delete a response at any time, so a cached response is used only if the store confirms its
version: one small indexed query instead of reading the row. A response is cached by its first `get` and not by `put`,
since most responses are never read. `chain` is not cached: to confirm a cached chain would cost as much as to
read it.
"""

from typing import Final

from cachetools import LRUCache

from adapter.store.base import NotFound, StoredResponse
from adapter.store.protocols import ResponseStore

_ENTRY_OVERHEAD: Final = 1024
"""Bytes that an entry costs beside its JSON, roughly: the struct, its strings, the key and the cache's own links."""


class CachedResponses:
    """The responses of a store, with a cache for `get`."""

    def __init__(self, store: ResponseStore, max_bytes: int) -> None:
        self.put = store.put
        self.exists = store.exists
        self.version = store.version
        self.chain = store.chain
        self._store = store
        self._cache: LRUCache[tuple[str, str], tuple[int, StoredResponse]] = LRUCache(max_bytes, getsizeof=_size)

    def get(self, id: str, tenant: str) -> StoredResponse:
        key = tenant, id
        try:
            version = self._store.version(id, tenant)
            cached = self._cache.get(key)
            if cached is not None and cached[0] == version:
                return cached[1]
            self._cache.pop(key, None)
            # Read after its version: at worst a later snapshot is cached under an earlier version, and never used.
            stored = self._store.get(id, tenant)
        except NotFound:
            self._cache.pop(key, None)
            raise
        entry = version, stored
        if _size(entry) <= self._cache.maxsize:
            self._cache[key] = entry
        return stored

    def delete(self, id: str, tenant: str) -> None:
        self._cache.pop((tenant, id), None)
        self._store.delete(id, tenant)


def _size(entry: tuple[int, StoredResponse]) -> int:
    return len(entry[1].input) + len(entry[1].response) + _ENTRY_OVERHEAD

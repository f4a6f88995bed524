"""Responses in a dict: for tests, and for one process that may forget everything when it ends.

It grows with each response that is put and not deleted.
"""

from collections import defaultdict
from itertools import count

from adapter.store.base import NotFound, StoredResponse

_Key = tuple[str, str]
"""Tenant and id."""


class MemoryStore:
    """The calls of `Store`.

    A response in `_rows` but not in `_versions` is deleted and still needed by those that continue it.
    """

    def __init__(self) -> None:
        self._rows: dict[_Key, StoredResponse] = {}
        self._versions: dict[_Key, int] = {}
        self._continued_by: defaultdict[_Key, set[_Key]] = defaultdict(set)
        self._puts = count(1)

    def put(self, stored: StoredResponse) -> None:
        key = stored.tenant, stored.id
        self._rows[key] = stored
        self._versions[key] = next(self._puts)
        if stored.previous is not None:
            self._continued_by[stored.tenant, stored.previous].add(key)

    def get(self, id: str, tenant: str) -> StoredResponse:
        self.version(id, tenant)
        return self._rows[tenant, id]

    def exists(self, id: str, tenant: str) -> bool:
        return (tenant, id) in self._versions

    def version(self, id: str, tenant: str) -> int:
        if not self.exists(id, tenant):
            raise NotFound(id)
        return self._versions[tenant, id]

    def chain(self, id: str, tenant: str) -> list[StoredResponse]:
        newest = self.get(id, tenant)
        chain = [newest]
        while (previous := chain[-1].previous) and (tenant, previous) in self._rows:
            chain.append(self._rows[tenant, previous])
        return chain[::-1]

    def delete(self, id: str, tenant: str) -> None:
        self.version(id, tenant)
        del self._versions[tenant, id]
        self._erase((tenant, id))

    def _erase(self, key: _Key) -> None:
        """Erase a deleted response if nothing continues it, and then those that it was the last to continue."""
        while key in self._rows and key not in self._versions and not self._continued_by.get(key):
            erased = self._rows.pop(key)
            self._continued_by.pop(key, None)
            if erased.previous is None:
                return
            before = (erased.tenant, erased.previous)
            self._continued_by[before].discard(key)
            key = before

    def ping(self) -> None:
        """There is nothing that could be down."""

    def close(self) -> None:
        """There is nothing to let go of."""

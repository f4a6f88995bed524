"""A store in dicts: for tests, and for a single process whose data may be lost at its end.

It is not bounded: it grows until its responses are deleted or pruned.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, count

from msgspec.structs import replace

from adapter.store.base import (
    KeyUsage,
    NotFound,
    StoredConversation,
    StoredEvents,
    StoredItem,
    StoredKind,
    StoredResponse,
    StoredRun,
    StoreStats,
    Usage,
    add_tokens,
    add_up,
    oldest_usage_day,
)

_Key = tuple[str, str]
"""Tenant and id."""


class MemoryStore:
    """Implements `Store`.

    A response in `_rows` but not in `_versions` is deleted, and still needed by the responses that continue it.
    """

    def __init__(self) -> None:
        self._rows: dict[_Key, StoredResponse] = {}
        self._versions: dict[_Key, int] = {}
        self._continued_by: defaultdict[_Key, set[_Key]] = defaultdict(set)
        self._puts = count(1)
        self._conversations: dict[_Key, StoredConversation] = {}
        self._items: dict[_Key, list[StoredItem]] = {}
        self._used: dict[_Key, float] = {}
        """Unix time of the last use of a conversation."""
        self._leases: dict[_Key, tuple[str, float]] = {}
        self._runs: dict[_Key, StoredRun] = {}
        self._events: dict[_Key, list[StoredEvents]] = {}
        self._values: dict[str, tuple[bytes, float]] = {}
        self._key_usage: dict[tuple[str, str, str, str], KeyUsage] = {}

    def put(self, stored: StoredResponse, items: Sequence[StoredItem] = ()) -> None:
        key = stored.tenant, stored.id
        if stored.conversation is not None and (stored.tenant, stored.conversation) in self._conversations:
            self.append(stored.conversation, stored.tenant, items)
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
        for rows in (self._versions, self._runs, self._events):
            rows.pop((tenant, id), None)
        self._erase((tenant, id))

    def _erase(self, key: _Key) -> None:
        """Erase a deleted response if nothing continues it, and then each ancestor that only it continued."""
        while key in self._rows and key not in self._versions and not self._continued_by.get(key):
            erased = self._rows.pop(key)
            self._continued_by.pop(key, None)
            if erased.previous is None:
                return
            before = (erased.tenant, erased.previous)
            self._continued_by[before].discard(key)
            key = before

    def put_conversation(self, conversation: StoredConversation) -> None:
        key = conversation.tenant, conversation.id
        self._conversations[key] = conversation
        self._items.setdefault(key, [])
        self._used[key] = time.time()

    def conversation(self, id: str, tenant: str) -> StoredConversation:
        try:
            return self._conversations[tenant, id]
        except KeyError:
            raise NotFound(id) from None

    def delete_conversation(self, id: str, tenant: str) -> None:
        self.conversation(id, tenant)
        for rows in (self._conversations, self._items, self._leases, self._used):
            rows.pop((tenant, id), None)

    def append(self, id: str, tenant: str, items: Sequence[StoredItem]) -> None:
        self.conversation(id, tenant)
        self._items[tenant, id] += items
        self._used[tenant, id] = time.time()

    def items(self, id: str, tenant: str) -> list[StoredItem]:
        self.conversation(id, tenant)
        return list(self._items[tenant, id])

    def remove(self, id: str, tenant: str, item_id: str) -> None:
        items = self.items(id, tenant)
        left = [item for item in items if item.id != item_id]
        if len(left) == len(items):
            raise NotFound(item_id)
        self._items[tenant, id] = left
        self._used[tenant, id] = time.time()

    def lease(self, id: str, tenant: str, holder: str, now: float, until: float) -> bool:
        self.conversation(id, tenant)
        other, ends = self._leases.get((tenant, id), (holder, 0.0))
        if other != holder and ends > now:
            return False
        self._leases[tenant, id] = holder, until
        self._used[tenant, id] = time.time()
        return True

    def release(self, id: str, tenant: str, holder: str) -> None:
        if self._leases.get((tenant, id), ("", 0.0))[0] == holder:
            del self._leases[tenant, id]

    def leased_until(self, id: str, tenant: str) -> float:
        return self._leases.get((tenant, id), ("", 0.0))[1]

    def begin_run(self, run: StoredRun, stored: StoredResponse, events: StoredEvents | None) -> None:
        key = run.tenant, run.id
        self.put(stored)
        self._runs[key] = run
        self._events[key] = [events] if events is not None else []

    def record(
        self,
        run: StoredRun,
        events: StoredEvents | None,
        stored: StoredResponse | None = None,
        items: Sequence[StoredItem] = (),
    ) -> bool:
        key = run.tenant, run.id
        if key not in self.runs_of(run.holder):
            return False
        self._runs[key] = replace(self._runs[key], last=run.last, ended=run.ended)
        if events is not None and events not in self._events[key]:
            self._events[key].append(events)
        if stored is not None:
            self.put(stored, items)
        return True

    def run(self, id: str, tenant: str) -> StoredRun:
        try:
            return self._runs[tenant, id]
        except KeyError:
            raise NotFound(id) from None

    def events(self, id: str, tenant: str, after: int) -> list[StoredEvents]:
        return [events for events in self._events.get((tenant, id), ()) if events.last > after]

    def take_run(self, id: str, tenant: str, holder: str, until: float, *, expired_by: float) -> bool:
        run = self._runs.get((tenant, id))
        if run is None or run.ended is not None or run.until > expired_by:
            return False
        self._runs[tenant, id] = replace(run, holder=holder, until=until)
        return True

    def renew_runs(self, holder: str, until: float) -> None:
        for key in self.runs_of(holder):
            self._runs[key] = replace(self._runs[key], until=until)

    def runs_of(self, holder: str) -> set[_Key]:
        return {key for key, run in self._runs.items() if run.holder == holder and run.ended is None}

    def delete_events(self, ended_by: float) -> None:
        for key, run in self._runs.items():
            if run.ended is not None and run.ended <= ended_by:
                self._runs[key] = replace(run, last=-1)
                self._events[key] = []

    def set_value(self, key: str, value: bytes, until: float) -> None:
        self._values[key] = value, until

    def replace_value(self, key: str, old: bytes | None, new: bytes, until: float) -> bool:
        found, ends = self._values.get(key, (None, 0.0))
        if (found if ends > time.time() else None) != old:
            return False
        self.set_value(key, new, until)
        return True

    def values(self, prefix: str, now: float) -> dict[str, bytes]:
        return {key: value for key, (value, until) in self._values.items() if key.startswith(prefix) and until > now}

    def delete_values(self, prefix: str) -> int:
        found = [key for key in self._values if key.startswith(prefix)]
        for key in found:
            del self._values[key]
        return len(found)

    def add_key_usage(self, added: Sequence[KeyUsage]) -> None:
        for one in added:
            before = self._key_usage.get(one.place)
            self._key_usage[one.place] = one if before is None else before.plus(one)

    def key_usage(self, since: str) -> list[KeyUsage]:
        found = (one for one in self._key_usage.values() if one.day >= since)
        return sorted(found, key=lambda one: (one.day, *one.place))

    def key_tokens(self, since: str) -> dict[tuple[str, str], int]:
        return add_tokens(self.key_usage(since))

    def prune(self, before: float) -> int:
        now = time.time()
        self._values = {key: value for key, value in self._values.items() if value[1] > now}
        self._key_usage = {one.place: one for one in self.key_usage(oldest_usage_day(now))}
        unused = [key for key, used in self._used.items() if used < before]
        for tenant, id in unused:
            self.delete_conversation(id, tenant)
        rows = len(self._rows)
        for tenant, id in self._unused_responses(before):
            self.delete(id, tenant)
        return len(unused) + rows - len(self._rows)

    def _unused_responses(self, before: float) -> list[_Key]:
        """Return the responses that are older, and that no newer response and no running one continues."""
        needed: set[_Key] = set()
        for key in self._versions:
            run = self._runs.get(key)
            if self._rows[key].created_at >= before or (run and run.ended is None and run.until >= before):
                needed.update((link.tenant, link.id) for link in self.chain(key[1], key[0]))
        return [key for key in self._versions if key not in needed]

    def stats(self) -> StoreStats:
        responses, conversations = self._rows.values(), self._conversations.values()
        sizes = {
            "items": [len(item.json) for item in chain.from_iterable(self._items.values())],
            "runs": [0 for _ in self._runs],
            "events": [len(events.frames) for events in chain.from_iterable(self._events.values())],
            "values": [len(value) for value, _ in self._values.values()],
        }
        return StoreStats(
            kinds=(
                _dated("responses", ((r.created_at, len(r.input) + len(r.response) + len(r.notes)) for r in responses)),
                _dated("conversations", ((c.created_at, len(c.metadata)) for c in conversations)),
                *(StoredKind(name, len(found), sum(found)) for name, found in sizes.items()),
            ),
            tenants=len({tenant for tenant, _ in (*self._rows, *self._conversations)}),
            running=sum(run.ended is None for run in self._runs.values()),
            version=self.upgrade(),
        )

    def usage(self) -> dict[str, Usage]:
        sizes = [(tenant, len(r.input) + len(r.response) + len(r.notes)) for (tenant, _), r in self._rows.items()]
        for (tenant, _), items in self._items.items():
            sizes += [(tenant, len(item.json)) for item in items]
        return add_up((tenant, 1, size) for tenant, size in sizes)

    def upgrade(self) -> int:
        return 0  # nothing outlives the process

    def ping(self) -> None:
        """Memory is always available."""

    def close(self) -> None:
        """Nothing is open."""


def _dated(name: str, found: Iterable[tuple[int, int]]) -> StoredKind:
    """Return a kind whose rows have these times and sizes."""
    times, sizes = zip(*found, strict=True) if (found := list(found)) else ((), ())
    return StoredKind(name, len(sizes), sum(sizes), min(times, default=None), max(times, default=None))

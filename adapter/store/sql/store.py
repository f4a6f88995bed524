"""A store in a SQL database.

`threads.py` executes its statements in native threads; `Database` has what differs between databases. Tables and
statements are the same for all.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import chain
from operator import itemgetter
from typing import Any

from msgspec.structs import asdict, replace

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
    add_up,
    is_storable,
    oldest_usage_day,
)
from adapter.store.sql import run_tables, tables, upkeep, usage_tables
from adapter.store.sql.database import Database
from adapter.store.sql.migrations import VERSION
from adapter.store.sql.threads import DatabaseThreads
from adapter.store.sql.writes import Change, Deletion, Erasure, Ping, Put, Query, Record, Replacement, Row


class SQLStore:
    """Implements `Store`. Nothing is opened before the first call."""

    def __init__(self, database: Database) -> None:
        self._database = DatabaseThreads(database)

    def put(self, stored: StoredResponse, items: Sequence[StoredItem] = ()) -> None:
        self._database.write(_put(stored, items))

    def get(self, id: str, tenant: str) -> StoredResponse:
        return tables.to_response(self._found(tables.GET, id, tenant)[0])

    def exists(self, id: str, tenant: str) -> bool:
        return bool(self._select(tables.GET_VERSION, id, tenant))

    def version(self, id: str, tenant: str) -> int:
        version: int = self._found(tables.GET_VERSION, id, tenant)[0][0]
        return version

    def chain(self, id: str, tenant: str) -> list[StoredResponse]:
        rows = self._found(tables.CHAIN, id, tenant)
        rows.sort(key=itemgetter(-1), reverse=True)  # by depth; SQLite would copy the blobs to sort them
        return [tables.to_response(row[:-1]) for row in rows]

    def delete(self, id: str, tenant: str) -> None:
        if not is_storable(id) or self._database.write(Deletion(tables.row_key(id, tenant))) is None:
            raise NotFound(id)

    def put_conversation(self, conversation: StoredConversation) -> None:
        self._change((tables.PUT_CONVERSATION, {**asdict(conversation), "used_at": time.time()}))

    def conversation(self, id: str, tenant: str) -> StoredConversation:
        return StoredConversation(*self._found(tables.GET_CONVERSATION, id, tenant)[0])

    def delete_conversation(self, id: str, tenant: str) -> None:
        values = tables.row_key(id, tenant)
        self._change((tables.DELETE_CONVERSATION, values), (tables.DELETE_ITEMS, values), erases=True)

    def append(self, id: str, tenant: str, items: Sequence[StoredItem]) -> None:
        if items:
            rows = _rows(id, tenant, items)
            self._change((tables.MARK_USED, rows[0]), *((tables.APPEND, row) for row in rows))
        else:
            self.conversation(id, tenant)

    def items(self, id: str, tenant: str) -> list[StoredItem]:
        rows = self._select(tables.GET_ITEMS, id, tenant)
        if not rows:
            self.conversation(id, tenant)
        return [StoredItem(*row) for row in rows]

    def remove(self, id: str, tenant: str, item_id: str) -> None:
        values = {**tables.row_key(id, tenant), "item_id": item_id, "now": time.time()}
        self._change((tables.DELETE_ITEM, values), (tables.MARK_USED, values), erases=True)

    def lease(self, id: str, tenant: str, holder: str, now: float, until: float) -> bool:
        lease = {**tables.row_key(id, tenant), "holder": holder, "now": now, "until": until}
        try:
            self._change((tables.TAKE_LEASE, lease))
        except NotFound:
            self.conversation(id, tenant)
            return False
        return True

    def release(self, id: str, tenant: str, holder: str) -> None:
        with suppress(NotFound):
            self._change((tables.RELEASE_LEASE, {**tables.row_key(id, tenant), "holder": holder}))

    def leased_until(self, id: str, tenant: str) -> float:
        rows = self._select(tables.LEASED_UNTIL, id, tenant)
        return rows[0][0] if rows else 0.0

    def begin_run(self, run: StoredRun, stored: StoredResponse, events: StoredEvents | None) -> None:
        first = run_tables.BEGIN, asdict(run)
        self._database.write(Record(first, self._event_steps(run, events), _put(stored, ())))

    def record(
        self,
        run: StoredRun,
        events: StoredEvents | None,
        stored: StoredResponse | None = None,
        items: Sequence[StoredItem] = (),
    ) -> bool:
        if not is_storable(run.id):
            return False
        put = None if stored is None else _put(stored, items)
        first = run_tables.ADVANCE, run_tables.advance_values(run)
        return bool(self._database.write(Record(first, self._event_steps(run, events), put)))

    def run(self, id: str, tenant: str) -> StoredRun:
        run = StoredRun(*self._found(run_tables.GET_RUN, id, tenant)[0])
        return replace(run, streamed=bool(run.streamed))

    def events(self, id: str, tenant: str, after: int) -> list[StoredEvents]:
        rows = self._select(run_tables.GET_EVENTS, id, tenant, after=after)
        return [StoredEvents(first, last, bool(over), frames) for first, last, over, frames in rows]

    def take_run(self, id: str, tenant: str, holder: str, until: float, *, expired_by: float) -> bool:
        values = {"of_holder": holder, "new_until": until, "expired_by": expired_by}
        try:
            self._change((run_tables.TAKE, {**tables.row_key(id, tenant), **values}))
        except NotFound:
            return False
        return True

    def renew_runs(self, holder: str, until: float) -> None:
        with suppress(NotFound):
            self._change((run_tables.RENEW, {"of_holder": holder, "new_until": until}))

    def runs_of(self, holder: str) -> set[tuple[str, str]]:
        rows = self._database.read(Query(run_tables.RUNS_OF, {"of_holder": holder}))
        return {(tenant, id) for tenant, id in rows}

    def delete_events(self, ended_by: float) -> None:
        with suppress(NotFound):
            values = {"before": ended_by}
            self._change((run_tables.DELETE_ENDED_EVENTS, values), (run_tables.RESET_LAST, values))

    def set_value(self, key: str, value: bytes, until: float) -> None:
        self._change((tables.SET_VALUE, {"key": key, "value": value, "until": until}))

    def replace_value(self, key: str, old: bytes | None, new: bytes, until: float) -> bool:
        values = {"key": key, "value": new, "until": until, "now": time.time()}
        return bool(self._database.write(Replacement(values, old)))

    def values(self, prefix: str, now: float) -> dict[str, bytes]:
        return dict(self._database.read(Query(tables.GET_VALUES, {**tables.prefix_values(prefix), "now": now})))

    def delete_values(self, prefix: str) -> int:
        change = Change([(tables.DELETE_VALUES, tables.prefix_values(prefix))], erases=True)
        erased: list[int] = self._database.write(change)
        return erased[0]

    def add_key_usage(self, added: Sequence[KeyUsage]) -> None:
        # In the order of the rows, so that two transactions do not wait for each other.
        rows = sorted(added, key=lambda one: (one.day, *one.place))
        if rows:
            self._database.write(Change([(usage_tables.ADD, asdict(one)) for one in rows]))

    def key_usage(self, since: str) -> list[KeyUsage]:
        return [KeyUsage(*row) for row in self._database.read(Query(usage_tables.GET, {"since": since}))]

    def key_tokens(self, since: str) -> dict[tuple[str, str], int]:
        rows = self._database.read(Query(usage_tables.TOKENS, {"since": since}))
        return {(key, day): tokens for key, day, tokens in rows}

    def prune(self, before: float) -> int:
        now = time.time()
        expired: list[tuple[str, Row]] = [
            (upkeep.DELETE_EXPIRED_VALUES, {"now": now}),
            (usage_tables.DELETE_OLD, {"since": oldest_usage_day(now)}),
        ]
        self._database.write(Change(expired, erases=True))
        return self._prune_responses(before) + self._prune_conversations(before)

    def _prune_responses(self, before: float) -> int:
        """Page through the responses from the oldest on, until a page has none that is old enough."""
        count, last = 0, tables.row_key("", "")
        while True:
            page = self._database.read(Query(upkeep.NEXT_PAGE, {**last, "before": before}))
            found = [{**tables.row_key(id, tenant), "before": before} for id, tenant, _, erasable in page if erasable]
            for batch in _batches(found):
                count += self._database.write(Erasure(batch, []))
            if len(page) < upkeep.PAGE or not any(old for _, _, old, _ in page):
                return count
            last = tables.row_key(*page[-1][:2])

    def _prune_conversations(self, before: float) -> int:
        count = 0
        while page := self._database.read(Query(upkeep.UNUSED_CONVERSATIONS, {"before": before})):
            found = [{**tables.row_key(id, tenant), "before": before} for id, tenant in page]
            erased = sum(self._database.write(Erasure([], batch)) for batch in _batches(found))
            count += erased
            if erased < upkeep.PAGE:  # the last page, or another worker prunes, too
                break
        return count

    def stats(self) -> StoreStats:
        def rows(statement: str) -> list[Any]:
            return self._database.read(Query(statement, {}))

        return StoreStats(
            kinds=tuple(StoredKind(name, *rows(statement)[0]) for name, statement in upkeep.COUNTS.items()),
            tenants=rows(upkeep.TENANTS)[0][0],
            running=rows(upkeep.RUNNING)[0][0],
            version=VERSION,
        )

    def usage(self) -> dict[str, Usage]:
        return add_up(chain(self._pages(upkeep.RESPONSE_SIZES), self._pages(upkeep.ITEM_SIZES)))

    def _pages(self, query: str) -> Iterable[tuple[str, int, int]]:
        """Yield the tenant of each row, 1, and the row's size; a row begins with the key by which it is sorted."""
        last = {"key_1": "", "key_2": "", "key_3": -1}
        while True:
            page = self._database.read(Query(query, last))
            yield from ((tenant, 1, size) for _, _, _, tenant, size in page)
            if len(page) < upkeep.PAGE:
                return
            last = dict(zip(last, page[-1], strict=False))

    def upgrade(self) -> int:
        return self._database.upgrade()

    def _event_steps(self, run: StoredRun, events: StoredEvents | None) -> list[tuple[str, Row]]:
        """Return the statements that add a run's next events."""
        if events is None:
            return []
        return [(run_tables.ADD_EVENTS, {**asdict(events), "tenant": run.tenant, "run": run.id})]

    def ping(self) -> None:
        self._database.check_room()
        self._database.write(Ping())

    def close(self) -> None:
        self._database.close()

    def _change(self, *steps: tuple[str, Row], erases: bool = False) -> None:
        """Execute statements in one transaction; raise NotFound if the first finds nothing to change."""
        first = steps[0][1]
        if not all(is_storable(value) for value in first.values() if isinstance(value, str)):
            raise NotFound(first.get("response_id"))
        if not self._database.write(Change(list(steps), erases))[0]:
            raise NotFound(first.get("response_id"))

    def _found(self, sql: str, id: str, tenant: str) -> list[Any]:
        """Return the rows of a query; raise NotFound if there are none."""
        if rows := self._select(sql, id, tenant):
            return rows
        raise NotFound(id)

    def _select(self, sql: str, id: str, tenant: str, **values: Any) -> list[Any]:
        if not is_storable(id):
            return []
        return self._database.read(Query(sql, {**tables.row_key(id, tenant), **values}))


def _put(stored: StoredResponse, items: Sequence[StoredItem]) -> Put:
    rows = [] if stored.conversation is None else _rows(stored.conversation, stored.tenant, items)
    return Put(stored, rows)


def _rows(conversation: str, tenant: str, items: Sequence[StoredItem]) -> list[Row]:
    values = {**tables.row_key(conversation, tenant), "now": time.time()}
    return [{**values, "item_id": item.id, "json": item.json} for item in items]


def _batches(rows: list[Row]) -> Iterable[list[Row]]:
    return (rows[start : start + upkeep.BATCH] for start in range(0, len(rows), upkeep.BATCH))

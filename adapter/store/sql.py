"""Responses, conversations and runs in a SQL database.

Two native threads per process, each with one connection: one writes and one reads, so neither the event loop nor a
reader waits for a write lock. All writes that wait are one transaction (group commit), and each caller goes on only
when it is committed. A failure costs the connection and is told to those who wait; the next call opens a new one, so
the store works again as soon as its database does.

What differs between databases is behind `Database`; tables and statements are the same for all. SQLAlchemy writes the
SQL, once per store; it runs on the driver's own cursor, because each statement that SQLAlchemy runs costs about as much
as SQLite's whole part of it.
"""

from collections.abc import Sequence
from contextlib import suppress
from operator import itemgetter
from random import getrandbits
from typing import Any, Final, NamedTuple, Protocol

from msgspec.structs import asdict, replace
from sqlalchemy import Connection, Engine, Table
from sqlalchemy.engine.interfaces import DBAPICursor

from adapter.store import run_tables, tables
from adapter.store.base import (
    NotFound,
    StoredConversation,
    StoredEvents,
    StoredItem,
    StoreDown,
    StoredResponse,
    StoredRun,
)
from adapter.store.native_thread import Job, NativeThread
from adapter.store.packing import Packing


class Database(Protocol):
    """What one kind of database does in its own way."""

    engine: Engine
    """With a paramstyle that takes values by name."""
    errors: tuple[type[Exception], ...]
    """What its driver raises when it cannot do its work; never a mistake of ours."""

    def insert(self, table: Table, /) -> Any:
        """Return the dialect's INSERT, which knows ON CONFLICT."""

    def open(self) -> Connection:
        """Return a connection to a database that has the tables."""

    def wipe(self, connection: Connection) -> None:
        """Make unreadable what was erased, where that takes more than DELETE."""

    def explain(self, error: Exception) -> str:
        """Say what is wrong and what to do about it."""


Row = dict[str, Any]
"""A response to keep, by column."""


class Query(NamedTuple):
    """Its answer is the rows."""

    sql: str
    values: dict[str, Any]


class Put(NamedTuple):
    row: Row
    items: list[Row]
    """To append to its conversation."""


class Deletion(NamedTuple):
    """Its answer is how many responses it erased, or None if there was nothing to delete."""

    values: dict[str, str]


class Change(NamedTuple):
    """Statements that are done together. Its answer is how many rows each changed."""

    steps: list[tuple[str, Row]]
    erases: bool = False


class Record(NamedTuple):
    """Its answer is whether its first statement found what it was to change; else nothing is done."""

    first: tuple[str, Row]
    steps: list[tuple[str, Row]]
    put: Put | None


class Ping(NamedTuple):
    pass


Write = Put | Deletion | Change | Record | Ping

_PACKED: Final = ("json", "frames", "value")
"""Values of any statement that are kept packed."""


class SQLStore:
    """The calls of `Store`. Nothing is opened before the first of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._packing = Packing()

        def sql(statement: tables.Statement) -> str:
            return str(statement.compile(dialect=database.engine.dialect))

        self._upsert = sql(tables.upsert(database.insert))
        self._get = sql(tables.GET)
        self._get_version = sql(tables.GET_VERSION)
        self._chain = sql(tables.CHAIN)
        self._mark_deleted = sql(tables.MARK_DELETED)
        self._erase = sql(tables.ERASE)
        self._change_nothing = sql(tables.CHANGE_NOTHING)
        self._upsert_conversation = sql(tables.upsert_conversation(database.insert))
        self._get_conversation = sql(tables.GET_CONVERSATION)
        self._get_items = sql(tables.GET_ITEMS)
        self._delete_conversation = sql(tables.DELETE_CONVERSATION)
        self._delete_items = sql(tables.DELETE_ITEMS)
        self._delete_item = sql(tables.DELETE_ITEM)
        self._append = sql(tables.APPEND)
        self._lease = sql(tables.LEASE)
        self._release = sql(tables.RELEASE)
        self._begin_run = sql(run_tables.BEGIN)
        self._get_run = sql(run_tables.GET_RUN)
        self._advance_run = sql(run_tables.ADVANCE)
        self._add_events = sql(run_tables.add_events(database.insert))
        self._get_events = sql(run_tables.GET_EVENTS)
        self._take_run = sql(run_tables.TAKE)
        self._prolong_runs = sql(run_tables.PROLONG)
        self._held_runs = sql(run_tables.HELD)
        self._delete_run = [sql(run_tables.DELETE_RUN), sql(run_tables.DELETE_EVENTS)]
        self._forget_events = [sql(run_tables.FORGET_EVENTS), sql(run_tables.FORGET_LAST)]
        self._remember = sql(tables.remember(database.insert))
        self._remembered = sql(tables.REMEMBERED)
        self._forget = sql(tables.FORGET)
        self._writer = NativeThread[Connection, Write](database.open, self._write)
        self._reader = NativeThread[Connection, Query](self._open_reader, self._read)

    def put(self, stored: StoredResponse, items: Sequence[StoredItem] = ()) -> None:
        self._do(self._writer, _put(stored, items))

    def get(self, id: str, tenant: str) -> StoredResponse:
        return StoredResponse(*self._found(self._get, id, tenant)[0])

    def exists(self, id: str, tenant: str) -> bool:
        return bool(self._select(self._get_version, id, tenant))

    def version(self, id: str, tenant: str) -> int:
        version: int = self._found(self._get_version, id, tenant)[0][0]
        return version

    def chain(self, id: str, tenant: str) -> list[StoredResponse]:
        rows = self._found(self._chain, id, tenant)
        rows.sort(key=itemgetter(-1), reverse=True)  # by depth, here: SQLite would copy the blobs to sort them
        return [StoredResponse(*row[:-1]) for row in rows]

    def delete(self, id: str, tenant: str) -> None:
        if not _can_be(id) or self._do(self._writer, Deletion(tables.values(id, tenant))) is None:
            raise NotFound(id)

    def put_conversation(self, conversation: StoredConversation) -> None:
        self._change((self._upsert_conversation, asdict(conversation)))

    def conversation(self, id: str, tenant: str) -> StoredConversation:
        return StoredConversation(*self._found(self._get_conversation, id, tenant)[0])

    def delete_conversation(self, id: str, tenant: str) -> None:
        values = tables.values(id, tenant)
        self._change((self._delete_conversation, values), (self._delete_items, values), erases=True)

    def append(self, id: str, tenant: str, items: Sequence[StoredItem]) -> None:
        if items:
            self._change(*((self._append, row) for row in _rows(id, tenant, items)))
        else:
            self.conversation(id, tenant)

    def items(self, id: str, tenant: str) -> list[StoredItem]:
        rows = self._select(self._get_items, id, tenant)
        if not rows:
            self.conversation(id, tenant)
        return [StoredItem(*row) for row in rows]

    def remove(self, id: str, tenant: str, item_id: str) -> None:
        self._change((self._delete_item, {**tables.values(id, tenant), "item_id": item_id}), erases=True)

    def lease(self, id: str, tenant: str, holder: str, now: float, until: float) -> bool:
        lease = {**tables.values(id, tenant), "holder": holder, "now": now, "until": until}
        try:
            self._change((self._lease, lease))
        except NotFound:
            self.conversation(id, tenant)
            return False
        return True

    def release(self, id: str, tenant: str, holder: str) -> None:
        with suppress(NotFound):
            self._change((self._release, {**tables.values(id, tenant), "holder": holder}))

    def begin_run(self, run: StoredRun, stored: StoredResponse, events: StoredEvents | None) -> None:
        self._do(self._writer, Record((self._begin_run, asdict(run)), self._added(run, events), _put(stored, ())))

    def record(
        self,
        run: StoredRun,
        events: StoredEvents | None,
        stored: StoredResponse | None = None,
        items: Sequence[StoredItem] = (),
    ) -> bool:
        if not _can_be(run.id):
            return False
        put = None if stored is None else _put(stored, items)
        first = self._advance_run, run_tables.advance(run)
        return bool(self._do(self._writer, Record(first, self._added(run, events), put)))

    def run(self, id: str, tenant: str) -> StoredRun:
        run = StoredRun(*self._found(self._get_run, id, tenant)[0])
        return replace(run, streamed=bool(run.streamed))

    def events(self, id: str, tenant: str, after: int) -> list[StoredEvents]:
        rows = self._select(self._get_events, id, tenant, after=after)
        return [StoredEvents(first, last, bool(over), frames) for first, last, over, frames in rows]

    def take_run(self, id: str, tenant: str, holder: str, until: float, *, expired_by: float) -> bool:
        values = {"of_holder": holder, "new_until": until, "expired_by": expired_by}
        try:
            self._change((self._take_run, {**tables.values(id, tenant), **values}))
        except NotFound:
            return False
        return True

    def prolong_runs(self, holder: str, until: float) -> None:
        with suppress(NotFound):
            self._change((self._prolong_runs, {"of_holder": holder, "new_until": until}))

    def held_runs(self, holder: str) -> set[tuple[str, str]]:
        rows = self._do(self._reader, Query(self._held_runs, {"of_holder": holder}))
        return {(tenant, id) for tenant, id in rows}

    def forget_events(self, before: float) -> None:
        with suppress(NotFound):
            self._change(*((sql, {"before": before}) for sql in self._forget_events))

    def remember(self, key: str, value: bytes, until: float) -> None:
        self._change((self._remember, {"key": key, "value": value, "until": until}))

    def remembered(self, prefix: str, now: float) -> dict[str, bytes]:
        return dict(self._do(self._reader, Query(self._remembered, {**tables.beginning(prefix), "now": now})))

    def forget(self, prefix: str) -> int:
        erased: list[int] = self._do(self._writer, Change([(self._forget, tables.beginning(prefix))], erases=True))
        return erased[0]

    def _added(self, run: StoredRun, events: StoredEvents | None) -> list[tuple[str, Row]]:
        """Return what keeps a run's next events."""
        if events is None:
            return []
        return [(self._add_events, {**asdict(events), "tenant": run.tenant, "run": run.id})]

    def ping(self) -> None:
        self._do(self._writer, Ping())

    def close(self) -> None:
        self._writer.close()
        self._reader.close()

    def _change(self, *steps: tuple[str, Row], erases: bool = False) -> None:
        """Do statements together; raise NotFound if the first of them finds nothing to change."""
        first = steps[0][1]
        if not all(_can_be(value) for value in first.values() if isinstance(value, str)):
            raise NotFound(first.get("response_id"))
        if not self._do(self._writer, Change(list(steps), erases))[0]:
            raise NotFound(first.get("response_id"))

    def _found(self, sql: str, id: str, tenant: str) -> list[Any]:
        """Return the rows of a query; raise NotFound if there is none."""
        if rows := self._select(sql, id, tenant):
            return rows
        raise NotFound(id)

    def _select(self, sql: str, id: str, tenant: str, **values: Any) -> list[Any]:
        if not _can_be(id):
            return []
        rows: list[Any] = self._do(self._reader, Query(sql, {**tables.values(id, tenant), **values}))
        return rows

    def _do(self, thread: NativeThread[Connection, Any], request: Query | Write) -> Any:
        job = thread.do(request)
        if job.error is None:
            return job.answer
        if isinstance(job.error, (*self._database.errors, StoreDown)):
            raise StoreDown(self._database.explain(job.error)) from job.error
        raise job.error

    def _open_reader(self) -> Connection:
        return self._database.open().execution_options(isolation_level="AUTOCOMMIT")

    def _write(self, connection: Connection, jobs: list[Job[Write]]) -> None:
        """Do the writes in the order in which they came, in one transaction."""
        driver = connection.connection
        cursor = driver.cursor()
        rows: list[Row] = []
        for job in jobs:
            match job.request:
                case Put() as put:
                    self._put(cursor, rows, put)
                case Change(steps):
                    self._put_all(cursor, rows)
                    job.answer = [cursor.execute(sql, self._packed(values)).rowcount for sql, values in steps]
                case Deletion(values):
                    self._put_all(cursor, rows)
                    job.answer = self._delete(cursor, values)
                case Record(first, steps, following):
                    self._put_all(cursor, rows)
                    job.answer = bool(cursor.execute(*first).rowcount)
                    if job.answer:
                        for sql, values in steps:
                            cursor.execute(sql, self._packed(values))
                        if following is not None:
                            self._put(cursor, rows, following)
                case Ping():
                    cursor.execute(self._change_nothing)
        self._put_all(cursor, rows)
        driver.commit()
        if any(map(_has_erased, jobs)):
            self._database.wipe(connection)

    def _read(self, connection: Connection, jobs: list[Job[Query]]) -> None:
        cursor = connection.connection.cursor()
        unpack = self._packing.unpack
        for job in jobs:
            cursor.execute(job.request.sql, job.request.values)
            job.answer = [
                [unpack(value) if isinstance(value, bytes) else value for value in row] for row in cursor.fetchall()
            ]

    def _packed(self, values: Row) -> Row:
        for name in _PACKED:
            if name in values:
                return {**values, name: self._packing.pack(values[name])}
        return values

    def _put(self, cursor: DBAPICursor, rows: list[Row], put: Put) -> None:
        """Append a response's items; add it to the rows that are put together."""
        for column in tables.JSON_COLUMNS:
            put.row[column] = self._packing.pack(put.row[column])
        rows.append(put.row)
        for item in put.items:
            cursor.execute(self._append, self._packed(item))

    def _put_all(self, cursor: DBAPICursor, rows: list[Row]) -> None:
        if rows:
            cursor.executemany(self._upsert, rows)
            rows.clear()

    def _delete(self, cursor: DBAPICursor, values: dict[str, str]) -> int | None:
        """Delete a response; return how many are erased with it, or None if it is not there."""
        cursor.execute(self._mark_deleted, values)
        if cursor.rowcount == 0:
            return None
        for sql in self._delete_run:
            cursor.execute(sql, values)
        cursor.execute(self._erase, values)
        return cursor.rowcount


def _put(stored: StoredResponse, items: Sequence[StoredItem]) -> Put:
    rows = [] if stored.conversation is None else _rows(stored.conversation, stored.tenant, items)
    return Put({**asdict(stored), "version": getrandbits(63), "deleted": False}, rows)


def _rows(conversation: str, tenant: str, items: Sequence[StoredItem]) -> list[Row]:
    return [{**tables.values(conversation, tenant), "item_id": item.id, "json": item.json} for item in items]


def _has_erased(job: Job[Write]) -> bool:
    if isinstance(job.request, Change):
        return job.request.erases and any(job.answer)
    return isinstance(job.request, Deletion) and bool(job.answer)


def _can_be(id: str) -> bool:
    """Tell whether a database could hold an id at all; a lone surrogate or a NUL character cannot be looked up."""
    return id.isprintable()

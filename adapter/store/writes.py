"""What is asked of the threads of a SQL store, and how the one that writes does it.

Requests are written together as they come, in their order, in one transaction. Puts of responses are gathered and sent
in one go before anything else is done. A batch may be done again from its beginning on another connection, so nothing
of a request is changed.
"""

from typing import Any, Final, NamedTuple

from adapter.store import run_tables, tables, upkeep
from adapter.store.database import Database, Session, sql
from adapter.store.native_threads import Job

Row = dict[str, Any]
"""Values by name: the columns of a response, or what a statement takes."""


class Query(NamedTuple):
    """Its answer is the rows."""

    sql: str
    values: Row


class Put(NamedTuple):
    row: Row
    items: list[Row]
    """To append to its conversation."""


class Deletion(NamedTuple):
    """Its answer is how many responses it erased, or None if there was nothing to delete."""

    values: Row


class Change(NamedTuple):
    """Statements that are done together. Its answer is how many rows each changed."""

    steps: list[tuple[str, Row]]
    erases: bool = False


class Record(NamedTuple):
    """Its answer is whether its first statement found what it was to change; else nothing is done."""

    first: tuple[str, Row]
    steps: list[tuple[str, Row]]
    put: Put | None


class Erasure(NamedTuple):
    """Its answer is how many responses and conversations of these it erased: those that are still older and unused."""

    responses: list[Row]
    conversations: list[Row]


class Ping(NamedTuple):
    pass


Write = Put | Deletion | Change | Record | Erasure | Ping

_PACKED: Final = ("json", "frames", "value")
"""Values of any statement that are kept packed."""


class Writes:
    """`do` is the work of a thread that writes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._upsert = sql(database, tables.upsert(database.insert))
        self._use = sql(database, tables.USE)
        self._append = sql(database, tables.APPEND)
        self._mark_deleted = sql(database, tables.MARK_DELETED)
        self._erase = sql(database, tables.ERASE)
        self._delete_run = [sql(database, one) for one in (run_tables.DELETE_RUN, run_tables.DELETE_EVENTS)]
        self._unneeded = sql(database, upkeep.UNNEEDED)
        self._erase_response = [sql(database, one) for one in upkeep.ERASE]
        self._delete_unused = sql(database, upkeep.DELETE_UNUSED)
        self._delete_items = sql(database, tables.DELETE_ITEMS)
        self._change_nothing = sql(database, tables.CHANGE_NOTHING)

    def do(self, session: Session, jobs: list[Job[Write]]) -> None:
        session.attempt(lambda: self._do_all(session, jobs))
        session.commit()
        if any(map(_has_erased, jobs)):
            self._database.wipe(session.connection)

    def _do_all(self, session: Session, jobs: list[Job[Write]]) -> None:
        if any(isinstance(job.request, (Deletion, Erasure)) for job in jobs):
            self._database.lock(session.cursor)
        rows: list[Row] = []
        for job in jobs:
            if isinstance(job.request, Put):
                self._put(session, rows, job.request)
                continue
            self._put_all(session, rows)
            match job.request:
                case Change(steps):
                    job.answer = [self._step(session, step) for step in steps]
                case Record(first, steps, following):
                    job.answer = bool(self._step(session, first))
                    if job.answer:
                        for step in steps:
                            self._step(session, step)
                        if following is not None:
                            self._put(session, rows, following)
                case Deletion(values):
                    job.answer = self._delete(session, values)
                case Erasure() as erasure:
                    job.answer = self._erase_unused(session, erasure)
                case Ping():
                    session.cursor.execute(self._change_nothing)
        self._put_all(session, rows)

    def _step(self, session: Session, step: tuple[str, Row]) -> int:
        """Execute a statement; return how many rows it changed."""
        sql, values = step
        for name in _PACKED:
            if name in values:
                values = {**values, name: session.packing.pack(values[name])}
        session.cursor.execute(sql, values)
        return session.cursor.rowcount

    def _put(self, session: Session, rows: list[Row], put: Put) -> None:
        """Append a response's items; add it to the rows that are put together."""
        pack = session.packing.pack
        rows.append({**put.row, **{name: pack(put.row[name]) for name in tables.JSON_COLUMNS}})
        if put.items:
            self._step(session, (self._use, put.items[0]))
        for item in put.items:
            self._step(session, (self._append, item))

    def _put_all(self, session: Session, rows: list[Row]) -> None:
        if rows:
            session.cursor.executemany(self._upsert, rows)
            rows.clear()

    def _delete(self, session: Session, values: Row) -> int | None:
        """Delete a response; return how many are erased with it, or None if it is not there."""
        if not self._step(session, (self._mark_deleted, values)):
            return None
        for one in self._delete_run:
            self._step(session, (one, values))
        return self._step(session, (self._erase, values))

    def _erase_unused(self, session: Session, erasure: Erasure) -> int:
        count = 0
        for values in erasure.responses:
            session.cursor.execute(self._unneeded, values)
            if erased := [{**values, "response_id": id} for (id,) in session.cursor.fetchall()]:
                count += len(erased)
                for sql in self._erase_response:
                    session.cursor.executemany(sql, erased)
        for values in erasure.conversations:
            if self._step(session, (self._delete_unused, values)):
                count += 1
                self._step(session, (self._delete_items, values))
        return count


def _has_erased(job: Job[Write]) -> bool:
    match job.request:
        case Change(erases=erases):
            return erases and any(job.answer)
        case Deletion() | Erasure():
            return bool(job.answer)
        case _:
            return False

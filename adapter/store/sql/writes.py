"""What is asked of the threads of a SQL store, and how the one that writes does it.

Requests are written together as they come, in their order, in one transaction. Puts of responses are gathered and sent
in one go before anything else is done. A batch may be done again from its beginning on another connection, so nothing
of a request is changed.
"""

from typing import Any, Final, NamedTuple

from adapter.event_loop.native_threads import Job
from adapter.store.sql import run_tables, tables, upkeep
from adapter.store.sql.database import Session

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


def write(session: Session, jobs: list[Job[Write]]) -> None:
    """Be the work of a thread that writes."""
    session.attempt(lambda: _do_all(session, jobs))
    session.commit()
    if any(map(_has_erased, jobs)):
        session.wipe()


def _do_all(session: Session, jobs: list[Job[Write]]) -> None:
    if any(isinstance(job.request, (Deletion, Erasure)) for job in jobs):
        session.lock()
    rows: list[Row] = []
    for job in jobs:
        if isinstance(job.request, Put):
            _put(session, rows, job.request)
            continue
        _put_all(session, rows)
        match job.request:
            case Change(steps):
                job.answer = [_step(session, step) for step in steps]
            case Record(first, steps, following):
                job.answer = bool(_step(session, first))
                if job.answer:
                    for step in steps:
                        _step(session, step)
                    if following is not None:
                        _put(session, rows, following)
            case Deletion(values):
                job.answer = _delete(session, values)
            case Erasure() as erasure:
                job.answer = _erase_unused(session, erasure)
            case Ping():
                session.execute(tables.CHANGE_NOTHING, {})
    _put_all(session, rows)


def _step(session: Session, step: tuple[str, Row]) -> int:
    """Execute a statement; return how many rows it changed."""
    sql, values = step
    for name in _PACKED:
        if name in values:
            values = {**values, name: session.packing.pack(values[name])}
    return session.execute(sql, values)


def _put(session: Session, rows: list[Row], put: Put) -> None:
    """Append a response's items; add it to the rows that are put together."""
    pack = session.packing.pack
    rows.append({**put.row, **{name: pack(put.row[name]) for name in tables.JSON_COLUMNS}})
    if put.items:
        _step(session, (tables.USE, put.items[0]))
    for item in put.items:
        _step(session, (tables.APPEND, item))


def _put_all(session: Session, rows: list[Row]) -> None:
    if rows:
        session.execute_each(tables.PUT, rows)
        rows.clear()


def _delete(session: Session, values: Row) -> int | None:
    """Delete a response; return how many are erased with it, or None if it is not there."""
    if not _step(session, (tables.MARK_DELETED, values)):
        return None
    for one in (run_tables.DELETE_RUN, run_tables.DELETE_EVENTS):
        _step(session, (one, values))
    return _step(session, (tables.ERASE, values))


def _erase_unused(session: Session, erasure: Erasure) -> int:
    count = 0
    for values in erasure.responses:
        session.execute(upkeep.UNNEEDED, values)
        if erased := [{**values, "response_id": id} for (id,) in session.rows()]:
            count += len(erased)
            for sql in upkeep.ERASE:
                session.execute_each(sql, erased)
    for values in erasure.conversations:
        if _step(session, (upkeep.DELETE_UNUSED, values)):
            count += 1
            _step(session, (tables.DELETE_ITEMS, values))
    return count


def _has_erased(job: Job[Write]) -> bool:
    match job.request:
        case Change(erases=erases):
            return erases and any(job.answer)
        case Deletion() | Erasure():
            return bool(job.answer)
        case _:
            return False

"""The requests to the threads of a SQL store, and how the writing threads execute them.

A batch of requests is executed in order, in one transaction; puts of responses that are one statement need no other.
Consecutive puts are sent together. A batch may be repeated from its beginning on another connection, so executing a
request never changes it. What is not the same twice, a count that is added, has to be in a transaction: the reply to a
statement can be lost after it has been committed.
"""

from random import getrandbits
from typing import Any, Final

from msgspec import Struct

from adapter.event_loop.native_threads import Job
from adapter.store.base import StoredResponse
from adapter.store.sql import run_tables, tables, upkeep
from adapter.store.sql.database import Session

Row = dict[str, Any]
"""Parameters of a statement by name."""


class Query(Struct, frozen=True):
    """Answered with the rows."""

    sql: str
    values: Row
    packed: bool = True
    """Whether bytes in the rows are packed."""


class Put(Struct, frozen=True):
    stored: StoredResponse
    items: list[Row]
    """Items to append to its conversation."""


class Deletion(Struct, frozen=True):
    """Answered with the number of erased responses; None: there was nothing to delete."""

    values: Row


class Change(Struct, frozen=True):
    """Statements of one transaction. Answered with the number of rows that each changed."""

    steps: list[tuple[str, Row]]
    erases: bool = False


class Record(Struct, frozen=True):
    """Answered with whether the first statement changed a row; the others are executed only then."""

    first: tuple[str, Row]
    steps: list[tuple[str, Row]]
    put: Put | None


class Replacement(Struct, frozen=True):
    """Answered with whether the value was `old` (None: there was none), and is replaced."""

    values: Row
    old: bytes | None


class Erasure(Struct, frozen=True):
    """Answered with how many of these responses and conversations were still unused, and erased."""

    responses: list[Row]
    conversations: list[Row]


class Ping(Struct, frozen=True):
    pass


Puts = dict[tuple[str, str], tuple[Any, ...]]
"""The rows of responses that are sent together, by id and tenant: PostgreSQL takes none twice in one statement."""

Write = Put | Deletion | Change | Record | Replacement | Erasure | Ping

_ERASING: Final = frozenset({Deletion, Erasure})
_MAX_ROWS: Final = 16
"""Of one statement: each number of them is a statement that is parsed once for each connection, and kept."""
_PACKED_NAMES: Final = ("json", "frames", "value")
"""Parameters, of any statement, that are stored packed."""


def write(session: Session, jobs: list[Job[Write]]) -> None:
    """Execute a batch and commit it, in a thread that writes."""
    session.attempt(lambda: _do_all(session, jobs))
    session.commit()
    if any(map(_has_erased, jobs)):
        session.wipe()


def _is_one_repeatable_statement(jobs: list[Job[Write]]) -> bool:
    """Whether a batch needs no transaction: the one statement is committed at once, and may be repeated after that."""
    match [job.request for job in jobs]:
        case [Ping()]:
            return True
        case requests:
            return len(jobs) <= _MAX_ROWS and all(type(one) is Put and not one.items for one in requests)


def _do_all(session: Session, jobs: list[Job[Write]]) -> None:
    if not _is_one_repeatable_statement(jobs):
        session.begin()
    if not _ERASING.isdisjoint([type(job.request) for job in jobs]):
        session.lock()
    rows: Puts = {}
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
            case Replacement(values, old):
                job.answer = _replace(session, values, old)
            case Deletion(values):
                job.answer = _delete(session, values)
            case Erasure() as erasure:
                job.answer = _erase_unused(session, erasure)
            case Ping():
                session.execute(tables.REWRITE, {})
    _put_all(session, rows)


def _step(session: Session, step: tuple[str, Row]) -> int:
    """Execute a statement; return how many rows it changed."""
    sql, values = step
    for name in _PACKED_NAMES:
        if name in values:
            values = {**values, name: session.packing.pack(values[name])}
    return session.execute(sql, values)


def _put(session: Session, rows: Puts, put: Put) -> None:
    """Append a response's items; add the response to the rows that are sent together."""
    stored, pack = put.stored, session.packing.pack
    rows[stored.id, stored.tenant] = (
        stored.id, stored.tenant, stored.created_at, stored.previous, pack(stored.input), pack(stored.response),
        pack(stored.notes), stored.conversation, getrandbits(63), False,
    )  # fmt: skip
    if put.items:
        _step(session, (tables.MARK_USED, put.items[0]))
    for item in put.items:
        _step(session, (tables.APPEND, item))


def _put_all(session: Session, rows: Puts) -> None:
    every = [*rows.values()]
    for start in range(0, len(every), _MAX_ROWS):
        session.insert(tables.PUT, every[start : start + _MAX_ROWS])
    rows.clear()


def _replace(session: Session, values: Row, old: bytes | None) -> bool:
    if old is None:
        return bool(_step(session, (tables.ADD_VALUE, values)))
    session.execute(tables.GET_VALUE, values)
    for (found,) in session.rows():
        if session.packing.unpack(found) == old:
            # Another writer may have replaced it since: the packed bytes are compared again, with the row locked.
            return bool(_step(session, (tables.REPLACE_VALUE, {**values, "found": found})))
    return False


def _delete(session: Session, values: Row) -> int | None:
    """Delete a response; return how many were erased; None: it does not exist."""
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

"""The tables of background runs in a SQL store, and their statements.

A run is one row beside its response, with the lease of the worker that makes it. A statement that writes for a run
finds it only while that worker has the lease and the run has not ended, so a worker that was taken for dead can change
nothing. The events of a streamed run are rows of frames, as they were written together.
"""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Insert,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)

from adapter.store.base import StoredEvents, StoredRun
from adapter.store.tables import metadata

runs: Final = Table(
    "runs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Float, nullable=False),
    Column("streamed", Boolean, nullable=False),
    Column("last", Integer, nullable=False),
    Column("ended", Float),
)

run_events: Final = Table(
    "run_events",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("run", String(64), primary_key=True),
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
    Column("over", Boolean, nullable=False),
    Column("frames", LargeBinary, nullable=False),
)

_going_on: Final = runs.c.ended.is_(None)
_replayable: Final = and_(runs.c.ended.is_not(None), runs.c.last >= literal_column("0"))
Index("runs_going_on", runs.c.holder, sqlite_where=_going_on)
Index("runs_replayable", runs.c.ended, sqlite_where=_replayable)

_ID: Final = bindparam("response_id", type_=String)
_TENANT: Final = bindparam("of_tenant", type_=String)
_HOLDER: Final = bindparam("of_holder", type_=String)
_UNTIL: Final = bindparam("new_until", type_=Float)
_BEFORE: Final = bindparam("before", type_=Float)

_the_run: Final = and_(runs.c.id == _ID, runs.c.tenant == _TENANT)
_its_events: Final = and_(run_events.c.run == _ID, run_events.c.tenant == _TENANT)
_old: Final = and_(_replayable, runs.c.ended <= _BEFORE)

BEGIN: Final = insert(runs)
GET_RUN: Final = select(*[runs.c[name] for name in StoredRun.__struct_fields__]).where(_the_run)
ADVANCE: Final = (
    update(runs)
    .where(_the_run, _going_on, runs.c.holder == _HOLDER)
    .values(last=bindparam("new_last", type_=Integer), ended=bindparam("new_ended", type_=Float))
)
GET_EVENTS: Final = (
    select(*[run_events.c[name] for name in StoredEvents.__struct_fields__])
    .where(_its_events, run_events.c.last > bindparam("after", type_=Integer))
    .order_by(run_events.c.first)
)
TAKE: Final = (
    update(runs)
    .where(_the_run, _going_on, runs.c.until <= bindparam("expired_by", type_=Float))
    .values(holder=_HOLDER, until=_UNTIL)
)
PROLONG: Final = update(runs).where(_going_on, runs.c.holder == _HOLDER).values(until=_UNTIL)
HELD: Final = select(runs.c.tenant, runs.c.id).where(_going_on, runs.c.holder == _HOLDER)
DELETE_RUN: Final = delete(runs).where(_the_run)
DELETE_EVENTS: Final = delete(run_events).where(_its_events)
FORGET_EVENTS: Final = delete(run_events).where(
    tuple_(run_events.c.tenant, run_events.c.run).in_(select(runs.c.tenant, runs.c.id).where(_old))
)
FORGET_LAST: Final = update(runs).where(_old).values(last=literal_column("-1"))


def add_events(insert: Callable[[Table], Any]) -> Insert:
    """Return the statement that keeps events; trying again after an unclear failure keeps them once."""
    statement: Insert = insert(run_events).on_conflict_do_nothing()
    return statement


def advance(run: StoredRun) -> dict[str, Any]:
    """Return the values of ADVANCE."""
    return {
        "response_id": run.id,
        "of_tenant": run.tenant,
        "of_holder": run.holder,
        "new_last": run.last,
        "new_ended": run.ended,
    }

"""The statements by which a SQL store is pruned and counted.

Responses are looked through from the oldest on, page by page, in the order of the primary key: ids of this program
begin with the time (`translators/ids.py`), so no index by time has to be kept with each put. Looking takes no lock, and
what is found is erased a few at a time, if it still can be.
"""

from typing import Any, Final

from sqlalchemy import (
    Float,
    Integer,
    Select,
    String,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    union,
)

from adapter.store.run_tables import run_events, runs
from adapter.store.tables import (
    Statement,
    conversation_items,
    conversations,
    erased,
    remembered,
    responses,
    schema_version,
)

PAGE: Final = 500
"""Responses, or conversations, that are looked at together."""
BATCH: Final = 50
"""Chains, or conversations, that are erased together; writers wait that long."""

_BEFORE: Final = bindparam("before", type_=Float)
_ID: Final = bindparam("response_id", type_=String)
_TENANT: Final = bindparam("of_tenant", type_=String)

_other: Final = responses.alias("other")
_continued: Final = exists().where(_other.c.previous == responses.c.id, _other.c.tenant == responses.c.tenant)
_being_made: Final = exists().where(
    runs.c.id == responses.c.id, runs.c.tenant == responses.c.tenant, runs.c.ended.is_(None), runs.c.until >= _BEFORE
)
_old: Final = responses.c.created_at < _BEFORE

LOOK: Final = (
    select(
        responses.c.id,
        responses.c.tenant,
        _old,
        and_(or_(_old, responses.c.deleted), ~_continued, ~_being_made),
    )
    .where(tuple_(responses.c.id, responses.c.tenant) > tuple_(_ID, _TENANT))
    .order_by(responses.c.id, responses.c.tenant)
    .limit(literal_column(str(PAGE), Integer))
    .offset(literal_column("0", Integer))
)
"""The next page: whether each is old, and whether it can be erased."""

_erasable: Final = and_(or_(_old, responses.c.deleted), ~_being_made)
UNNEEDED: Final = select(erased(_erasable).c.id)
"""What can be erased of a chain, beginning with its newest."""
ERASE: Final[tuple[Statement, ...]] = (
    delete(responses).where(responses.c.id == _ID, responses.c.tenant == _TENANT),
    delete(runs).where(runs.c.id == _ID, runs.c.tenant == _TENANT),
    delete(run_events).where(run_events.c.run == _ID, run_events.c.tenant == _TENANT),
)

_unused: Final = conversations.c.used_at < _BEFORE
UNUSED: Final = (
    select(conversations.c.id, conversations.c.tenant)
    .where(_unused)
    .limit(literal_column(str(PAGE), Integer))
    .offset(literal_column("0", Integer))
)
DELETE_UNUSED: Final = delete(conversations).where(
    conversations.c.id == _ID, conversations.c.tenant == _TENANT, _unused
)
FORGET_EXPIRED: Final = delete(remembered).where(remembered.c.until <= bindparam("now", type_=Float))


def _count(table: Table, *values: str, time: str | None = None) -> Select[Any]:
    """Return the query for how many rows a table has, their bytes, and the first and the last time."""
    size = sum((func.length(table.c[name]) for name in values), literal_column("0", Integer))
    first, last = (func.min(table.c[time]), func.max(table.c[time])) if time else (null(), null())
    return select(func.count(), func.coalesce(func.sum(size), literal_column("0", Integer)), first, last).select_from(
        table
    )


COUNTS: Final = {
    "responses": _count(responses, "input", "response", "notes", time="created_at"),
    "conversations": _count(conversations, "metadata", time="created_at"),
    "items": _count(conversation_items, "json"),
    "runs": _count(runs),
    "events": _count(run_events, "frames"),
    "values": _count(remembered, "value"),
}
_tenants: Final = union(select(responses.c.tenant), select(conversations.c.tenant)).subquery()
TENANTS: Final = select(func.count()).select_from(_tenants)
GOING_ON: Final = select(func.count()).select_from(runs).where(runs.c.ended.is_(None))
GET_SCHEMA_VERSION: Final = select(schema_version.c.version)

"""The statements by which a SQL store is pruned and counted.

Responses are looked through from the oldest on, page by page, in the order of the primary key: ids of this program
begin with the time (`translators/responses/ids.py`), so no index by time has to be kept with each put. Looking takes no
lock, and what is found is erased a few at a time, if it still can be.
"""

from typing import Final

from adapter.store.sql.tables import erased

PAGE: Final = 500
"""Responses, or conversations, that are looked at together."""
BATCH: Final = 50
"""Chains, or conversations, that are erased together; writers wait that long."""

_OLD: Final = "responses.created_at < :before"
_BEING_MADE: Final = """EXISTS (
        SELECT 1 FROM runs
        WHERE runs.id = responses.id AND runs.tenant = responses.tenant AND runs.ended IS NULL AND runs.until >= :before
    )"""
_CONTINUED: Final = """EXISTS (
        SELECT 1 FROM responses AS other WHERE other.previous = responses.id AND other.tenant = responses.tenant
    )"""
_ERASABLE: Final = f"({_OLD} OR responses.deleted) AND NOT {_BEING_MADE}"

LOOK: Final = f"""
    SELECT id, tenant, {_OLD}, {_ERASABLE} AND NOT {_CONTINUED}
    FROM responses WHERE (id, tenant) > (:response_id, :of_tenant) ORDER BY id, tenant LIMIT {PAGE}
"""
"""The next page: whether each is old, and whether it can be erased."""
UNNEEDED: Final = f"{erased(_ERASABLE)} SELECT id FROM erased"
"""What can be erased of a chain, beginning with its newest."""
ERASE: Final = (
    "DELETE FROM responses WHERE id = :response_id AND tenant = :of_tenant",
    "DELETE FROM runs WHERE id = :response_id AND tenant = :of_tenant",
    "DELETE FROM run_events WHERE run = :response_id AND tenant = :of_tenant",
)

UNUSED: Final = f"SELECT id, tenant FROM conversations WHERE used_at < :before LIMIT {PAGE}"
DELETE_UNUSED: Final = "DELETE FROM conversations WHERE id = :response_id AND tenant = :of_tenant AND used_at < :before"
FORGET_EXPIRED: Final = "DELETE FROM remembered WHERE until <= :now"


def _count(table: str, size: str, first: str = "NULL", last: str = "NULL") -> str:
    """Return the query for how many rows a table has, their bytes, and the first and the last time."""
    return f"SELECT COUNT(*), COALESCE(SUM({size}), 0), {first}, {last} FROM {table}"


COUNTS: Final = {
    "responses": _count(
        "responses", "LENGTH(input) + LENGTH(response) + LENGTH(notes)", "MIN(created_at)", "MAX(created_at)"
    ),
    "conversations": _count("conversations", "LENGTH(metadata)", "MIN(created_at)", "MAX(created_at)"),
    "items": _count("conversation_items", "LENGTH(json)"),
    "runs": _count("runs", "0"),
    "events": _count("run_events", "LENGTH(frames)"),
    "values": _count("remembered", "LENGTH(value)"),
}
TENANTS: Final = "SELECT COUNT(*) FROM (SELECT tenant FROM responses UNION SELECT tenant FROM conversations) AS tenants"
GOING_ON: Final = "SELECT COUNT(*) FROM runs WHERE ended IS NULL"

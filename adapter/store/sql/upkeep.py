"""The statements that prune and count a SQL store.

Pruning pages through the responses from the oldest on, in the order of the primary key: ids begin with the time
(`translators/responses/ids.py`), so no put pays for an index by time. Paging takes no lock; what it finds is erased a
few at a time, after checking again that it can be.
"""

from typing import Final

from adapter.store.sql.tables import erased

PAGE: Final = 500
"""Responses, or conversations, that one query looks at: few queries for a large store, and rows without blobs."""
BATCH: Final = 50
"""Chains, or conversations, erased in one transaction, which the writes of clients wait for."""

_OLD: Final = "responses.created_at < :before"
_RUNNING: Final = """EXISTS (
        SELECT 1 FROM runs
        WHERE runs.id = responses.id AND runs.tenant = responses.tenant AND runs.ended IS NULL AND runs.until >= :before
    )"""
_CONTINUED: Final = """EXISTS (
        SELECT 1 FROM responses AS other WHERE other.previous = responses.id AND other.tenant = responses.tenant
    )"""
_ERASABLE: Final = f"({_OLD} OR responses.deleted) AND NOT {_RUNNING}"

NEXT_PAGE: Final = f"""
    SELECT id, tenant, {_OLD}, {_ERASABLE} AND NOT {_CONTINUED}
    FROM responses WHERE (id, tenant) > (:response_id, :of_tenant) ORDER BY id, tenant LIMIT {PAGE}
"""
"""The next page: whether each is old, and whether it can be erased."""
UNNEEDED: Final = f"{erased(_ERASABLE)} SELECT id FROM erased"
"""The erasable end of a chain, from its newest response on."""
ERASE: Final = (
    "DELETE FROM responses WHERE id = :response_id AND tenant = :of_tenant",
    "DELETE FROM runs WHERE id = :response_id AND tenant = :of_tenant",
    "DELETE FROM run_events WHERE run = :response_id AND tenant = :of_tenant",
)

RESPONSE_SIZES: Final = f"""
    SELECT id, tenant, 0, tenant, LENGTH(input) + LENGTH(response) + LENGTH(notes)
    FROM responses WHERE (id, tenant) > (:key_1, :key_2) ORDER BY id, tenant LIMIT {PAGE}
"""
ITEM_SIZES: Final = f"""
    SELECT tenant, conversation, position, tenant, LENGTH(json)
    FROM conversation_items WHERE (tenant, conversation, position) > (:key_1, :key_2, :key_3)
    ORDER BY tenant, conversation, position LIMIT {PAGE}
"""
"""The next page of each: its key, its tenant, its size."""

UNUSED_CONVERSATIONS: Final = f"SELECT id, tenant FROM conversations WHERE used_at < :before LIMIT {PAGE}"
DELETE_UNUSED: Final = "DELETE FROM conversations WHERE id = :response_id AND tenant = :of_tenant AND used_at < :before"
DELETE_EXPIRED_VALUES: Final = "DELETE FROM remembered WHERE until <= :now"


def _count(table: str, size: str, first: str = "NULL", last: str = "NULL") -> str:
    """Return the query for the number of rows of a table, their bytes, and the first and the last time."""
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
RUNNING: Final = "SELECT COUNT(*) FROM runs WHERE ended IS NULL"

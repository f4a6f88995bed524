"""The statements that read and change responses, conversations and the service's own values in a SQL store.

A response is one row. `deleted` marks a response that was deleted while others continue it: its row stays for their
chains and is erased with the last of them. `version` is drawn at random at each put, so that a cache can tell a later
snapshot from its own. A conversation is one row, and one more for each item; its lease is part of the row, and is taken
by an UPDATE that finds it free or expired. `input`, `response` and `notes` of a response are packed (`packing.py`), and
`json` of an item. Every statement compares the tenant on every row it touches. The SQL is the
common subset of SQLite and PostgreSQL, with parameters as `:name`; `migrations.py` has the tables.
"""

from collections.abc import Sequence
from typing import Any, Final

from adapter.store.base import StoredConversation, StoredResponse

_COLUMNS: Final = ", ".join(f"responses.{name}" for name in StoredResponse.__struct_fields__)
_PRESENT: Final = "id = :response_id AND tenant = :of_tenant AND NOT deleted"

_PUT_COLUMNS: Final = (*StoredResponse.__struct_fields__, "version", "deleted")
PUT: Final = f"""
    INSERT INTO responses ({", ".join(_PUT_COLUMNS)}) VALUES {{rows}}
    ON CONFLICT (id, tenant) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _PUT_COLUMNS if name not in ("id", "tenant"))}
"""
"""For `Session.insert`; a row is the fields of a `StoredResponse`, its version, and False."""
GET: Final = f"SELECT {_COLUMNS} FROM responses WHERE {_PRESENT}"
"""Its row, and those of CHAIN without the depth, are read by `to_response`."""
GET_VERSION: Final = f"SELECT version FROM responses WHERE {_PRESENT}"
CHAIN: Final = f"""
    WITH RECURSIVE chain (id, previous, depth) AS (
        SELECT id, previous, 0 FROM responses WHERE {_PRESENT}
        UNION ALL
        SELECT responses.id, responses.previous, chain.depth + 1 FROM responses, chain
        WHERE responses.id = chain.previous AND responses.tenant = :of_tenant
    )
    SELECT {_COLUMNS}, chain.depth FROM responses, chain
    WHERE responses.id = chain.id AND responses.tenant = :of_tenant
"""
"""A response and all that it continues, the newest at depth 0.

Only ids go through the recursion: with the blobs in it, long inputs cost at least twice as much.
"""
MARK_DELETED: Final = f"UPDATE responses SET deleted = TRUE WHERE {_PRESENT}"


def erased(erasable: str) -> str:
    """Return the CTE `erased`: an erasable response that nothing continues, and its ancestors that only it needs.

    `erasable` is a condition on a row of `responses`.
    """
    return f"""
    WITH RECURSIVE erased (id, previous) AS (
        SELECT id, previous FROM responses
        WHERE id = :response_id AND tenant = :of_tenant AND {erasable} AND NOT EXISTS (
            SELECT 1 FROM responses AS other WHERE other.previous = responses.id AND other.tenant = :of_tenant
        )
        UNION ALL
        SELECT responses.id, responses.previous FROM responses, erased
        WHERE responses.id = erased.previous AND responses.tenant = :of_tenant AND {erasable} AND NOT EXISTS (
            SELECT 1 FROM responses AS other
            WHERE other.previous = responses.id AND other.tenant = :of_tenant AND other.id <> erased.id
        )
    )"""


ERASE: Final = f"""{erased("responses.deleted")}
    DELETE FROM responses WHERE tenant = :of_tenant AND id IN (SELECT id FROM erased)
"""
REWRITE: Final = "UPDATE schema_version SET version = version"
"""Writes a page with what it had, and fails when other writes would."""

_THE_CONVERSATION: Final = "id = :response_id AND tenant = :of_tenant"
_ITS_ITEMS: Final = "conversation = :response_id AND tenant = :of_tenant"

PUT_CONVERSATION: Final = """
    INSERT INTO conversations (id, tenant, created_at, metadata, used_at)
    VALUES (:id, :tenant, :created_at, :metadata, :used_at)
    ON CONFLICT (id, tenant) DO UPDATE SET metadata = excluded.metadata, used_at = excluded.used_at
"""
GET_CONVERSATION: Final = (
    f"SELECT {', '.join(StoredConversation.__struct_fields__)} FROM conversations WHERE {_THE_CONVERSATION}"
)
GET_ITEMS: Final = f"SELECT id, json FROM conversation_items WHERE {_ITS_ITEMS} ORDER BY position"
DELETE_CONVERSATION: Final = f"DELETE FROM conversations WHERE {_THE_CONVERSATION}"
DELETE_ITEMS: Final = f"DELETE FROM conversation_items WHERE {_ITS_ITEMS}"
DELETE_ITEM: Final = f"DELETE FROM conversation_items WHERE {_ITS_ITEMS} AND id = :item_id"
TAKE_LEASE: Final = f"""
    UPDATE conversations SET lease_holder = :holder, lease_until = :until, used_at = :now
    WHERE {_THE_CONVERSATION} AND (lease_until IS NULL OR lease_until <= :now OR lease_holder = :holder)
"""
RELEASE_LEASE: Final = f"""
    UPDATE conversations SET lease_holder = NULL, lease_until = NULL
    WHERE {_THE_CONVERSATION} AND lease_holder = :holder
"""
LEASED_UNTIL: Final = f"SELECT COALESCE(lease_until, 0.0) FROM conversations WHERE {_THE_CONVERSATION}"
MARK_USED: Final = f"UPDATE conversations SET used_at = :now WHERE {_THE_CONVERSATION}"
"""Precedes APPEND: where rows are locked one by one, it serialises the appends to one conversation."""
APPEND: Final = f"""
    INSERT INTO conversation_items (tenant, conversation, position, id, json)
    SELECT
        tenant, id, (SELECT COALESCE(MAX(position), -1) + 1 FROM conversation_items WHERE {_ITS_ITEMS}),
        :item_id, :json
    FROM conversations WHERE {_THE_CONVERSATION}
"""
"""Adds an item at the end; changes nothing if there is no such conversation."""

SET_VALUE: Final = """
    INSERT INTO remembered (key, until, value) VALUES (:key, :until, :value)
    ON CONFLICT (key) DO UPDATE SET until = excluded.until, value = excluded.value
"""
ADD_VALUE: Final = f"{SET_VALUE} WHERE remembered.until <= :now"
"""Changes nothing if there is a value that has not expired."""
GET_VALUE: Final = "SELECT value FROM remembered WHERE key = :key AND until > :now"
REPLACE_VALUE: Final = "UPDATE remembered SET until = :until, value = :value WHERE key = :key AND value = :found"
GET_VALUES: Final = "SELECT key, value FROM remembered WHERE SUBSTR(key, 1, :length) = :prefix AND until > :now"
DELETE_VALUES: Final = "DELETE FROM remembered WHERE SUBSTR(key, 1, :length) = :prefix"


def to_response(row: Sequence[Any]) -> StoredResponse:
    """Return the response of a row whose columns are `_COLUMNS`, which are the fields in their order."""
    return StoredResponse(*row)


def prefix_values(prefix: str) -> dict[str, Any]:
    """Return the parameters of GET_VALUES and DELETE_VALUES."""
    return {"prefix": prefix, "length": len(prefix)}


def row_key(id: str, tenant: str) -> dict[str, str]:
    """Return the parameters that name a row: the id of a response, a conversation or a run, and its tenant."""
    return {"response_id": id, "of_tenant": tenant}

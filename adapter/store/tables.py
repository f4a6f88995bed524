"""The tables of a SQL store, and the statements that read and change them.

Responses are one row each. `deleted` marks a response that was taken away while others continue it: its row stays for
their chains and is erased with the last of them. `version` is drawn anew at each put, so that a cache can tell a later
snapshot from the one it holds. A conversation is a row, and one more for each of its items; its lease is in the row,
and only a statement that finds it free or over takes it. Every statement compares the tenant on every row it touches,
but for `remembered`: what the service keeps for itself, a few rows.
The SQL is what SQLite and PostgreSQL have in common; a change of the tables raises VERSION (see migrations.py).
"""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Delete,
    Float,
    Index,
    Insert,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    true,
    update,
)

from adapter.store.base import StoredConversation, StoredResponse

Statement = Select[Any] | Insert | Update | Delete

VERSION: Final = 3
"""Version of the tables, kept in the database."""

metadata: Final = MetaData()

schema_version: Final = Table("schema_version", metadata, Column("version", Integer, nullable=False))

responses: Final = Table(
    "responses",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("previous", String(64)),
    Column("version", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    # Last, because SQLite reads its way through a long value to what lies behind it.
    Column("input", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("notes", LargeBinary, nullable=False),
    Column("conversation", String(64)),
)

conversations: Final = Table(
    "conversations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("metadata", LargeBinary, nullable=False),
    Column("lease_holder", String(64)),
    Column("lease_until", Float),
    Column("used_at", Float, nullable=False, server_default="0"),
)

conversation_items: Final = Table(
    "conversation_items",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("conversation", String(64), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False),  # a client's own may be long
    Column("json", LargeBinary, nullable=False),
)

remembered: Final = Table(
    "remembered",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("until", Float, nullable=False),
    Column("value", LargeBinary, nullable=False),
)

JSON_COLUMNS: Final = ("input", "response", "notes")
"""They hold what `packing` makes of the JSON, as `json` of an item does."""

_continued: Final = responses.c.previous.is_not(None)
Index("responses_previous", responses.c.previous, sqlite_where=_continued)

_ID: Final = bindparam("response_id", type_=String)
_TENANT: Final = bindparam("of_tenant", type_=String)
_COLUMNS: Final = [responses.c[name] for name in StoredResponse.__struct_fields__]

_present: Final = and_(responses.c.id == _ID, responses.c.tenant == _TENANT, responses.c.deleted.is_(false()))

GET: Final = select(*_COLUMNS).where(_present)
GET_VERSION: Final = select(responses.c.version).where(_present)
MARK_DELETED: Final = update(responses).where(_present).values(deleted=true())
CHANGE_NOTHING: Final = update(schema_version).where(false()).values(version=schema_version.c.version)
"""Needs all that a write needs."""


_the_conversation: Final = and_(conversations.c.id == _ID, conversations.c.tenant == _TENANT)
_its_items: Final = and_(conversation_items.c.conversation == _ID, conversation_items.c.tenant == _TENANT)
_NOW: Final = bindparam("now", type_=Float)
_HOLDER: Final = bindparam("holder", type_=String)

GET_CONVERSATION: Final = select(*[conversations.c[name] for name in StoredConversation.__struct_fields__]).where(
    _the_conversation
)
GET_ITEMS: Final = (
    select(conversation_items.c.id, conversation_items.c.json).where(_its_items).order_by(conversation_items.c.position)
)
DELETE_CONVERSATION: Final = delete(conversations).where(_the_conversation)
DELETE_ITEMS: Final = delete(conversation_items).where(_its_items)
DELETE_ITEM: Final = delete(conversation_items).where(
    _its_items, conversation_items.c.id == bindparam("item_id", type_=String)
)
LEASE: Final = (
    update(conversations)
    .where(
        _the_conversation,
        or_(
            conversations.c.lease_until.is_(None),
            conversations.c.lease_until <= _NOW,
            conversations.c.lease_holder == _HOLDER,
        ),
    )
    .values(lease_holder=_HOLDER, lease_until=bindparam("until", type_=Float), used_at=_NOW)
)
RELEASE: Final = (
    update(conversations)
    .where(_the_conversation, conversations.c.lease_holder == _HOLDER)
    .values(lease_holder=null(), lease_until=null())
)
USE: Final = update(conversations).where(_the_conversation).values(used_at=_NOW)
"""Goes before APPEND: where rows are locked one by one, it makes those wait that append to the same conversation."""
APPEND: Final = insert(conversation_items).from_select(
    ["tenant", "conversation", "position", "id", "json"],
    select(
        conversations.c.tenant,
        conversations.c.id,
        select(func.coalesce(func.max(conversation_items.c.position), literal_column("-1")) + literal_column("1"))
        .where(_its_items)
        .scalar_subquery(),
        bindparam("item_id", type_=String),
        bindparam("json", type_=LargeBinary),
    ).where(_the_conversation),
)
"""Puts an item behind the others; changes nothing where there is no such conversation."""


def upsert_conversation(insert: Callable[[Table], Any]) -> Insert:
    """Return the statement that keeps a conversation or replaces its metadata."""
    statement = insert(conversations).values(
        {name: bindparam(name) for name in (*StoredConversation.__struct_fields__, "used_at")}
    )
    upsert: Insert = statement.on_conflict_do_update(
        index_elements=list(conversations.primary_key),
        set_={name: statement.excluded[name] for name in ("metadata", "used_at")},
    )
    return upsert


_begins_so: Final = func.substr(remembered.c.key, literal_column("1"), bindparam("length", type_=Integer)) == bindparam(
    "prefix", type_=String
)

REMEMBERED: Final = select(remembered.c.key, remembered.c.value).where(_begins_so, remembered.c.until > _NOW)
FORGET: Final = delete(remembered).where(_begins_so)


def remember(insert: Callable[[Table], Any]) -> Insert:
    """Return the statement that keeps a value of the service's own, or replaces it."""
    statement = insert(remembered)
    upsert: Insert = statement.on_conflict_do_update(
        index_elements=["key"], set_={name: statement.excluded[name] for name in ("until", "value")}
    )
    return upsert


def beginning(prefix: str) -> dict[str, Any]:
    """Return what REMEMBERED and FORGET take."""
    return {"prefix": prefix, "length": len(prefix)}


def values(id: str, tenant: str) -> dict[str, str]:
    """Return what the statements take."""
    return {"response_id": id, "of_tenant": tenant}


def upsert(insert: Callable[[Table], Any]) -> Insert:
    """Return the statement that keeps a response or replaces it, built by a dialect's own `insert`."""
    statement = insert(responses)
    replaced = [column.name for column in responses.c if not column.primary_key]
    upsert: Insert = statement.on_conflict_do_update(
        index_elements=list(responses.primary_key), set_={name: statement.excluded[name] for name in replaced}
    )
    return upsert


def _chain() -> Select[Any]:
    """Return the query for a response and all that it continues, newest at depth 0.

    Only ids go through the recursion: carrying the blobs along at least doubled the cost for long inputs.
    """
    newest = select(responses.c.id, responses.c.previous, literal_column("0", Integer).label("depth")).where(_present)
    chain = newest.cte("chain", recursive=True)
    chain = chain.union_all(
        select(responses.c.id, responses.c.previous, chain.c.depth + literal_column("1", Integer)).where(
            responses.c.id == chain.c.previous, responses.c.tenant == _TENANT
        )
    )
    return select(*_COLUMNS, chain.c.depth).where(responses.c.id == chain.c.id, responses.c.tenant == _TENANT)


def erased(erasable: ColumnElement[bool]) -> CTE:
    """Return the ids of a response that is erasable and not continued, and of those behind it that none else needs."""
    other = responses.alias("other")
    continued = and_(other.c.previous == responses.c.id, other.c.tenant == _TENANT)
    first = select(responses.c.id, responses.c.previous).where(
        responses.c.id == _ID, responses.c.tenant == _TENANT, erasable, ~exists().where(continued)
    )
    erased = first.cte("erased", recursive=True)
    return erased.union_all(
        select(responses.c.id, responses.c.previous).where(
            responses.c.id == erased.c.previous,
            responses.c.tenant == _TENANT,
            erasable,
            ~exists().where(continued, other.c.id != erased.c.id),
        )
    )


CHAIN: Final = _chain()
ERASE: Final = delete(responses).where(
    responses.c.tenant == _TENANT, responses.c.id.in_(select(erased(responses.c.deleted).c.id))
)

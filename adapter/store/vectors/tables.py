"""The tables of vector stores, and the statements on them, in the SQL that SQLite and PostgreSQL share.

What differs, the index by terms, is in `sqlite.py` and `postgres.py`. A term begins with the number of its vector
store, so that each has an index of its own inside the one that all share.
"""

from collections.abc import Iterable
from typing import Final

from adapter.store.vectors.values import StoredBatch, StoredVectorFile, StoredVectorStore

CREATE: Final = (
    """CREATE TABLE vector_stores (
        number {number}, id VARCHAR(64) NOT NULL, tenant VARCHAR(64) NOT NULL,
        created_at BIGINT NOT NULL, used_at FLOAT NOT NULL, name VARCHAR NOT NULL, description VARCHAR NOT NULL,
        metadata {bytes} NOT NULL, expires_days INTEGER, deleted BOOLEAN NOT NULL,
        UNIQUE (tenant, id)
    )""",
    """CREATE TABLE vector_files (
        store BIGINT NOT NULL, file VARCHAR(64) NOT NULL, tenant VARCHAR(64) NOT NULL, created_at BIGINT NOT NULL,
        attributes {bytes} NOT NULL, chunk_tokens INTEGER NOT NULL, overlap_tokens INTEGER NOT NULL,
        auto BOOLEAN NOT NULL, batch VARCHAR(64) NOT NULL, status VARCHAR(16) NOT NULL,
        error_code VARCHAR(32) NOT NULL, error_message VARCHAR NOT NULL, bytes BIGINT NOT NULL,
        chunks INTEGER NOT NULL, words BIGINT NOT NULL, holder VARCHAR(64) NOT NULL, until FLOAT NOT NULL,
        PRIMARY KEY (store, file)
    )""",
    "CREATE INDEX vector_files_by_file ON vector_files (tenant, file)",
    "CREATE INDEX vector_files_due ON vector_files (until) WHERE status = 'in_progress'",
    """CREATE TABLE file_batches (
        id VARCHAR(64) NOT NULL, tenant VARCHAR(64) NOT NULL, store BIGINT NOT NULL, created_at BIGINT NOT NULL,
        cancelled BOOLEAN NOT NULL,
        PRIMARY KEY (tenant, id)
    )""",
)

_STORE: Final = ", ".join(StoredVectorStore.__struct_fields__)
_FILE: Final = ", ".join(StoredVectorFile.__struct_fields__)
_BATCH: Final = ", ".join(StoredBatch.__struct_fields__)
_THE_STORE: Final = "tenant = :of_tenant AND id = :of_id AND NOT deleted"
_THE_FILE: Final = "store = :of_store AND file = :of_file"


def _parameters(names: Iterable[str]) -> str:
    return ", ".join(f":{name}" for name in names)


_NEW_STORE: Final = [name for name in StoredVectorStore.__struct_fields__ if name != "number"]
CREATE_STORE: Final = f"""
    INSERT INTO vector_stores ({", ".join(_NEW_STORE)}, deleted) VALUES ({_parameters(_NEW_STORE)}, FALSE)
"""
GET_STORE: Final = f"SELECT {_STORE} FROM vector_stores WHERE {_THE_STORE}"
UPDATE_STORE: Final = f"""
    UPDATE vector_stores SET name = :name, description = :description, metadata = :metadata,
        expires_days = :expires_days, used_at = :used_at
    WHERE {_THE_STORE}
"""
MARK_USED: Final = f"UPDATE vector_stores SET used_at = :now WHERE {_THE_STORE} AND used_at < :now"
HIDE_STORE: Final = f"UPDATE vector_stores SET deleted = TRUE WHERE {_THE_STORE}"
HIDE_UNUSED: Final = "UPDATE vector_stores SET deleted = TRUE WHERE used_at < :before AND NOT deleted"
EXPIRED: Final = """
    SELECT number, tenant, id FROM vector_stores
    WHERE NOT deleted AND expires_days IS NOT NULL AND used_at + expires_days * 86400 <= :now
        AND EXISTS (SELECT 1 FROM vector_files WHERE vector_files.store = vector_stores.number)
    LIMIT 100
"""
DELETED: Final = "SELECT number, tenant, id FROM vector_stores WHERE deleted LIMIT 100"
ERASE_STORE: Final = (
    "DELETE FROM file_batches WHERE tenant = :of_tenant AND store = :of_store",
    "DELETE FROM vector_stores WHERE tenant = :of_tenant AND id = :of_id AND deleted",
)

COUNT: Final = """
    SELECT status, COUNT(*), COALESCE(SUM(bytes), 0) FROM vector_files
    WHERE store = :of_store AND (:of_batch = '' OR batch = :of_batch) GROUP BY status
"""
TOTALS: Final = """
    SELECT COALESCE(SUM(chunks), 0), COALESCE(SUM(words), 0) FROM vector_files
    WHERE store = :of_store AND status = 'completed'
"""
ADD_FILE: Final = f"""
    INSERT INTO vector_files ({_FILE}) VALUES ({_parameters(StoredVectorFile.__struct_fields__)})
    ON CONFLICT (store, file) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in StoredVectorFile.__struct_fields__[3:])}
"""
GET_FILE: Final = f"SELECT {_FILE} FROM vector_files WHERE {_THE_FILE}"
ATTRIBUTES: Final = "SELECT file, attributes FROM vector_files WHERE store = :of_store AND status = 'completed'"
SET_ATTRIBUTES: Final = f"UPDATE vector_files SET attributes = :attributes WHERE {_THE_FILE}"
CANCEL_FILE: Final = f"UPDATE vector_files SET status = 'cancelled' WHERE {_THE_FILE}"
REMOVE_FILE: Final = f"DELETE FROM vector_files WHERE {_THE_FILE}"
FILES_OF: Final = "SELECT file FROM vector_files WHERE store = :of_store LIMIT 100"
STORES_OF: Final = "SELECT store FROM vector_files WHERE tenant = :of_tenant AND file = :of_file"

CREATE_BATCH: Final = f"""
    INSERT INTO file_batches ({_BATCH}) VALUES ({_parameters(StoredBatch.__struct_fields__)})
"""
GET_BATCH: Final = f"SELECT {_BATCH} FROM file_batches WHERE tenant = :of_tenant AND id = :of_id AND store = :of_store"
CANCEL_BATCH: Final = (
    "UPDATE file_batches SET cancelled = TRUE WHERE tenant = :of_tenant AND id = :of_id",
    """UPDATE vector_files SET status = 'cancelled'
        WHERE store = :of_store AND batch = :of_id AND status = 'in_progress'""",
)

DUE: Final = f"""
    SELECT {_FILE} FROM vector_files WHERE status = 'in_progress' AND until <= :now ORDER BY until LIMIT 10
"""
TAKE: Final = f"""
    UPDATE vector_files SET holder = :holder, until = :new_until
    WHERE {_THE_FILE} AND status = 'in_progress' AND until <= :now
"""
RENEW: Final = f"""
    UPDATE vector_files SET until = :new_until
    WHERE {_THE_FILE} AND status = 'in_progress' AND holder = :holder
"""
HAS_LEASE: Final = f"""
    UPDATE vector_files SET until = until WHERE {_THE_FILE} AND status = 'in_progress' AND holder = :holder
"""
FINISH: Final = f"""
    UPDATE vector_files SET status = :status, error_code = :error_code, error_message = :error_message,
        bytes = :bytes, chunks = :chunks, words = :words, until = 0
    WHERE {_THE_FILE} AND status = 'in_progress' AND holder = :holder
"""
LAST_CHUNK: Final = "SELECT MAX(number) FROM chunks WHERE store = :of_store AND file = :of_file"
TEXTS: Final = "SELECT text FROM chunks WHERE store = :of_store AND file = :of_file ORDER BY number"

USAGE: Final = "SELECT tenant, COUNT(*), COALESCE(SUM(bytes), 0) FROM vector_files GROUP BY tenant"
COUNTS: Final = {
    "vector stores": "SELECT COUNT(*), 0, MIN(created_at), MAX(created_at) FROM vector_stores",
    "indexed files": "SELECT COUNT(*), COALESCE(SUM(bytes), 0), MIN(created_at), MAX(created_at) FROM vector_files",
}


def list_stores(*, after: bool, before: bool, descending: bool) -> str:
    """Return the query for a page of vector stores."""
    where = "tenant = :of_tenant AND NOT deleted"
    return _page(f"SELECT {_STORE} FROM vector_stores WHERE {where}", ("id",), "vector_stores WHERE "
                 f"{where} AND id", after=after, before=before, descending=descending)  # fmt: skip


def list_files(*, after: bool, before: bool, descending: bool) -> str:
    """Return the query for a page of the files of a vector store."""
    select = f"""SELECT {_FILE} FROM vector_files WHERE store = :of_store
        AND (:of_status = '' OR status = :of_status) AND (:of_batch = '' OR batch = :of_batch)"""
    return _page(select, ("created_at", "file"), "vector_files WHERE store = :of_store AND file",
                 after=after, before=before, descending=descending)  # fmt: skip


def _page(
    select: str, order: tuple[str, ...], among: str, *, after: bool, before: bool, descending: bool
) -> str:
    """Return a query with the bounds and the order of a page; `among`: where the row of a cursor is looked up."""
    columns, way = ", ".join(order), "DESC" if descending else "ASC"
    bounds = [
        f" AND ({columns}) {compare} (SELECT {columns} FROM {among} = :{cursor})"
        for cursor, given, compare in (
            ("after", after, "<" if descending else ">"), ("before", before, ">" if descending else "<"),
        )
        if given
    ]  # fmt: skip
    return f"{select}{''.join(bounds)} ORDER BY {', '.join(f'{column} {way}' for column in order)} LIMIT :rows"

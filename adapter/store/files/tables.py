"""The tables of files, and the statements on them, in the SQL that SQLite and PostgreSQL share.

A file is `uploading`, then `stored`, then `deleted`, which is what no request sees and a sweep erases.
"""

from typing import Final

from adapter.store.files.values import StoredFile

CREATE: Final = (
    "CREATE TABLE file_schema_version (version INTEGER NOT NULL)",
    """CREATE TABLE files (
        id VARCHAR(64) NOT NULL, tenant VARCHAR(64) NOT NULL, created_at BIGINT NOT NULL, filename VARCHAR NOT NULL,
        purpose VARCHAR(32) NOT NULL, type VARCHAR NOT NULL, bytes BIGINT NOT NULL, pieces INTEGER NOT NULL,
        expires_at BIGINT, state VARCHAR(16) NOT NULL, alive_until FLOAT NOT NULL, used_at FLOAT NOT NULL,
        PRIMARY KEY (tenant, id)
    )""",
    "CREATE INDEX files_to_sweep ON files (alive_until) WHERE state <> 'stored'",
    "CREATE INDEX files_expiring ON files (expires_at) WHERE expires_at IS NOT NULL",
    "CREATE INDEX files_by_use ON files (used_at)",
    """CREATE TABLE file_pieces (
        tenant VARCHAR(64) NOT NULL, file VARCHAR(64) NOT NULL, number INTEGER NOT NULL, data {bytes} NOT NULL,
        PRIMARY KEY (tenant, file, number)
    )""",
)
VERSION: Final = 1

_COLUMNS: Final = ", ".join(StoredFile.__struct_fields__)
_THE_FILE: Final = "tenant = :of_tenant AND id = :file_id"
_PRESENT: Final = "state = 'stored' AND (expires_at IS NULL OR expires_at > :now)"

BEGIN: Final = f"""
    INSERT INTO files ({_COLUMNS}, state, alive_until, used_at)
    VALUES ({", ".join(f":{name}" for name in StoredFile.__struct_fields__)}, 'uploading', :alive_until, :created_at)
"""
STAY_ALIVE: Final = f"UPDATE files SET alive_until = :alive_until WHERE {_THE_FILE} AND state = 'uploading'"
ADD_PIECE: Final = "INSERT INTO file_pieces (tenant, file, number, data) VALUES (:of_tenant, :file_id, :number, :data)"
COMPLETE: Final = f"""
    UPDATE files SET state = 'stored', filename = :filename, purpose = :purpose, type = :type, bytes = :bytes,
        pieces = :pieces, expires_at = :expires_at
    WHERE {_THE_FILE} AND state = 'uploading'
"""
GET: Final = f"SELECT {_COLUMNS} FROM files WHERE {_THE_FILE} AND {_PRESENT}"
GET_PIECE: Final = "SELECT data FROM file_pieces WHERE tenant = :of_tenant AND file = :file_id AND number = :number"


def _list(compare: str, order: str) -> str:
    return f"""
    SELECT {_COLUMNS} FROM files
    WHERE tenant = :of_tenant AND id {compare} :after AND {_PRESENT} AND (:purpose = '' OR purpose = :purpose)
    ORDER BY id {order} LIMIT :rows
"""


LIST: Final = {False: _list(">", "ASC"), True: _list("<", "DESC")}
"""By whether the newest comes first."""
LAST: Final = {False: "", True: "~"}
"""What all ids come behind, in either order."""

HIDE: Final = f"UPDATE files SET state = 'deleted' WHERE {_THE_FILE} AND state <> 'deleted'"
HIDE_EXPIRED: Final = "UPDATE files SET state = 'deleted' WHERE expires_at <= :now AND state = 'stored'"
HIDE_DEAD: Final = "UPDATE files SET state = 'deleted' WHERE state = 'uploading' AND alive_until <= :now"
HIDE_UNUSED: Final = """
    UPDATE files SET state = 'deleted' WHERE used_at < :before AND state = 'stored' AND NOT EXISTS (
        SELECT 1 FROM vector_files WHERE vector_files.tenant = files.tenant AND vector_files.file = files.id
    )
"""
"""A file in a vector store is used for as long as that is."""
HIDDEN: Final = "SELECT tenant, id FROM files WHERE state = 'deleted' LIMIT 100"
LAST_PIECE: Final = "SELECT MAX(number) FROM file_pieces WHERE tenant = :of_tenant AND file = :file_id"
ERASE_PIECES: Final = """
    DELETE FROM file_pieces WHERE tenant = :of_tenant AND file = :file_id AND number >= :first
"""
ERASE: Final = f"DELETE FROM files WHERE {_THE_FILE} AND state = 'deleted'"
MARK_USED: Final = f"UPDATE files SET used_at = :now WHERE {_THE_FILE} AND used_at < :before"

USAGE: Final = "SELECT tenant, COUNT(*), COALESCE(SUM(bytes), 0) FROM files GROUP BY tenant"
COUNTS: Final = {
    "files": "SELECT COUNT(*), COALESCE(SUM(bytes), 0), MIN(created_at), MAX(created_at) FROM files",
}


def file_key(id: str, tenant: str) -> dict[str, str]:
    """Return the parameters that name a file."""
    return {"file_id": id, "of_tenant": tenant}

"""What the SQL store has to know of SQLite: how to open the file, what its errors mean, how to wipe what was erased.

The file is in WAL mode: one writer and any number of readers at a time, of any process, none waiting for the other. A
commit is in the file when it returns, so the death of a process loses nothing; power loss may cost the last commits
(synchronous=NORMAL), never the file. All processes must run on the machine that has the file.
"""

import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from adapter.store import migrations
from adapter.store.tables import VERSION

_PAGE: Final = 16384
"""Bytes. Against SQLite's 4 KB, a row of 280 KB costs half, written or read, and one of 3 KB no more (measured)."""
_WIPE_PATIENCE: Final = 0.1
"""Seconds; all writers wait while a wipe waits for the readers of other processes."""

_MEANING: Final = {
    sqlite3.SQLITE_BUSY: "is locked by another process; end the one that holds it",
    sqlite3.SQLITE_LOCKED: "is locked by another process; end the one that holds it",
    sqlite3.SQLITE_READONLY: "cannot be written; check the permissions of the file and its directory",
    sqlite3.SQLITE_PERM: "cannot be opened; check the permissions of the file and its directory",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that it is a file in a directory that can be written",
    sqlite3.SQLITE_FULL: "has no room to grow; free some space on its disk",
    sqlite3.SQLITE_IOERR: "cannot be read or written; check its disk, and that there is space left",
    sqlite3.SQLITE_CORRUPT: "is damaged; put a backup in its place, or move it away to begin anew",
    sqlite3.SQLITE_NOTADB: "is not an SQLite database; give another path, or move it away to begin anew",
}
"""By primary result code: what to say of the file (https://www.sqlite.org/rescode.html)."""


class SQLiteFile:
    """One database file; `patience` is how many seconds a write waits for the other processes' writes."""

    insert = staticmethod(insert)
    writers = 1
    readers = 1
    errors: tuple[type[Exception], ...] = (sqlite3.Error, DBAPIError, OSError)

    def __init__(self, path: str, patience: float = 5.0) -> None:
        self._path = Path(path).absolute()
        self._patience = patience
        self.engine = create_engine(
            URL.create("sqlite", database=str(self._path)),
            poolclass=NullPool,
            paramstyle="named",
            # Take the write lock at the start of a transaction: a later upgrade would fail at once, without patience.
            connect_args={"isolation_level": "IMMEDIATE", "timeout": patience},
        )

    def open(self) -> Connection:
        """Return a connection, with file and tables made if they are not there.

        Tables of an earlier version are made into this one's. Raises one of `errors`, or StoreDown for a file of a
        later version.
        """
        return self._open()[0]

    def upgrade(self) -> int:
        connection, found = self._open()
        connection.close()
        return found

    def _open(self) -> tuple[Connection, int]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = self.engine.connect()
        try:
            return connection, self._set_up(connection)
        except BaseException:
            connection.close()
            raise

    def _set_up(self, connection: Connection) -> int:
        """Make what is not there; return the version that was found."""
        if self._path.stat().st_size == 0:
            self._path.chmod(0o600)  # SQLite gives the files beside it the same mode
        for pragma in (f"page_size={_PAGE}", "journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        found = migrations.version_of(connection)
        if found != VERSION:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            found = migrations.migrate(connection, "BLOB")
        connection.commit()
        return found

    def cursor(self, connection: Connection) -> DBAPICursor:
        return connection.connection.cursor()

    def lock(self, cursor: DBAPICursor) -> None:
        """One writer at a time is the rule of the file."""

    def passes(self, error: Exception) -> bool:
        return False

    def wipe(self, connection: Connection) -> None:
        """Take erased bytes out of the write-ahead log, too.

        While another process holds on to an older state, they stay there until the next wipe or until the log is
        written over.
        """
        connection.exec_driver_sql(f"PRAGMA busy_timeout={round(_WIPE_PATIENCE * 1000)}")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql(f"PRAGMA busy_timeout={round(self._patience * 1000)}")
        connection.commit()

    def explain(self, error: Exception) -> str:
        """Say what is wrong with the store and what to do about it."""
        if isinstance(error, OSError):
            return f"The store {self._path} cannot be opened: {error.strerror} ({error.filename})."
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, sqlite3.Error):
            meaning = _MEANING.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF, "failed")
            return f"The store {self._path} {meaning}. SQLite says: {cause}."
        return f"The store {self._path} cannot be used: {error}."

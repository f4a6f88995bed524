"""SQLite for the SQL store: opening the file, the meaning of errors, and wiping erased bytes.

The file is in WAL mode: one writer and any number of readers at a time, in any process, and none waits for the other. A
commit is in the file when it returns, so a process that dies loses nothing; power loss may lose the last commits
(synchronous=NORMAL), but never the file. All processes must run on the machine that has the file.
Source: SQLite docs, Write-ahead logging.
"""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from adapter.store.base import StoreDown
from adapter.store.sql.migrations import RESPONSES, Schema, migrate, version_of

_PAGE_BYTES: Final = 16384
"""Compared with SQLite's default of 4 KB, a row of 280 KB costs half to write or read, and one of 3 KB no more
(measured)."""
_TABLES_QUERY: Final = "SELECT name FROM sqlite_master"
_WIPE_TIMEOUT_SECONDS: Final = 0.1
"""How long a wipe waits for the readers of other processes; all writers wait with it."""
_MIN_FREE_BYTES: Final = 1 << 20
"""Of the disk: room for the next few requests, and for the log of the database to be written back."""
_MAX_SWITCHES_TO_WAL: Final = 20
"""As many workers may open a new file at the same moment, and each of them can be in the way once."""

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
"""Primary result code → what is wrong with the file. Source: SQLite docs, Result and error codes."""


class SQLiteFile:
    """One database file."""

    writers = 1
    readers = 1
    time_limit: float | None = None
    marker = "?"
    begin = "BEGIN IMMEDIATE"
    """Takes the write lock at once: a later upgrade would fail without patience."""
    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)

    def __init__(self, path: str, patience: float = 5.0, schema: Schema = RESPONSES) -> None:
        """`patience`: seconds that a write waits for the writes of other processes. `schema`: its tables."""
        self._schema = schema
        self._path = Path(path).absolute()
        self._name = str(self._path)
        self._patience = patience

    def sql(self, statement: str) -> str:
        return statement

    def open(self) -> sqlite3.Connection:
        """Return a connection; create file and tables if they are missing, and migrate those of an earlier version.

        Raises one of `errors`, or StoreDown for a file of a later version.
        """
        return self._open()[0]

    def upgrade(self) -> int:
        connection, found = self._open()
        connection.close()
        return found

    def _open(self) -> tuple["_Connection", int]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=self._patience, isolation_level=None, factory=_Connection)
        try:
            found = self._set_up(connection)
            connection.file = _identity(self._name)
            return connection, found
        except BaseException:
            connection.close()
            raise

    def _set_up(self, connection: sqlite3.Connection) -> int:
        """Create or migrate the tables; return the version that was found."""
        if self._path.stat().st_size == 0:
            self._path.chmod(0o600)  # SQLite gives the files beside it the same mode
        connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA secure_delete=ON")
        found = version_of(connection.cursor(), _TABLES_QUERY, self._schema)
        if found != self._schema.version:
            connection.execute(self.begin)
            found = migrate(connection.cursor(), _TABLES_QUERY, self._schema, "BLOB")
        connection.commit()
        return found

    def cursor(self, connection: sqlite3.Connection) -> sqlite3.Cursor:
        return connection.cursor()

    def is_stale(self, connection: sqlite3.Connection) -> bool:
        """Whether the file was moved, removed or replaced: SQLite would go on writing to the old one."""
        assert isinstance(connection, _Connection)
        return connection.file != _identity(self._name)

    def lock(self, cursor: sqlite3.Cursor) -> None:
        """SQLite has one writer at a time anyway."""

    def check_room(self) -> None:
        """Raise StoreDown if the disk is full, or nearly: a page that is written again may still have room."""
        with suppress(OSError):  # which opening the file explains
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < _MIN_FREE_BYTES:
                raise StoreDown(f"The store {self._path} {_MEANING[sqlite3.SQLITE_FULL]}.")

    def is_transient(self, error: Exception) -> bool:
        return False

    def wipe(self, connection: sqlite3.Connection) -> None:
        """Remove erased bytes from the write-ahead log, too.

        While another process reads an older state, they stay there until the next wipe or until the log is
        overwritten.
        """
        connection.execute(f"PRAGMA busy_timeout={round(_WIPE_TIMEOUT_SECONDS * 1000)}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute(f"PRAGMA busy_timeout={round(self._patience * 1000)}")
        connection.commit()

    def explain(self, error: Exception) -> str:
        """Return a message that says what is wrong and what to do about it."""
        if isinstance(error, OSError):
            advice = " Check that it belongs to the user of the server." if isinstance(error, PermissionError) else ""
            return f"The store {self._path} cannot be opened: {error.strerror} ({error.filename}).{advice}"
        if isinstance(error, sqlite3.Error):
            meaning = _MEANING.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "failed")
            return f"The store {self._path} {meaning}. SQLite says: {error}."
        return f"The store {self._path} cannot be used: {error}."


class _Connection(sqlite3.Connection):
    file: tuple[int, int] | None = None
    """The identity of the file that was opened."""


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Put the file into WAL mode. Unlike a transaction, the switch does not wait for another process that does it."""
    for _ in range(_MAX_SWITCHES_TO_WAL):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        connection.execute("BEGIN IMMEDIATE")  # waits
        connection.rollback()
    connection.execute("PRAGMA journal_mode=WAL")


def _identity(path: str) -> tuple[int, int] | None:
    """Return device and inode of a file; None: there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino

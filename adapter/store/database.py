"""What one kind of SQL database does in its own way; tables and statements are the same for all."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.engine.interfaces import DBAPICursor

from adapter.store.packing import Packing
from adapter.store.tables import Statement

_ATTEMPTS: Final = 4


class Database(Protocol):
    engine: Engine
    """With a paramstyle that takes values by name."""
    errors: tuple[type[Exception], ...]
    """What its driver raises when it cannot do its work; never a mistake of ours."""

    writers: int
    """How many connections write, and how many read, at most."""
    readers: int

    def insert(self, table: Table, /) -> Any:
        """Return the dialect's INSERT, which knows ON CONFLICT."""

    def open(self) -> Connection:
        """Return a connection to a database that has the tables."""

    def upgrade(self) -> int:
        """Make the tables those of this version; return the version that was found."""

    def cursor(self, connection: Connection) -> DBAPICursor:
        """Return a cursor of the driver's own."""

    def lock(self, cursor: DBAPICursor) -> None:
        """Let nobody else erase anything until this transaction ends."""

    def wipe(self, connection: Connection) -> None:
        """Make unreadable what was erased, where that takes more than DELETE."""

    def passes(self, error: Exception) -> bool:
        """Tell whether the same work would probably be done on a new connection, at once."""

    def explain(self, error: Exception) -> str:
        """Say what is wrong and what to do about it."""


def sql(database: Database, statement: Statement) -> str:
    """Return a statement in the words of a database, for its driver."""
    return str(statement.compile(dialect=database.engine.dialect))


class Session:
    """What one thread has for itself: a connection that is replaced when it is lost, its cursor, a workspace."""

    def __init__(self, database: Database, *, commits_each: bool = False) -> None:
        """`commits_each` makes every statement a transaction of its own."""
        self._database = database
        self._level = {"isolation_level": "AUTOCOMMIT"} if commits_each else {}
        self.packing = Packing()
        self._connect()

    def _connect(self) -> None:
        self.connection = self._database.open().execution_options(**self._level)
        self.cursor: DBAPICursor = self._database.cursor(self.connection)

    def attempt(self, work: Callable[[], None]) -> None:
        """Do what leaves nothing behind before a commit; again, on a new connection, after an error that passes."""
        for left in range(_ATTEMPTS)[::-1]:
            try:
                work()
            except Exception as error:
                if not left or not self._database.passes(error):
                    raise
                self.close()
                self._connect()
            else:
                break

    def commit(self) -> None:
        self.connection.connection.commit()

    def close(self) -> None:
        with suppress(Exception):  # either may be past closing
            self.cursor.close()  # SQLite keeps a file open, and its locks, as long as a cursor is
        with suppress(Exception):
            self.connection.close()

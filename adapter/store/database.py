"""What one kind of SQL database does in its own way; tables and statements are the same for all."""

from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.engine.interfaces import DBAPICursor

from adapter.store.packing import Packing
from adapter.store.tables import Statement


class Database(Protocol):
    engine: Engine
    """With a paramstyle that takes values by name."""
    errors: tuple[type[Exception], ...]
    """What its driver raises when it cannot do its work; never a mistake of ours."""

    def insert(self, table: Table, /) -> Any:
        """Return the dialect's INSERT, which knows ON CONFLICT."""

    def open(self) -> Connection:
        """Return a connection to a database that has the tables."""

    def upgrade(self) -> int:
        """Make the tables those of this version; return the version that was found."""

    def wipe(self, connection: Connection) -> None:
        """Make unreadable what was erased, where that takes more than DELETE."""

    def explain(self, error: Exception) -> str:
        """Say what is wrong and what to do about it."""


def sql(database: Database, statement: Statement) -> str:
    """Return a statement in the words of a database, for its driver."""
    return str(statement.compile(dialect=database.engine.dialect))


class Session:
    """What one thread has for itself while it is connected."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.cursor: DBAPICursor = connection.connection.cursor()
        self.packing = Packing()

    def commit(self) -> None:
        self.connection.connection.commit()

    def close(self) -> None:
        try:
            self.cursor.close()  # SQLite keeps a file open, and its locks, as long as one of these is
        finally:
            self.connection.close()

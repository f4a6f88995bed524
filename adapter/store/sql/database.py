"""What one kind of SQL database does in its own way; tables and statements are the same for all."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from adapter.store.packing import Packing

_ATTEMPTS: Final = 4


class Database(Protocol):
    """Connections and cursors are the driver's own (PEP 249)."""

    errors: tuple[type[Exception], ...]
    """What its driver raises when it cannot do its work; never a mistake of ours."""

    writers: int
    """How many connections write, and how many read, at most."""
    readers: int
    time_limit: float | None
    """Seconds after which a caller goes without an answer; None where the driver never waits that long."""

    def sql(self, statement: str) -> str:
        """Return a statement with its values, which are `:name`, marked as the driver wants them."""

    def open(self, *, commits_each: bool) -> Any:
        """Return a connection to a database that has the tables.

        `commits_each` makes every statement a transaction of its own.
        """

    def cursor(self, connection: Any) -> Any:
        """Return a cursor."""

    def is_stale(self, connection: Any) -> bool:
        """Tell whether a connection, which works, leads to something that nobody else will find any more."""

    def upgrade(self) -> int:
        """Make the tables those of this version; return the version that was found."""

    def lock(self, cursor: Any) -> None:
        """Let nobody else erase anything until this transaction ends."""

    def wipe(self, connection: Any) -> None:
        """Make unreadable what was erased, where that takes more than DELETE."""

    def passes(self, error: Exception) -> bool:
        """Tell whether the same work would probably be done on a new connection, at once."""

    def explain(self, error: Exception) -> str:
        """Say what is wrong and what to do about it."""


class Session:
    """What one thread has for itself: a connection that is replaced when it is lost, its cursor, a workspace."""

    def __init__(self, database: Database, *, commits_each: bool = False) -> None:
        self._database = database
        self._commits_each = commits_each
        self.packing = Packing()
        self._connect()

    def _connect(self) -> None:
        self._connection = self._database.open(commits_each=self._commits_each)
        self._cursor = self._database.cursor(self._connection)

    def execute(self, statement: str, values: Mapping[str, Any]) -> int:
        """Do a statement; return how many rows it changed."""
        self._cursor.execute(self._database.sql(statement), values)
        count: int = self._cursor.rowcount
        return count

    def execute_each(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Do a statement with each of several sets of values."""
        self._cursor.executemany(self._database.sql(statement), rows)

    def rows(self) -> list[Any]:
        """Return what the last statement found."""
        found: list[Any] = self._cursor.fetchall()
        return found

    def lock(self) -> None:
        self._database.lock(self._cursor)

    def wipe(self) -> None:
        self._database.wipe(self._connection)

    def attempt(self, work: Callable[[], None]) -> None:
        """Do what leaves nothing behind before a commit; again, on a new connection, after an error that passes."""
        if self._database.is_stale(self._connection):
            self.close()
            self._connect()
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
        self._connection.commit()

    def close(self) -> None:
        with suppress(Exception):  # either may be past closing
            self._cursor.close()  # SQLite keeps a file open, and its locks, as long as a cursor is
        with suppress(Exception):
            self._connection.close()

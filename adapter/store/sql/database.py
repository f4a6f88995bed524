"""What differs between SQL databases; tables and statements are the same for all."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from typing import Any, Final, Protocol

from adapter.store.packing import Packing

_MAX_ATTEMPTS: Final = 4
"""Of the same work: a deadlock, and then a server that fails over, may each cost one; more would delay the error."""


class Database(Protocol):
    """One kind of database. Connections and cursors are the driver's own (PEP 249)."""

    errors: tuple[type[Exception], ...]
    """Errors of the driver when the database cannot do its work; never a bug of this program."""

    writers: int
    """Maximum number of connections that write; `readers`: that read."""
    readers: int
    time_limit: float | None
    """Seconds after which a call fails without an answer; None: the driver's own limits are shorter."""

    marker: str
    """A parameter without a name, in the style of the driver."""
    begin: str
    """The statement that begins a transaction that writes."""

    def sql(self, statement: str) -> str:
        """Return a statement with its parameters, written `:name`, in the style of the driver."""

    def open(self) -> Any:
        """Return a connection to a database that has the tables; outside a transaction each statement is one."""

    def cursor(self, connection: Any) -> Any:
        """Return a cursor."""

    def is_stale(self, connection: Any) -> bool:
        """Whether a working connection leads to a database that was moved or replaced."""

    def upgrade(self) -> int:
        """Migrate the tables to this version; return the version that was found."""

    def lock(self, cursor: Any) -> None:
        """Keep other transactions from erasing anything until this one ends."""

    def wipe(self, connection: Any) -> None:
        """Remove erased bytes from the disk, where DELETE does not."""

    def check_room(self) -> None:
        """Raise StoreDown if the database can be seen to have no room to grow."""

    def is_transient(self, error: Exception) -> bool:
        """Whether the same work would probably succeed on a new connection, at once."""

    def explain(self, error: Exception) -> str:
        """Return a message that says what is wrong and what to do about it."""


class Session:
    """The connection of one thread, which is replaced when it is lost, with its cursor and its packing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.packing = Packing()
        self._connect()

    def _connect(self) -> None:
        self._connection = self._database.open()
        self._cursor = self._database.cursor(self._connection)

    def execute(self, statement: str, values: Mapping[str, Any]) -> int:
        """Execute a statement; return how many rows it changed."""
        self._cursor.execute(self._database.sql(statement), values)
        count: int = self._cursor.rowcount
        return count

    def execute_each(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute a statement with each of several sets of values."""
        self._cursor.executemany(self._database.sql(statement), rows)

    def insert(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement once for several rows, which take the place of `{rows}` in it."""
        sql = _for_rows(statement, self._database.marker, len(rows), len(rows[0]))
        self._cursor.execute(sql, [*chain.from_iterable(rows)])

    def rows(self) -> list[Any]:
        """Return the rows of the last statement."""
        found: list[Any] = self._cursor.fetchall()
        return found

    def begin(self) -> None:
        self._cursor.execute(self._database.begin)

    def lock(self) -> None:
        self._database.lock(self._cursor)

    def wipe(self) -> None:
        self._database.wipe(self._connection)

    def attempt(self, work: Callable[[], None]) -> None:
        """Do work that has no effect before a commit, or the same if done twice.

        After a transient error it is repeated on a new connection.
        """
        if self._database.is_stale(self._connection):
            self.close()
            self._connect()
        for left in range(_MAX_ATTEMPTS)[::-1]:
            try:
                work()
            except Exception as error:
                if not left or not self._database.is_transient(error):
                    raise
                self.close()
                self._connect()
            else:
                break

    def commit(self) -> None:
        self._connection.commit()

    def close(self) -> None:
        with suppress(Exception):  # the connection may be lost
            self._cursor.close()  # SQLite keeps a file and its locks open as long as a cursor is
        with suppress(Exception):
            self._connection.close()


@lru_cache
def _for_rows(statement: str, marker: str, rows: int, columns: int) -> str:
    row = f"({', '.join([marker] * columns)})"
    return statement.format(rows=", ".join([row] * rows))

"""PostgreSQL for the SQL store: connecting, locking, and the meaning of errors.

Rows are locked one by one, so several connections write at a time, from any number of machines. Erasing takes one
advisory lock, since it decides by other rows than those it deletes, and so does creating the tables; the lock is
released with the transaction. Calls block their native thread: nothing here is cooperative, and nothing may run in the
thread of the event loop. Source: PostgreSQL docs, Explicit locking.
"""

import os
import re
import sys
from functools import cache
from importlib.util import find_spec
from typing import Any, Final

import gevent
from gevent import monkey
from gevent.resolver.blocking import Resolver

from adapter.settings.store_url import POSTGRESQL_FORM, without_password
from adapter.store.base import StoreDown
from adapter.store.sql.migrations import RESPONSES, Schema, migrate, version_of

if "psycopg" not in sys.modules and (find_spec("psycopg_binary") or find_spec("psycopg_c")):
    # In a gevent worker, psycopg would wait through one event loop for each thread; its C function just blocks.
    os.environ.setdefault("PSYCOPG_WAIT_FUNC", "wait_c")

import psycopg
from psycopg.conninfo import conninfo_to_dict

_ADVISORY_LOCK: Final = 0x7265_7370_6F6E_7365
"""Key of the advisory lock for erasing and for creating tables: "response" in ASCII, which no other program uses."""
_SERVER_OPTIONS: Final = (
    "-c default_transaction_isolation=read\\ committed -c statement_timeout=30s "
    "-c idle_in_transaction_session_timeout=60s -c jit=off -c enable_seqscan=off"
)
"""Every statement is a search in an index: JIT compilation would only cost time, and without statistics the planner
would scan a table that it takes for small. A statement or transaction that takes this long is stuck."""
_CONNECTION: Final = {
    "application_name": "responses-adapter",
    "connect_timeout": "5",
    # A server that has vanished without closing its connections is noticed within half a minute.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""Parameters of each connection, unless the URL sets them. Source: PostgreSQL docs, Parameter key words."""

_MEANING: Final = {
    "08": "cannot be reached; check that its server runs and that the address is right",
    "25006": "can only be read; connect to the primary server",
    "28": "does not let this user in; check user and password",
    "3D": "is not there; create the database",
    "3F": "has no schema to work in; create the one of its search_path, and grant its use to this user",
    "42501": "does not let this user work; grant it the right to create tables, or to use those that are there",
    "53100": "has no room to grow; free some space on its disk",
    "53300": "takes no further connection; raise its max_connections, or run fewer workers",
    "55P03": "is locked by another session; end that session",
    "57014": "took too long; look for what slows its server down",
    "57P0": "is being started or stopped",
}
"""Beginning of an SQLSTATE → what is wrong with the database. Source: PostgreSQL docs, Error codes."""
_TRANSIENT: Final = ("08", "25006", "40001", "40P01", "57P0")
"""Lost connections, a server that failed over, and the victim of two transactions that met."""


_TABLES_QUERY: Final = "SELECT relname::text FROM pg_class WHERE relname = '{}' AND pg_table_is_visible(oid)"
_PARAMETER: Final = re.compile(r"(?<!:):(\w+)")

_Connection = psycopg.Connection[tuple[Any, ...]]
_Cursor = psycopg.Cursor[tuple[Any, ...]]


class PostgreSQL:
    """One database."""

    errors: tuple[type[Exception], ...] = (psycopg.Error, OSError)
    marker = "%s"
    begin = "BEGIN"

    def __init__(
        self, url: str, time_limit: float = 40.0, schema: Schema = RESPONSES, *, writers: int = 2, readers: int = 4
    ) -> None:
        """Raise ValueError for a URL that libpq cannot read. `time_limit` (seconds) exceeds the server's own limits.

        `schema`: the tables that are worked with.
        """
        self._schema = schema
        self.writers = writers
        self.readers = readers
        self._names = _TABLES_QUERY.format(schema.version_table)
        self.time_limit: float | None = time_limit
        try:
            at = conninfo_to_dict(f"postgresql:{url.partition(':')[2]}")
        except psycopg.ProgrammingError:
            raise ValueError(POSTGRESQL_FORM) from None
        at["options"] = f"{_SERVER_OPTIONS} {at.get('options', '')}"
        self._at: dict[str, Any] = {**_CONNECTION, **at}
        self._shown = without_password(url.partition("?")[0])

    @staticmethod
    @cache
    def sql(statement: str) -> str:
        return _PARAMETER.sub(r"%(\1)s", statement)

    def open(self) -> _Connection:
        """Return a connection; raise one of `errors`, or StoreDown for tables of another version.

        Creates the tables in an empty database.
        """
        connection, found = self._open(migrates=False)
        if found != self._schema.version:
            connection.close()
            raise StoreDown(
                f"its tables have version {found} and this program works with version {self._schema.version}; "
                "stop what uses them and run `responses-adapter store upgrade`"
            )
        connection.autocommit = True
        return connection

    def upgrade(self) -> int:
        connection, found = self._open(migrates=True)
        connection.close()
        return found

    def _open(self, *, migrates: bool) -> tuple[_Connection, int]:
        """Return a connection and the version that was found."""
        _resolve_in_this_thread()
        connection = psycopg.connect(**self._at)
        try:
            cursor = connection.cursor()
            found = version_of(cursor, self._names, self._schema)
            if found is None or (migrates and found != self._schema.version):
                cursor.execute("SET LOCAL statement_timeout = 0")
                self.lock(cursor)
                found = migrate(cursor, self._names, self._schema, "BYTEA")
            connection.commit()
            return connection, found
        except BaseException:
            connection.close()
            raise

    def cursor(self, connection: _Connection) -> _Cursor:
        return connection.cursor(binary=True)

    def is_stale(self, connection: _Connection) -> bool:
        return False

    def lock(self, cursor: _Cursor) -> None:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")

    def wipe(self, connection: _Connection) -> None:
        """The server does it by itself (VACUUM)."""

    def check_room(self) -> None:
        """The server stops by itself when its disk is full."""

    def is_transient(self, error: Exception) -> bool:
        state = _state(error)
        return state is not None and state.startswith(_TRANSIENT)

    def explain(self, error: Exception) -> str:
        """Return a message that says what is wrong and what to do about it, without the password."""
        state = _state(error)
        if state is None:
            return f"The store {self._shown} cannot be used: {error}."
        meaning = next((meaning for begins, meaning in _MEANING.items() if state.startswith(begins)), "failed")
        says = " ".join(str(error).split())
        return f"The store {self._shown} {meaning}. PostgreSQL says: {says}"


def _state(error: Exception) -> str | None:
    """Return the SQLSTATE of a driver's error; None: it is no error of the driver.

    An operational error without a state means that the connection failed (08000).
    """
    if isinstance(error, psycopg.Error):
        lost = "08000" if isinstance(error, psycopg.OperationalError) else "XX000"
        return error.sqlstate or lost
    return None


def _resolve_in_this_thread() -> None:
    """Resolve host names in this thread; gevent would start another one for it."""
    if monkey.is_module_patched("socket"):
        hub = gevent.get_hub()
        hub.resolver = Resolver(hub)

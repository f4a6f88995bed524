"""The threads of one database: reads and writes, each in a native thread with a connection of its own.

Neither the event loop nor a reader waits for a write lock. All waiting writes become one transaction (group commit),
and each caller continues only when it is committed. An error costs the connection. Work that can be repeated safely is
repeated on a new one; otherwise the callers get the error, and the next call opens a new connection: it works again as
soon as the database does.
"""

import time
from typing import Any, Final

from adapter.event_loop.native_threads import Job, NativeThreads
from adapter.store.base import StoreDown
from adapter.store.sql.database import Database, Session
from adapter.store.sql.writes import Query, Write, write
from adapter.telemetry.catalog import STORE_ERRORS, STORE_SECONDS

_MAX_BATCH: Final = 256
"""Writes in one transaction: by then the cost of the commit is spread, and no caller waits long for the others."""


class DatabaseThreads:
    """Executes queries and writes; raises StoreDown with a message for the operator. Nothing is opened before that."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._errors: tuple[type[Exception], ...] = (*database.errors, StoreDown)
        self._writers = NativeThreads[Session, Write](
            lambda: Session(database),
            write,
            threads=database.writers,
            batch=_MAX_BATCH,
            time_limit=database.time_limit,
        )
        self._readers = NativeThreads[Session, Query](
            lambda: Session(database),
            _read,
            threads=database.readers,
            batch=1,
            time_limit=database.time_limit,
        )

    def read(self, query: Query) -> list[Any]:
        """Return the rows that a query finds."""
        rows: list[Any] = self._do(self._readers, query, "read")
        return rows

    def write(self, request: Write) -> Any:
        """Return the answer to a write (`writes.py`) when it is committed."""
        return self._do(self._writers, request, "write")

    def upgrade(self) -> int:
        """Migrate the tables to this version; return the version that was found."""
        try:
            return self._database.upgrade()
        except self._errors as error:
            raise StoreDown(self._database.explain(error)) from error

    def check_room(self) -> None:
        self._database.check_room()

    def close(self) -> None:
        """Close the connections, after the work that callers wait for."""
        self._writers.close()
        self._readers.close()

    def _do(self, threads: NativeThreads[Session, Any], request: Query | Write, operation: str) -> Any:
        began = time.perf_counter()
        try:
            return threads.do(request)
        except self._errors as error:
            STORE_ERRORS.add((operation,))
            raise StoreDown(self._database.explain(error)) from error
        finally:
            STORE_SECONDS.observe(time.perf_counter() - began, (operation,))


def _read(session: Session, jobs: list[Job[Query]]) -> None:
    """Execute queries, in a thread that reads."""

    def read() -> None:
        unpack = session.packing.unpack
        for job in jobs:
            session.execute(job.request.sql, job.request.values)
            rows = session.rows()
            if job.request.packed:
                rows = [[unpack(value) if isinstance(value, bytes) else value for value in row] for row in rows]
            job.answer = rows

    session.attempt(read)

"""The file of recordings that the workers of a machine share: a ring, the oldest recordings make room for new ones.

It is a SQLite file in the directory that the master makes, which only this user can read, in memory where the system
has such a place; it goes with the directory at the end of the server, or at the next start. Each change of a recording
gives its row a new revision, by which readers find what has changed.
"""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from adapter.telemetry.inspector.packing import Part, compress, mask_tokens, pack, unpack
from adapter.telemetry.inspector.recording import Head, Taken
from translators.wire import Decoder

MAX_RECORDINGS: Final = 5000
MAX_AGE: Final = 24 * 3600.0
"""Seconds."""
_TRIM_SECONDS: Final = 10.0
_TRIMMED_SHARE: Final = 16
"""The ring is trimmed after so long, or when a worker has written this part of it."""
_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS recordings (
        rev INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, at REAL, bytes INTEGER, head BLOB
    );
    CREATE TABLE IF NOT EXISTS contents (id TEXT, part INTEGER, data BLOB, PRIMARY KEY (id, part));
    CREATE TABLE IF NOT EXISTS workers (pid INTEGER PRIMARY KEY, at REAL, state BLOB);
"""
_SIZES: Final = """
    SELECT (SELECT COUNT(*) FROM recordings), (page_count - freelist_count) * page_size
    FROM pragma_page_count, pragma_freelist_count, pragma_page_size
"""

_FIRST_TO_STAY: Final = """
    WITH oldest AS (SELECT rev, at, bytes FROM recordings ORDER BY rev LIMIT 1000),
    counted AS (
        SELECT rev, at, ROW_NUMBER() OVER earlier AS number, SUM(bytes) OVER earlier - bytes AS size
        FROM oldest WINDOW earlier AS (ORDER BY rev)
    )
    SELECT COALESCE(MIN(CASE WHEN number > ? AND size >= ? AND at >= ? THEN rev END), MAX(rev) + 1) FROM counted
"""
"""Of the oldest: only they are looked at, each time. The bound is that of the file, which is larger than its rows."""
_ROWS: Final = 100
"""Of one statement."""

read_head: Final = Decoder(Head).decode


class Mask(Protocol):
    """Returns data without the server's secrets, and without the keys of callers; None is no key."""

    def __call__(self, data: bytes, bearers: Iterable[str | None]) -> bytes: ...


class Listed(Struct, frozen=True):
    """A recording without its contents."""

    rev: int
    head: Head


class Spool:
    """One connection to the file; of the thread that opens it."""

    def __init__(self, connection: sqlite3.Connection, max_bytes: int, mask: Mask) -> None:
        self._connection = connection
        self._max_bytes = max_bytes
        self._mask = mask
        self._next_trim = 0.0
        self._untrimmed = 0
        """Bytes written since the ring was trimmed."""

    def write(self, taken: Sequence[Taken]) -> None:
        """Write what has been taken of recordings, and make room for it."""
        rows, parts = [], []
        full = [one for one in taken if one.contents is not None]
        for one, data in zip(full, compress(map(self._pack, full)), strict=True):
            one.recording.stored += len(data)
            parts.append((one.recording.head.id, one.part, data))
        bearers = {one.recording.bearer for one in taken}
        heads = mask_tokens(self._mask(b"\n".join([one.head for one in taken]), bearers))  # all at once is quicker
        for one, head in zip(taken, heads.split(b"\n"), strict=True):
            recording = one.recording
            rows.append((recording.head.id, recording.head.at, len(one.head) + recording.stored, head))
        with self._connection as connection:
            _insert(connection, "recordings (id, at, bytes, head)", rows)
            _insert(connection, "contents", parts)
        self._untrimmed += sum(len(head) for *_, head in rows) + sum(len(data) for *_, data in parts)
        self.trim()

    def _pack(self, one: Taken) -> bytes:
        assert one.contents is not None
        return pack(one.contents, partial(self._mask, bearers={one.recording.bearer}))

    def trim(self) -> None:
        """Remove what is too old, or beyond the size of the ring; now and then."""
        if time.monotonic() < self._next_trim and self._untrimmed < self._max_bytes // _TRIMMED_SHARE:
            return
        self._next_trim, self._untrimmed = time.monotonic() + _TRIM_SECONDS, 0
        with self._connection as connection:
            number, size = connection.execute(_SIZES).fetchone()
            too_many = number - MAX_RECORDINGS, size - self._max_bytes, time.time() - MAX_AGE
            first = connection.execute(_FIRST_TO_STAY, too_many).fetchone()
            connection.execute("DELETE FROM contents WHERE id IN (SELECT id FROM recordings WHERE rev < ?)", first)
            connection.execute("DELETE FROM recordings WHERE rev < ?", first)

    def write_worker(self, pid: int, state: bytes) -> None:
        """Write what a worker knows of the upstreams, as JSON; `read_workers` returns it."""
        with self._connection as connection:
            connection.execute("INSERT OR REPLACE INTO workers VALUES (?, ?, ?)", (pid, time.time(), state))
        self.trim()

    def read_workers(self, since: float) -> list[tuple[int, float, bytes]]:
        """Return the process id, the time and the state of each worker that has written since a Unix time."""
        query = "SELECT pid, at, state FROM workers WHERE at >= ? ORDER BY pid"
        return self._connection.execute(query, (since,)).fetchall()

    def revision(self) -> int:
        """Return the revision of the last change."""
        found = self._connection.execute("SELECT MAX(rev) FROM recordings").fetchone()
        return found[0] or 0

    def changed_since(self, rev: int, limit: int) -> list[Listed]:
        """Return what has changed after a revision, in order."""
        query = "SELECT rev, head FROM recordings WHERE rev > ? ORDER BY rev LIMIT ?"
        return _listed(self._connection.execute(query, (rev, limit)))

    def latest(self, limit: int) -> list[Listed]:
        """Return the recordings that began last, the newest first."""
        query = "SELECT rev, head FROM recordings ORDER BY at DESC LIMIT ?"
        return _listed(self._connection.execute(query, (limit,)))

    def find(self, id: str) -> Listed | None:
        """Return the recording with an id, or the last one of the response with that id; None: there is none."""
        found = _listed(self._connection.execute("SELECT rev, head FROM recordings WHERE id = ?", (id,)))
        if not found and id.startswith("resp_"):
            query = "SELECT rev, head FROM recordings WHERE instr(head, ?) ORDER BY rev DESC"
            cursor = self._connection.execute(query, (f'"response_id":"{id}"'.encode(),))
            found = [one for one in _listed(cursor) if one.head.response_id == id][:1]
        return found[0] if found else None

    def read_contents(self, id: str) -> Part:
        """Return the contents of a recording, as far as there are any."""
        query = "SELECT data FROM contents WHERE id = ? ORDER BY part"
        return unpack(data for (data,) in self._connection.execute(query, (id,)))

    def close(self) -> None:
        self._connection.close()


def open_spool(path: Path, max_bytes: int, mask: Mask) -> Spool:
    """Open the file; create it if it is missing."""
    connection = sqlite3.connect(path, timeout=5.0, isolation_level="IMMEDIATE")
    try:
        path.chmod(0o600)
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "secure_delete=ON", "journal_size_limit=4194304"):
            connection.execute(f"PRAGMA {pragma}")
        with suppress(sqlite3.OperationalError):  # another worker creates them at this moment
            connection.executescript(_TABLES)
    except BaseException:
        connection.close()
        raise
    return Spool(connection, max_bytes, mask)


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows with few statements: after each the event loop's thread runs, and this one waits for its turn."""
    for at in range(0, len(rows), _ROWS):
        some = rows[at : at + _ROWS]
        places = ", ".join([f"({', '.join('?' * len(some[0]))})"] * len(some))
        connection.execute(f"INSERT OR REPLACE INTO {table} VALUES {places}", list(chain.from_iterable(some)))


def _listed(rows: Iterable[tuple[int, bytes]]) -> list[Listed]:
    return [Listed(rev, read_head(head)) for rev, head in rows]

"""The file of recordings that the workers of a machine share: a ring, the oldest recordings make room for new ones.

It is a SQLite file in the directory that the master makes, which only this user can read, in memory where the system
has such a place; it goes with the directory at the end of the server, or at the next start. Each change of a recording
has a new revision, by which readers find what has changed.

Recordings of exchanges that are over before they are written share a row; none of it changes, and it goes as a whole.
One that is written while its exchange is in progress has a row for itself, which each change replaces, so that it does
not become old, and its contents in parts.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct

from adapter.telemetry.inspector.heads import Head, Origin, begin_of_line
from adapter.telemetry.inspector.packing import (
    CONTENTS_LEVEL,
    LINES_LEVEL,
    Group,
    Mask,
    Part,
    compress,
    decompress,
    join_parts,
    unpack,
)
from adapter.telemetry.inspector.reading import read_heads

MAX_RECORDINGS: Final = 5000
MAX_AGE: Final = 24 * 3600.0
"""Seconds."""
_TRIM_SECONDS: Final = 10.0
_TRIMMED_PART: Final = 1 / 16
"""The ring is trimmed after so long, or when a worker has written this part of its bytes, or four times as large a part
of its recordings: one that is only a head is small."""
_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS recordings (
        rev INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, number INTEGER, at REAL, bytes INTEGER,
        worker INTEGER, epoch REAL, heads BLOB, layouts BLOB, texts BLOB
    );
    CREATE TABLE IF NOT EXISTS parts (id TEXT, part INTEGER, layouts BLOB, texts BLOB, PRIMARY KEY (id, part));
    CREATE TABLE IF NOT EXISTS workers (pid INTEGER PRIMARY KEY, at REAL, state BLOB);
"""
_SIZES: Final = """
    SELECT (SELECT TOTAL(number) FROM recordings), (page_count - freelist_count) * page_size
    FROM pragma_page_count, pragma_freelist_count, pragma_page_size
"""

_FIRST_TO_STAY: Final = """
    WITH oldest AS (SELECT rev, at, number, bytes FROM recordings ORDER BY rev LIMIT 1000),
    counted AS (
        SELECT rev, at, SUM(number) OVER earlier - number AS number, SUM(bytes) OVER earlier - bytes AS size
        FROM oldest WINDOW earlier AS (ORDER BY rev)
    )
    SELECT COALESCE(MIN(CASE WHEN number >= ? AND size >= ? AND at >= ? THEN rev END), MAX(rev) + 1) FROM counted
"""
"""Of the oldest: only they are looked at, each time. The bound is that of the file, which is larger than its rows."""
_ROWS: Final = 100
"""Of one statement."""

_SELECT: Final = "SELECT rev, worker, epoch, heads FROM recordings"
Row: TypeAlias = tuple[int, int, float, bytes]
"""The revision of the last recording, the origin, and the lines of recordings."""


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
        self._untrimmed = 0.0
        """What has been written since the ring was trimmed, as a part of it."""
        self._apart: dict[str, int] = {}
        """Recordings that have been written while their exchanges were in progress, and the bytes of their parts."""

    def write(self, groups: Sequence[Group]) -> None:
        """Write groups of recordings, and make room for them."""
        mask = self._mask
        lines = compress((group.pack_lines(mask) for group in groups), LINES_LEVEL)
        with_contents = (group for group in groups if group.has_contents)
        texts = compress((data for group in with_contents for data in group.pack_contents(mask)), CONTENTS_LEVEL)
        rows: list[tuple[object, ...]] = []
        parts: list[tuple[object, ...]] = []
        for group, heads in zip(groups, lines, strict=True):
            contents = (next(texts), next(texts)) if group.has_contents else (None, None)
            size = sum(map(len, filter(None, contents)))
            self._untrimmed += max(group.number / 4 / MAX_RECORDINGS, (len(heads) + size) / self._max_bytes)
            if group.id is None:
                rows.append((None, group.number, group.at, len(heads) + size, *group.origin, heads, *contents))
                continue
            if group.has_contents:
                parts.append((group.id, group.part, *contents))
            size += self._apart.pop(group.id, 0)
            if not group.is_last:
                self._apart[group.id] = size
            rows.append((group.id, 1, group.at, len(heads) + size, *group.origin, heads, None, None))
        with self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            revs = accumulate((group.number for group in groups), initial=self.revision())
            next(revs)
            _insert(connection, "recordings", [(rev, *row) for rev, row in zip(revs, rows, strict=True)])
            _insert(connection, "parts", parts)
        self.trim()

    def trim(self) -> None:
        """Remove what is too old, or beyond the size of the ring; now and then."""
        if time.monotonic() < self._next_trim and self._untrimmed < _TRIMMED_PART:
            return
        self._next_trim, self._untrimmed = time.monotonic() + _TRIM_SECONDS, 0.0
        with self._connection as connection:
            number, size = connection.execute(_SIZES).fetchone()
            too_many = number - MAX_RECORDINGS, size - self._max_bytes, time.time() - MAX_AGE
            first = connection.execute(_FIRST_TO_STAY, too_many).fetchone()
            connection.execute("DELETE FROM parts WHERE id IN (SELECT id FROM recordings WHERE rev < ?)", first)
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
        found = self._connection.execute("SELECT seq FROM sqlite_sequence").fetchone()
        return found[0] if found else 0

    def changed_since(self, rev: int, limit: int) -> list[Listed]:
        """Return what has changed after a revision, in order."""
        query = f"{_SELECT} WHERE rev > ? ORDER BY rev LIMIT ?"
        listed = _listed(self._connection.execute(query, (rev, limit)))
        return list(islice((one for one in listed if one.rev > rev), limit))

    def latest(self, limit: int) -> list[Listed]:
        """Return the recordings that began last, the newest first."""
        rows = self._connection.execute(f"{_SELECT} ORDER BY rev")
        found = {one.head.id: one for one in _listed(rows)}
        return sorted(found.values(), key=lambda one: one.head.at, reverse=True)[:limit]

    def find(self, id: str) -> Listed | None:
        """Return the recording with an id, or the last one of the response with that id; None: there is none."""
        for row in self._rows_with(id):
            for one in reversed([*_listed([row])]):
                if id in (one.head.id, one.head.response_id):
                    return one
        return None

    def read_contents(self, id: str) -> Part:
        """Return the contents of a recording, as far as there are any."""
        parts = [*self._read_parts(id)]
        for rev, *_ in self._rows_with(id):
            query = "SELECT layouts, texts FROM recordings WHERE rev = ? AND layouts NOTNULL"
            for packed in self._connection.execute(query, (rev,)):
                parts += [part for owner, part in unpack(*packed) if owner == id]
        return join_parts(parts)

    def _rows_with(self, id: str) -> Iterator[Row]:
        """Yield the rows that may have a recording with this id, or of the response with it, the newest first."""
        member = begin_of_line(id) or f'"{id}"'.encode()
        for row in self._connection.execute(f"{_SELECT} ORDER BY rev DESC"):
            if member in decompress(row[-1]):
                yield row

    def _read_parts(self, id: str) -> Iterator[Part]:
        query = "SELECT layouts, texts FROM parts WHERE id = ? ORDER BY part"
        return (part for packed in self._connection.execute(query, (id,)) for _, part in unpack(*packed))

    def read_all_contents(self) -> Iterator[tuple[str, Part]]:
        """Yield the id and contents of recordings, those first that have changed last."""
        for id, *packed in self._connection.execute("SELECT id, layouts, texts FROM recordings ORDER BY rev DESC"):
            if id is not None:
                yield id, join_parts(self._read_parts(id))
            elif None not in packed:
                yield from unpack(*packed)

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


def _listed(rows: Iterable[Row]) -> Iterator[Listed]:
    """Yield the recordings of rows, in order; the revision of a row is that of its last one."""
    for last, worker, epoch, lines in rows:
        heads = read_heads(decompress(lines), Origin(worker, epoch))
        for rev, head in enumerate(heads, last - len(heads) + 1):
            yield Listed(rev, head)

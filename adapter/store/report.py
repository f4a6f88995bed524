"""The size of a store's contents, as a table for the terminal."""

from datetime import UTC, datetime
from typing import Final

from adapter.store.base import StoredKind, StoreStats

_HEADERS: Final = ("", "rows", "size", "oldest", "newest")
_UNITS: Final = ("B", "KB", "MB", "GB", "TB")


def report_stats(stats: StoreStats) -> list[str]:
    """Return the lines of the table."""
    rows = [_HEADERS, *(_cells(kind) for kind in stats.kinds)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADERS))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    return [*lines, "", f"tenants {stats.tenants}, runs under way {stats.running}, version {stats.version}"]


def _cells(kind: StoredKind) -> tuple[str, ...]:
    return kind.name, str(kind.rows), format_size(kind.bytes), _format_time(kind.oldest), _format_time(kind.newest)


def format_size(count: float) -> str:
    """Return a number of bytes with a decimal unit."""
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {_UNITS[-1]}"


def _format_time(at: float | None) -> str:
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"

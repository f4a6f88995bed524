"""What named keys have used, as a table for the terminal."""

from collections.abc import Iterable
from typing import Final

from adapter.store.base import KeyUsage

_HEADERS: Final = ("key", "upstream", "model", "responses", "failed", "input", "cached", "output", "reasoning")
_NAMES: Final = 3
"""Columns that are no numbers."""


def report_usage(found: Iterable[KeyUsage], *, by_day: bool) -> list[str]:
    """Return the lines of the table: one for each key, upstream and model, and with `by_day` for each day."""
    sums: dict[tuple[str, ...], KeyUsage] = {}
    for one in found:
        place = (one.day if by_day else "", one.key, one.upstream, one.model)
        sums[place] = one if place not in sums else sums[place].plus(one)
    if not sums:
        return ["No key has used anything."]
    rows = [_HEADERS, *(_cells(sums[place]) for place in sorted(sums))]
    if by_day:
        rows = [(day, *row) for day, row in zip(["day", *(place[0] for place in sorted(sums))], rows, strict=True)]
    names = _NAMES + by_day
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join([*map(str.ljust, row[:names], widths), *map(str.rjust, row[names:], widths[names:])]) for row in rows
    ]


def _cells(one: KeyUsage) -> tuple[str, ...]:
    names = (one.key, one.upstream, "".join(char if char.isprintable() else "?" for char in one.model))
    counts = (
        one.responses, one.failed, one.input_tokens, one.cached_tokens, one.output_tokens, one.reasoning_tokens,
    )  # fmt: skip
    return *names, *map(str, counts)

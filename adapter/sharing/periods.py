"""Days and months in UTC, for which keys have budgets. A day is the number of days since 1970."""

import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

_DAY_SECONDS: Final = 86400
_FIRST: Final = date(1970, 1, 1)


def utc_day(now: float | None = None) -> int:
    """Return the day of a Unix time (default: now)."""
    return int((time.time() if now is None else now) // _DAY_SECONDS)


@lru_cache(maxsize=64)
def date_of(day: int) -> date:
    return _FIRST + timedelta(days=day)


@lru_cache(maxsize=64)
def month_of(day: int) -> int:
    """Return the number of a day's month, which grows by one each month."""
    of = date_of(day)
    return of.year * 12 + of.month


def day_from(text: str) -> int:
    """Return the day of a date as 2026-11-29."""
    return (date.fromisoformat(text) - _FIRST).days


def first_of_month(day: int) -> date:
    return date_of(day).replace(day=1)


def end_of_period(day: int, *, month: bool) -> datetime:
    """Return when a day, or its month, ends."""
    last = first_of_month(day) + timedelta(days=31) if month else date_of(day + 1)
    return datetime(last.year, last.month, 1 if month else last.day, tzinfo=UTC)


def usage_since(days: int | None) -> str:
    """Return the first of so many days of which today is the last; None: the first of the month."""
    today = utc_day()
    return (first_of_month(today) if days is None else date_of(today - days + 1)).isoformat()

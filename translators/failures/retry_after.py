"""When a provider wants to be asked again, in seconds, wherever it says so.

From the surest to the vaguest: `retry-after-ms`, `retry-after` (seconds or a date), what the error itself says, the
`x-ratelimit-reset-…` of what is used up. Dates and points in time count from the answer's own `Date`, so no clock is
needed. Forms: providers reference §4.
"""

import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_DURATION: Final = re.compile(
    r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?"
)
_UNITS: Final = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_AGAIN: Final = re.compile(
    r"(?:try again|retry|wait)(?: \w{1,10}){0,2}? (?:in|after|for|at least) (?:about )?"
    r"((?:\d{1,6}(?:\.\d{1,9})?(?:ms|[dhms]))+|\d{1,6}(?:\.\d{1,9})?)\b ?(seconds?|minutes?|hours?|milliseconds?)?",
    re.I,
)
"""`Please try again in 6m0.5s`, `retry after 10 seconds`."""
_WORDS: Final = {"milli": 0.001, "second": 1.0, "minute": 60.0, "hour": 3600.0}
_POINT_IN_TIME: Final = 1e9
"""A number of seconds that is more than this counts from 1970."""


def told_wait(headers: Mapping[str, str], message: str, told: str = "") -> float | None:
    """Return the seconds to wait that an error names, None if it names none; `told` is one it gives beside its text."""
    date = _seconds_of_date(headers.get("date", ""))
    for wait in _told(headers, message, told, date):
        if wait is not None and wait > 0:
            return wait
    return None


def _told(headers: Mapping[str, str], message: str, told: str, date: float | None) -> Iterator[float | None]:
    milliseconds = _number(headers.get("retry-after-ms", ""))
    yield None if milliseconds is None else milliseconds / 1000
    yield _wait(headers.get("retry-after", ""), date)
    yield _wait(told, date)
    yield _said(message)
    used_up = [headers.get(f"x-ratelimit-reset{kind}", "") for kind in _used_up(headers)]
    yield max((wait for reset in used_up if (wait := _wait(reset, date)) is not None), default=None)
    yield _wait(headers.get("ratelimit-reset", ""), date)


def _used_up(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield the kinds of limits of which nothing is left, as far as the headers say."""
    for kind in ("", "-requests", "-tokens"):
        if headers.get(f"x-ratelimit-remaining{kind}", "0").strip() == "0":
            yield kind


def _wait(text: str, date: float | None) -> float | None:
    """Return the seconds that a header means: a number of them, a duration (`1m2.5s`), a date, a point in time."""
    text = text.strip()
    number = _number(text)
    if number is None and re.fullmatch(r"[0-9]{13}", text):
        number = int(text) / 1000
    if number is not None:
        if number < _POINT_IN_TIME:
            return number
        return None if date is None else number - date
    if (duration := _duration(text)) is not None:
        return duration
    at = _seconds_of_date(text)
    return None if at is None or date is None else at - date


def _number(text: str) -> float | None:
    return float(text) if _SECONDS.fullmatch(text) or re.fullmatch(r"[0-9]{10}", text) else None


def _duration(text: str) -> float | None:
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    return sum(float(count) * unit for count, unit in zip(found.groups(), _UNITS, strict=True) if count)


def _seconds_of_date(text: str) -> float | None:
    if len(text) > 64:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None


def _said(message: str) -> float | None:
    found = _AGAIN.search(message)
    if found is None:
        return None
    if (number := _number(found[1])) is None:
        return _duration(found[1])
    unit = (found[2] or "second").lower()
    return number * next(seconds for word, seconds in _WORDS.items() if unit.startswith(word))

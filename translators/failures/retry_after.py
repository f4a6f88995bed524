"""How long to wait before a retry, wherever the provider states it.

In order of reliability: `retry-after-ms`, `retry-after` (seconds or a date), a field of the error, the error's message,
the `x-ratelimit-reset-…` of an exhausted limit. Dates are relative to the answer's own `Date`, so no clock is needed.
Source: RFC 9110 §10.2.3; OpenAI guide, Error codes.
"""

import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_DURATION: Final = re.compile(
    r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?"
)
_DURATION_UNITS: Final = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_RETRY_PHRASE: Final = re.compile(
    r"(?:try again|retry|wait)(?: \w{1,10}){0,2}? (?:in|after|for|at least) (?:about )?"
    r"((?:\d{1,6}(?:\.\d{1,9})?(?:ms|[dhms]))+|\d{1,6}(?:\.\d{1,9})?)\b ?(seconds?|minutes?|hours?|milliseconds?)?",
    re.I,
)
"""`Please try again in 6m0.5s`, `retry after 10 seconds`."""
_UNIT_SECONDS: Final = {"milli": 0.001, "second": 1.0, "minute": 60.0, "hour": 3600.0}
_UNIX_TIME_FROM: Final = 1e9
"""Seconds; a larger number is a Unix time."""


def retry_delay(headers: Mapping[str, str], message: str, field: str = "") -> float | None:
    """Return the seconds to wait before a retry; None: the provider states none.

    `headers`: names in lower case. `field`: the delay that the error has in a field of its own.
    """
    date = _parse_date(headers.get("date", ""))
    for delay in _delays(headers, message, field, date):
        if delay is not None and delay > 0:
            return delay
    return None


def _delays(headers: Mapping[str, str], message: str, field: str, date: float | None) -> Iterator[float | None]:
    """Yield the delays stated, the most reliable first."""
    milliseconds = _parse_number(headers.get("retry-after-ms", ""))
    yield None if milliseconds is None else milliseconds / 1000
    yield _parse_delay(headers.get("retry-after", ""), date)
    yield _parse_delay(field, date)
    yield _find_delay(message)
    resets = [headers.get(f"x-ratelimit-reset{kind}", "") for kind in _exhausted_limits(headers)]
    yield max((delay for reset in resets if (delay := _parse_delay(reset, date)) is not None), default=None)
    yield _parse_delay(headers.get("ratelimit-reset", ""), date)


def _exhausted_limits(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield the suffixes of the limits that are exhausted; a limit without a `remaining` header counts as such."""
    for kind in ("", "-requests", "-tokens"):
        if headers.get(f"x-ratelimit-remaining{kind}", "0").strip() == "0":
            yield kind


def _parse_delay(text: str, date: float | None) -> float | None:
    """Return the seconds in a header: a number, a duration (`1m2.5s`), a date or a Unix time (s, ms)."""
    text = text.strip()
    number = _parse_number(text)
    if number is None and re.fullmatch(r"[0-9]{13}", text):
        number = int(text) / 1000
    if number is not None:
        if number < _UNIX_TIME_FROM:
            return number
        return None if date is None else number - date
    if (duration := _parse_duration(text)) is not None:
        return duration
    at = _parse_date(text)
    return None if at is None or date is None else at - date


def _parse_number(text: str) -> float | None:
    return float(text) if _SECONDS.fullmatch(text) or re.fullmatch(r"[0-9]{10}", text) else None


def _parse_duration(text: str) -> float | None:
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    return sum(float(count) * unit for count, unit in zip(found.groups(), _DURATION_UNITS, strict=True) if count)


def _parse_date(text: str) -> float | None:
    if len(text) > 64:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None


def _find_delay(message: str) -> float | None:
    found = _RETRY_PHRASE.search(message)
    if found is None:
        return None
    if (number := _parse_number(found[1])) is None:
        return _parse_duration(found[1])
    unit = (found[2] or "second").lower()
    return number * next(seconds for word, seconds in _UNIT_SECONDS.items() if unit.startswith(word))

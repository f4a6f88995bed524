"""What a worker knows of the health of the candidates that it asks.

A candidate is an upstream, one of its keys, and what the model is called there. A failure counts against an upstream
(nobody is there), a model there (overload), or one of its keys with that model (refused, out of rate or quota). After
FAILURES in a row, or for as long as a 429 says, it is left alone; then one request tries it again, and others wait for
what becomes of that. All this is plain data, and nothing of it is shared between workers: each finds out for itself.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import structlog
from cachetools import LRUCache

from translators.errors import UpstreamError

FAILURES: Final = 3
PAUSE: Final = 5.0
"""Seconds for which it is left alone then; twice as long after each further failure."""
LONGEST_PAUSE: Final = 60.0
LONGEST_WAIT: Final = 600.0
"""Seconds of a Retry-After that are believed."""
_MOST_TROUBLES: Final = 4096

log = structlog.get_logger()


class Candidate(NamedTuple):
    upstream: str
    model: str
    """What it is called there."""
    key: int | None
    """Which of the upstream's keys; None where it has none."""
    weight: float


class _Trouble(NamedTuple):
    """What went wrong since it last worked."""

    failures: int
    until: float
    """It is left alone until then."""


class Part(NamedTuple):
    """What a failure speaks against: an upstream, a model there, or one of the keys with it."""

    upstream: str
    model: str | None
    key: int | None

    def has(self, candidate: Candidate) -> bool:
        upstream, model, key, _ = candidate
        return self.upstream == upstream and self.model in (None, model) and self.key in (None, key)


class Health:
    """The health of all candidates."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` is in seconds from any point."""
        self._now = now
        self._troubles: LRUCache[Part, _Trouble] = LRUCache(_MOST_TROUBLES)

    def pause(self, candidate: Candidate) -> float:
        """Return the seconds for which a candidate is to be left alone; 0.0 if it may be asked."""
        if not self._troubles:
            return 0.0
        until = max((self._troubles[part].until for part in self._parts(candidate)), default=0.0)
        return max(0.0, until - self._now())

    def tries(self, candidate: Candidate) -> None:
        """Have others wait for what becomes of a candidate that was left alone."""
        for part in self._parts(candidate) if self._troubles else ():
            failures = self._troubles[part].failures
            if failures >= FAILURES:
                self._troubles[part] = _Trouble(failures, self._now() + _pause(failures))

    def works(self, candidate: Candidate) -> None:
        """Forget what was wrong with a candidate."""
        for part in self._parts(candidate) if self._troubles else ():
            del self._troubles[part]

    def fails(self, candidate: Candidate, error: UpstreamError) -> None:
        """Remember what is wrong with a candidate."""
        part = blamed(candidate, error)
        failures = self._troubles.get(part, _Trouble(0, 0.0)).failures + 1
        pause = _pause(failures) if failures >= FAILURES else 0.0
        if error.code == "insufficient_quota":
            pause = LONGEST_PAUSE
        if error.status == 429 or pause:
            pause = max(pause, min(error.retry_after or 0.0, LONGEST_WAIT))
        self._troubles[part] = _Trouble(failures, self._now() + pause)
        if pause:
            log.warning("left alone", **part._asdict(), seconds=pause)

    def _parts(self, candidate: Candidate) -> list[Part]:
        """Return the parts of a candidate that are in trouble."""
        upstream, model, key, _ = candidate
        parts = {Part(upstream, None, None), Part(upstream, model, None), Part(upstream, model, key)}
        return [part for part in parts if part in self._troubles]


def blamed(candidate: Candidate, error: UpstreamError) -> Part:
    """Return what a failure speaks against."""
    upstream, model, key, _ = candidate
    if error.status == 503 and not error.provider_status:
        return Part(upstream, None, None)  # nobody is there
    of_key = error.retry if error.status == 429 else error.status >= 500 and not error.retry
    return Part(upstream, model, key if of_key or error.code == "insufficient_quota" else None)


def _pause(failures: int) -> float:
    return min(PAUSE * 2.0 ** min(failures - FAILURES, 10), LONGEST_PAUSE)

"""A circuit breaker for candidates: what one worker knows of their health.

A candidate is an upstream, one of its keys, and the model's name there. A failure is blamed on the upstream
(unreachable), on the model there (overload), or on a key with that model (rejected, out of rate or quota). After
FAILURES in a row, or for as long as a 429 says, whatever is to blame has a cooldown. Then one request probes it, while
others wait for the outcome. Health is not shared: each worker finds out for itself, with three requests.
Source: docs/decisions/0020-routing.md.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from adapter.telemetry.logs import log
from translators.errors import UpstreamError

FAILURES: Final = 3
"""In a row, until a cooldown: a single one may be chance, and each worker has to see them for itself."""
COOLDOWN: Final = 5.0
"""Seconds after FAILURES, doubled by each further failure: short, so that a brief outage does not outlast itself."""
LONGEST_COOLDOWN: Final = 60.0
"""Seconds, so that a provider that has recovered is used again within a minute."""
LONGEST_RETRY_AFTER: Final = 600.0
"""Seconds of a Retry-After that are obeyed, so that a wrong header or a daily limit is probed again."""
_MAX_RECORDS: Final = 4096
"""Records of failures in memory; only upstreams, models and keys that fail have one."""


class Candidate(NamedTuple):
    upstream: str
    model: str
    """Its name at the upstream."""
    key: int | None
    """Index of the upstream's key; None: it has none."""
    weight: float


class _Record(NamedTuple):
    """The failures since the last success."""

    failures: int
    cooldown_end: float


class Blame(NamedTuple):
    """What a failure is blamed on: an upstream, a model there, or one of the keys with it."""

    upstream: str
    model: str | None
    key: int | None

    def covers(self, candidate: Candidate) -> bool:
        upstream, model, key, _ = candidate
        return self.upstream == upstream and self.model in (None, model) and self.key in (None, key)


class Failure(NamedTuple):
    """What the circuit breaker knows of an upstream, a model there, or one of the keys with it."""

    upstream: str
    model: str | None
    key: int | None
    failures: int
    """In a row."""
    cooldown: float
    """Seconds until it is used again."""


class Health:
    """The health of all candidates."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now`: a monotonic clock, in seconds."""
        self._now = now
        self.records: dict[Blame, _Record] = {}
        """What has failed since its last success, the last to fail at the end."""

    def cooldown(self, candidate: Candidate) -> float:
        """Return the seconds until a candidate may be used; 0.0: now."""
        if not self.records:
            return 0.0
        end = max((self.records[blame].cooldown_end for blame in self._blames(candidate)), default=0.0)
        return max(0.0, end - self._now())

    def probe(self, candidate: Candidate) -> None:
        """Let other requests wait for the outcome of this one, if the candidate's cooldown has just ended."""
        for blame in self._blames(candidate) if self.records else ():
            failures = self.records[blame].failures
            if failures >= FAILURES:
                self.records[blame] = _Record(failures, self._now() + _cooldown_after(failures))

    def record_success(self, candidate: Candidate) -> None:
        for blame in self._blames(candidate):
            del self.records[blame]

    def record_failure(self, candidate: Candidate, error: UpstreamError) -> None:
        blame = find_blame(candidate, error)
        failures = self.records.pop(blame, _Record(0, 0.0)).failures + 1
        cooldown = _cooldown_after(failures) if failures >= FAILURES else 0.0
        if error.code == "insufficient_quota":
            cooldown = LONGEST_COOLDOWN
        if error.status == 429 or cooldown:
            cooldown = max(cooldown, min(error.retry_after or 0.0, LONGEST_RETRY_AFTER))
        self.records[blame] = _Record(failures, self._now() + cooldown)
        if len(self.records) > _MAX_RECORDS:
            del self.records[next(iter(self.records))]
        if cooldown:
            log.warning("cooldown", **blame._asdict(), seconds=cooldown)

    def list_failures(self) -> list["Failure"]:
        """Return what has failed since its last success."""
        now = self._now()
        return [
            Failure(*blame, record.failures, round(max(0.0, record.cooldown_end - now), 1))
            for blame, record in self.records.items()
        ]

    def _blames(self, candidate: Candidate) -> list[Blame]:
        """Return what is on record for a candidate."""
        upstream, model, key, _ = candidate
        blames = {Blame(upstream, None, None), Blame(upstream, model, None), Blame(upstream, model, key)}
        return [blame for blame in blames if blame in self.records]


def find_blame(candidate: Candidate, error: UpstreamError) -> Blame:
    """Return what a candidate's failure is blamed on."""
    upstream, model, key, _ = candidate
    if error.is_unsent:
        return Blame(upstream, None, None)
    is_about_key = error.retry if error.status == 429 else error.status >= 500 and not error.retry
    return Blame(upstream, model, key if is_about_key or error.code == "insufficient_quota" else None)


def _cooldown_after(failures: int) -> float:
    return min(COOLDOWN * 2.0 ** min(failures - FAILURES, 10), LONGEST_COOLDOWN)

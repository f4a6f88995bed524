"""When a request that failed may be sent once more, and after how long.

A retry needs a temporary failure of which it is certain that nothing was generated: the provider has not got the
request, or it has answered 429, 502, 503, 504 or 529. Three limits keep retries from making an outage worse: how often
and for how long one request waits (`Patience`), and which share of an upstream's requests may be retries
(`RetryBudget`). Delays grow, differ at random, and are never shorter than the provider's `Retry-After`.
Source: RFC 9110 §9.2.2, §10.2.3; Google SRE book, Handling overload; docs/decisions/0034-retries.md.
"""

import random
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from translators.errors import UpstreamError

RETRIED_STATUSES: Final = frozenset({429, 502, 503, 504, 529})
"""With which a provider or its gateway says that it has not answered and may answer soon."""
FIRST_DELAY: Final = 0.25
"""Seconds before the first retry, doubled by each further one: a restarted process or a lost race is over by then."""
LONGEST_DELAY: Final = 30.0
"""Seconds, unless the provider asks for more: background responses try about that often in a long outage."""
_JITTER: Final = 0.25
"""Share of a delay that is added at random, so that clients that failed together do not return together."""
_SHARE: Final = 0.2
"""Retries for each request, as far as they are not saved up."""
_PER_SECOND: Final = 1.0
"""Retries for each second, so that an upstream with few requests has some, too, and background responses get theirs."""
_MOST_SAVED: Final = 10.0
"""Retries saved up in good times: a short outage of a busy upstream takes no more than these and the share."""


class Patience(Struct, frozen=True):
    """What one request may spend on retries."""

    retries: int
    seconds: float
    """Spent waiting, all retries together."""
    waits_for_budget: bool = False
    """It waits until the budget has a retry, instead of failing."""


def foreground(retries: int) -> Patience:
    """Return the patience of a request whose client waits: for no longer than clients do before they retry."""
    return Patience(retries, 10.0)


def background(retries: int) -> Patience:
    """Return the patience of a background response, which no client waits for: enough for the restart of a provider."""
    return Patience(4 * retries, 180.0, waits_for_budget=True)


class RetryBudget:
    """The retries of one upstream in one worker: a share of its requests, and some that are saved up."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now`: a monotonic clock, in seconds."""
        self._now = now
        self._saved = _MOST_SAVED
        self._counted: float | None = None
        self.requests = 0
        """First tries since the last retry."""

    def take(self, seconds: float) -> float | None:
        """Take a retry; return the seconds until it is due. None: it would take longer than `seconds`."""
        now = self._now()
        elapsed = 0.0 if self._counted is None else now - self._counted
        self._saved = min(_MOST_SAVED, self._saved + self.requests * _SHARE + elapsed * _PER_SECOND)
        self._counted, self.requests = now, 0
        wait = max(0.0, (1.0 - self._saved) / _PER_SECOND)
        if wait > seconds:
            return None
        self._saved -= 1.0
        return wait


def is_temporary(error: UpstreamError) -> bool:
    """Return whether the same request may be answered soon, and has certainly not been accepted."""
    if not error.retry or not error.may_send_again:
        return False
    return error.is_unsent or error.provider_status in RETRIED_STATUSES or error.status in (429, 503)


def delay_before(retries: int, error: UpstreamError) -> float:
    """Return the seconds to wait after an error, `retries` of its request having been made."""
    backoff = min(FIRST_DELAY * 2.0 ** min(retries, 10), LONGEST_DELAY)
    stated = 0.0 if error.is_unsent else error.retry_after or 0.0
    return max(backoff, stated) * random.uniform(1.0, 1.0 + _JITTER)

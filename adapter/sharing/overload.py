"""Refuses requests before a worker has so much to do that the streams inside suffer.

A worker has as much as it can take when its event loop is late two seconds in a row (`max_lag`), or when it answers as
many responses as it may (`max_responses`). While the loop is late, a growing part of the new requests is refused, at
once and before their bodies are read; the part shrinks again when the loop is in time. Clients retry, and may reach
another worker. What is inside goes on.
"""

from collections.abc import Mapping
from typing import Any, Final

from adapter.sharing.shares import SERVER_FULL, NoRoom
from adapter.telemetry.logs import log

_GROWTH: Final = 0.25
"""Of the refused part, each time that the loop is late."""
_DECLINE: Final = 0.125
"""Slower than it grows, so that the load comes back bit by bit."""
_RETRY_SECONDS: Final = 2.0


class Overloaded(NoRoom):
    """A request is refused because this worker has too much to do."""

    def __init__(self, load: str, state: str) -> None:
        """`load`: of what it has too much, lag or responses."""
        self.load = load
        super().__init__(
            f"This server {state} at the moment. Please try again later.",
            status=503, code=SERVER_FULL, retry_after=_RETRY_SECONDS,
        )  # fmt: skip


class Overload:
    """Knows how loaded this worker is."""

    def __init__(self, *, max_lag: float, max_responses: int, responses: Mapping[Any, float]) -> None:
        """`max_lag`: seconds; 0: any. `responses`: how many are being answered now, of each kind."""
        self._responses = responses
        self._max_lag = max_lag
        self._max_responses = max_responses
        self._was_late = False
        self._refused_part = 0.0
        self._due = 0.0
        """Parts of requests that are to be refused; at 1 the next one is."""

    def observe_lag(self, lag: float) -> None:
        """Observe how late the event loop was; called about once a second."""
        is_late = 0 < self._max_lag < lag
        before = self._refused_part
        if not is_late:
            self._refused_part = max(0.0, before - _DECLINE)
        elif self._was_late:
            self._refused_part = min(1.0, before + _GROWTH)
        self._was_late = is_late
        if self._refused_part and not before:
            log.warning("overloaded", lag=round(lag, 3))
        elif before and not self._refused_part:
            log.info("no longer overloaded")

    def check(self) -> None:
        """Raise Overloaded for a request that has to be refused."""
        if sum(self._responses.values()) >= self._max_responses:
            raise Overloaded("responses", "answers as many requests as it can")
        if self._refused_part:
            self._due += self._refused_part
            if self._due >= 1:
                self._due -= 1
                raise Overloaded("lag", "is overloaded")

"""The candidates for one response: each is tried once, in order, until one answers; then some once more, after a delay.

Only a request that the provider has not got, or has refused, is sent again (`UpstreamError.may_send_again`); one that
it may be working on may be paid. A 500 counts against its upstream only if another candidate can answer the same
request: otherwise the request itself may be at fault. A model with a single candidate has no cooldown: it is always
tried.
"""

from collections.abc import Mapping

from msgspec import Struct

from adapter.upstream.routing.health import Blame, Candidate, Health, find_blame
from adapter.upstream.routing.retries import Patience, RetryBudget, delay_before, is_temporary
from translators.errors import RequestError, UpstreamError


class Candidates(Struct, eq=False):
    """The candidates of one model."""

    _health: Health
    _budgets: Mapping[str, RetryBudget]
    """By the name of the upstream."""
    _patience: Patience
    _left: list[Candidate]
    """Those that were not tried yet, in their order; at first all of them."""
    current: Candidate
    """The one that was tried last; the first, if none was."""
    _is_only_one: bool
    _cooldowns: list[float] = []
    """Seconds until the candidates that were skipped may be used."""
    _rejection: RequestError | None = None
    """The first reason why the request cannot be expressed for a candidate."""
    _errors: list[UpstreamError] = []
    _unproven: list[tuple[Candidate, UpstreamError]] = []
    """Failures that may be the request's fault."""
    _temporary: dict[Candidate, UpstreamError] = {}
    """Candidates that may answer later, with their last failure."""
    _retries: int = 0
    _seconds: float = 0.0
    """Time spent waiting for retries."""

    def first(self) -> Candidate:
        """Return the first candidate without a cooldown, else the first."""
        return next((one for one in self._left if not self._health.cooldown(one)), self.current)

    def next(self) -> Candidate | None:
        """Return the next candidate to try; None: none is left."""
        while self._left:
            candidate = self._left.pop(0)
            if not self._is_only_one:
                cooldown = self._health.cooldown(candidate)
                if cooldown:
                    self._cooldowns.append(cooldown)
                    continue
                self._health.probe(candidate)
            self.current = candidate
            self._budgets[candidate.upstream].requests += 1
            return candidate
        return None

    def next_retry(self) -> float | None:
        """Choose the failed candidate that may answer the soonest; return the seconds until it gets the request again.

        None: there is none, or no time, try or budget is left.
        """
        if not self._temporary or self._retries >= self._patience.retries:
            return None
        delays = {one: self._delay(one, error) for one, error in self._temporary.items()}
        candidate = min(delays, key=delays.__getitem__)
        left = self._patience.seconds - self._seconds - delays[candidate]
        if left < 0:
            return None
        wait = self._budgets[candidate.upstream].take(left if self._patience.waits_for_budget else 0.0)
        if wait is None:
            return None
        del self._temporary[candidate]
        delay = delays[candidate] + wait
        self._retries += 1
        self._seconds += delay
        if not self._is_only_one:
            self._health.probe(candidate)
        self.current = candidate
        return delay

    def _delay(self, candidate: Candidate, error: UpstreamError) -> float:
        delay = delay_before(self._retries, error)
        return delay if self._is_only_one else max(delay, self._health.cooldown(candidate))

    def reject(self, error: RequestError) -> None:
        """Record that the request cannot be expressed for the current candidate's model, with whatever key."""
        self._rejection = self._rejection or error.copy()
        self._drop(Blame(self.current.upstream, self.current.model, None))

    def record_failure(self, error: UpstreamError) -> bool:
        """Record how the current candidate failed; return whether another one may do better."""
        error = error.copy()
        self._errors.append(error)
        if is_temporary(error):
            self._temporary[self.current] = error
        if not error.may_send_again:
            self._left.clear()
            self._temporary.clear()
        self._drop(find_blame(self.current, error))
        if self._is_only_one:
            return False
        if error.status == 429:
            if error.retry or error.code == "insufficient_quota":
                self._health.record_failure(self.current, error)
        elif error.status == 502 and error.provider_status == 400:  # the model's output was invalid (Groq)
            self._health.record_success(self.current)
            return False
        elif error.status > 500 or (error.status == 500 and not error.retry) or not error.may_send_again:
            self._health.record_failure(self.current, error)
        elif error.status == 500:
            self._unproven.append((self.current, error))
        else:
            self._health.record_success(self.current)
            return error.code == "model_not_found"
        return True

    def record_success(self) -> None:
        """Record that the current candidate answers; the response stays with it."""
        self._left.clear()
        self._temporary.clear()
        self._errors.clear()
        self._cooldowns.clear()
        if self._health.records:  # mostly there are none
            self._health.record_success(self.current)
        for candidate, error in self._unproven:
            self._health.record_failure(candidate, error)
        self._unproven.clear()

    def final_error(self) -> UpstreamError | RequestError:
        """Return the caller's error when no candidate could answer: the last temporary failure, else the last one.

        Its `retry_after` is the shortest delay of all candidates. If the request could be
        sent to no candidate, the error is the reason for that.
        """
        if self._rejection is not None and not self._errors and not self._cooldowns:
            return self._rejection.copy()
        temporary = [error for error in self._errors if error.code != "model_not_found"]
        if temporary or (self._errors and not self._cooldowns):
            error = (temporary or self._errors)[-1].copy()
        else:
            error = UpstreamError(
                "No provider of this model is available. Please try again later.",
                status=503,
                code="server_is_overloaded",
            )
        delays = [*self._cooldowns, *(one.retry_after for one in self._errors if one.retry_after is not None)]
        if delays and (error.status == 429 or error.status >= 500):
            error.retry_after = min(delays)
        return error

    def _drop(self, blame: Blame) -> None:
        self._left = [one for one in self._left if not blame.covers(one)]

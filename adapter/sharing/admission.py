"""Whether a request of a named key is let in: the model it asks for, and the limits of its key.

Checked in this order: model, responses at a time, requests a minute, tokens a minute, tokens of the day and the month.
Tokens are taken as estimated when a request is let in, and settled when its response ends; a request is let in as long
as its key has any left, so one large request may overdraw them, and the next is refused until they are positive again.
A refused request costs nothing.
Source: OpenAI guide, Rate limits; openai-python 3.54; Codex CLI 0.169.
"""

import math
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from adapter.settings.caller_keys import CallerKey
from adapter.sharing.buckets import Bucket, Level
from adapter.sharing.periods import day_from, end_of_period, first_of_month, month_of, utc_day
from adapter.sharing.rates import Levels, Limits, RateTable
from adapter.sharing.shares import SHARE_USED
from translators.errors import RequestError, UpstreamError, shorten

_REQUEST_BURST_SECONDS: Final = 10.0
"""Requests that may come at once: those of so much time."""
_BYTES_PER_TOKEN: Final = 4
"""Of JSON in English, about."""
_CONCURRENT_RETRY_SECONDS: Final = 1.0
_QUOTA_USED: Final = "insufficient_quota"

_WHAT: Final = {"requests": "requests per minute", "tokens": "tokens per minute", "concurrent": "responses at a time"}
_SETTINGS: Final = {"requests": "requests_per_minute", "tokens": "tokens_per_minute", "concurrent": "concurrent"}


KeyTokens = Callable[[str], Mapping[tuple[str, str], int]]
"""Return the tokens that keys have used from a day on: (key, day) → tokens."""


class LimitExceeded(UpstreamError):
    """A request exceeds a limit of its key; no provider was asked."""

    def __init__(self, key: CallerKey, limits: Limits, levels: Levels, wait: float) -> None:
        """`wait`: seconds until the same request may be let in."""
        self.caller_key = key.name
        self.limit = name = levels.refused_by
        self.headers = rate_limit_headers(limits, levels)
        per = getattr(key, _SETTINGS[name])
        super().__init__(
            f"Rate limit reached for the key '{key.name}': {per} {_WHAT[name]}. Please try again in {wait:.1f}s.",
            status=429, type="tokens" if name == "tokens" else "requests", code=SHARE_USED, retry_after=wait,
        )  # fmt: skip


class BudgetExceeded(LimitExceeded):
    """A key has used its tokens of the day or the month. OpenAI's SDKs and Codex do not retry.

    Source: OpenAI guide, Error codes; Codex CLI 0.169.
    """

    def __init__(self, key: CallerKey, period: str, ends: datetime) -> None:
        self.caller_key = key.name
        self.limit = f"tokens_per_{period}"
        budget = getattr(key, self.limit)
        self.headers = {
            "x-ratelimit-limit-tokens": str(budget),
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": _duration(max(1.0, ends.timestamp() - time.time())),
        }
        UpstreamError.__init__(
            self,
            f"The key '{key.name}' has used its {budget} tokens of this {period}. More can be used from "
            f"{ends:%Y-%m-%d %H:%M} UTC on.",
            status=429, type=_QUOTA_USED, code=_QUOTA_USED, retry=False,
        )  # fmt: skip


class Admission:
    """One request that was let in. `settle` it when its response ends."""

    __slots__ = ("_cost", "_name", "_table", "_taken", "levels", "limits")

    def __init__(self, table: RateTable, name: str, limits: Limits, taken: float, levels: Levels) -> None:
        self._table: RateTable | None = table
        self._name = name
        self._taken = taken
        self._cost = 0
        self.limits = limits
        self.levels = levels

    def settle(self, tokens: int | None, *, began: bool = False) -> int:
        """Count the response as ended, with the tokens it cost; return what it cost the budget. The first call counts.

        None: nothing says how many. The rate then counts as many as were estimated; so does the budget, if an answer
        `began`.
        """
        table, self._table = self._table, None
        if table is None:
            return self._cost
        more = 0.0 if tokens is None else tokens - self._taken
        cost = (self._taken if began else 0.0) if tokens is None else tokens
        table.release(
            self._name, self.limits.tokens, more, cost=cost, taken=self._taken, day=self.levels.day
        )
        self._cost = round(cost)
        return self._cost

    def __del__(self) -> None:
        if self._table is not None:
            self.settle(None)


class Gate:
    """Lets requests of named keys in."""

    def __init__(self, *, has_keys: bool, key_tokens: KeyTokens) -> None:
        """Create it before the workers are forked. Without keys at the start, there are none later.

        `key_tokens` reads what the store has of the tokens that keys have used.
        """
        self.machine = os.urandom(8).hex()
        """The name of this machine, or rather of its server, for others that share the store."""
        self.table = RateTable() if has_keys else None
        self._key_tokens = key_tokens
        self._limits: dict[str, tuple[CallerKey, Limits]] = {}
        self._known: set[str] = set()
        """Keys whose budgets count what was used before the server started."""

    def admit(self, key: CallerKey, model: str, body_bytes: int, max_output_tokens: int | None) -> Admission | None:
        """Return the admission of a request, None if its key has no limits.

        Raises RequestError for a model that the key may not use and for a request that can never be let in,
        LimitExceeded for one that may be later, StoreDown if it is unknown what a key with a budget has used.
        """
        if key.models and not key.may_use(model):
            raise RequestError(
                f"The model '{shorten(model)}' does not exist, or the key '{key.name}' may not use it.",
                param="model", code="model_not_found", status=404,
            )  # fmt: skip
        known = self._limits.get(key.name)
        limits = known[1] if known is not None and known[0] is key else self._limits_of(key)
        if limits is UNLIMITED:
            return None
        tokens = body_bytes / _BYTES_PER_TOKEN + (max_output_tokens or 0)
        if limits.tokens is not None and tokens > limits.tokens.burst:
            raise RequestError(
                f"The request may take some {tokens:.0f} tokens, and the key '{key.name}' has "
                f"{limits.tokens.per_minute:.0f} a minute, so it would never be let in. Shorten the input, or lower "
                "max_output_tokens.",
                code="request_too_large",
            )
        assert self.table is not None
        if key.name not in self._known and limits.has_budget:
            self.count_stored()
            self._known.add(key.name)
        levels = self.table.take(key.name, limits, tokens)
        if levels.refused_by:
            raise _exceeded(key, limits, levels)
        return Admission(self.table, key.name, limits, tokens, levels)

    def _limits_of(self, key: CallerKey) -> Limits:
        """Return the limits of a key that is new or has changed, from now on known; UNLIMITED if it has none."""
        limits = limits_of(key)
        if limits == UNLIMITED:
            limits = UNLIMITED
        self._limits[key.name] = key, limits
        return limits

    def budgets_left(self, key: CallerKey) -> dict[str, float]:
        """Return what is left of a key's budgets, as far as this machine knows: period → tokens."""
        limits = limits_of(key)
        if self.table is None or not limits.has_budget:
            return {}
        spent = self.table.spent(key.name)
        budgets = {"day": limits.day_tokens, "month": limits.month_tokens}
        return {
            period: budget - getattr(spent, period) for period, budget in budgets.items() if budget is not None
        }

    def count_stored(self) -> None:
        """Count what the store has of this month against the budgets; raise StoreDown."""
        assert self.table is not None
        today = utc_day()
        of_day: Counter[str] = Counter()
        of_month: Counter[str] = Counter()
        for (name, date), tokens in self._key_tokens(first_of_month(today).isoformat()).items():
            if month_of(day_from(date)) == month_of(today):
                of_month[name] += tokens
                of_day[name] += tokens if day_from(date) == today else 0
        for name in of_month:
            self.table.raise_spent(name, today, of_day[name], of_month[name])


UNLIMITED: Final = Limits()


def limits_of(key: CallerKey) -> Limits:
    """Return the limits of a key. All tokens of a minute may be taken at once, of the requests a part."""
    requests, tokens = key.requests_per_minute, key.tokens_per_minute
    burst = 0.0 if requests is None else max(1.0, requests * _REQUEST_BURST_SECONDS / 60)
    return Limits(
        None if requests is None else Bucket(requests, burst),
        None if tokens is None else Bucket(tokens, tokens),
        key.concurrent,
        key.tokens_per_day,
        key.tokens_per_month,
    )


def rate_limit_headers(limits: Limits, levels: Levels) -> dict[str, str]:
    """Return the API's headers on limits and what is left of them. Source: OpenAI guide, Rate limits."""
    headers = {}
    if limits.requests is not None and levels.requests is not None:
        headers["x-ratelimit-limit-requests"] = f"{limits.requests.per_minute:.0f}"
        headers["x-ratelimit-remaining-requests"] = str(max(0, math.floor(levels.requests.remaining)))
        headers["x-ratelimit-reset-requests"] = _duration(levels.requests.reset)
    if limits.tokens is not None and levels.tokens is not None:
        headers["x-ratelimit-limit-tokens"] = f"{limits.tokens.per_minute:.0f}"
        headers["x-ratelimit-remaining-tokens"] = str(max(0, math.floor(levels.tokens.remaining)))
        headers["x-ratelimit-reset-tokens"] = _duration(levels.tokens.reset)
    return headers


def _exceeded(key: CallerKey, limits: Limits, levels: Levels) -> LimitExceeded:
    if levels.refused_by in ("day", "month"):
        return BudgetExceeded(key, levels.refused_by, end_of_period(utc_day(), month=levels.refused_by == "month"))
    wait = _CONCURRENT_RETRY_SECONDS
    if levels.refused_by == "requests":
        wait = _wait(limits.requests, levels.requests)
    elif levels.refused_by == "tokens":
        wait = _wait(limits.tokens, levels.tokens)
    return LimitExceeded(key, limits, levels, wait)


def _wait(bucket: Bucket | None, level: Level | None) -> float:
    assert bucket is not None
    assert level is not None
    return bucket.wait_for(level, 1)


def _duration(seconds: float) -> str:
    """Return a time as the API writes it: 500ms, 1s, 6m0s."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"

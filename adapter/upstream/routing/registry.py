"""Which candidates serve a model: names and patterns → candidates, in the order in which they are tried.

The order is drawn by weight; a candidate of weight 0 is a spare, tried after all others. Every worker draws the same
order for all requests of one group (a conversation), so that they reach the same provider and its prefix cache.
Rendezvous hashing: a change of the settings moves no more groups than it must.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from adapter.settings.models import Models, Target, match_pattern
from adapter.settings.upstreams import DEFAULT, UpstreamSettings
from adapter.upstream.routing.candidates import Candidates
from adapter.upstream.routing.health import Candidate, Health
from adapter.upstream.routing.retries import RetryBudget, background, delay_before, foreground, is_temporary
from translators.errors import RequestError, UpstreamError, shorten

_MAX_CACHED_MODELS: Final = 1024
"""Names whose candidates are cached: callers choose names, and any name may match a pattern."""


class Registry:
    """The candidates of all models."""

    def __init__(
        self, upstreams: Sequence[UpstreamSettings], models: Models, now: Callable[[], float], retries: int = 0
    ) -> None:
        """`now`: a monotonic clock, in seconds. `retries`: of one request, at most."""
        self._keys = {one.name: range(len(one.keys)) for one in upstreams}
        self._models = _add_default(upstreams, models)
        self.list_candidates = lru_cache(_MAX_CACHED_MODELS)(self._find_candidates)
        """Returns a model's candidates in the order of the settings; raises RequestError for an unknown model."""
        self.health = Health(now)
        self._budgets = {one.name: RetryBudget(now) for one in upstreams}
        self._foreground, self._background = foreground(retries), background(retries)

    def draw_candidates(self, model: str, group: str, *, in_background: bool = False) -> Candidates:
        """Return a model's candidates in the order drawn for a group; raise RequestError for an unknown model."""
        listed = self.list_candidates(model)
        order = listed if len(listed) == 1 else _draw_order(listed, group)
        patience = self._background if in_background else self._foreground
        return Candidates(self.health, self._budgets, patience, list(order), order[0], len(order) == 1)

    def delay_lookup(self, upstream: str, error: UpstreamError, retries: int, seconds: float) -> float | None:
        """Return the seconds after which a look-up that failed may be tried once more; None: it may not.

        `retries` have been made before it, and `seconds` been waited for them.
        """
        patience, delay = self._foreground, delay_before(retries, error)
        if not is_temporary(error) or retries >= patience.retries or seconds + delay > patience.seconds:
            return None
        return None if self._budgets[upstream].take(0.0) is None else delay

    def find_names(self, upstream: str, model: str) -> Iterator[str]:
        """Yield the names by which callers can request an upstream's own model."""
        for pattern, targets in self._models.items():
            for target in targets:
                star = match_pattern(target.model, model) if target.upstream == upstream else None
                if star is not None:
                    name = pattern.replace("*", star)
                    if any(target[:2] == (upstream, model) for target in self._find_targets(name)):
                        yield name

    def list_names(self) -> list[str]:
        """Return the models that the settings list by name, not by pattern."""
        return [pattern for pattern in self._models if "*" not in pattern]

    def context_window(self, model: str) -> int | None:
        """Return the smallest context that the settings give a model, in tokens; None: they give it none."""
        windows = [target.context_window for target in self._find_targets(model)]
        return min((window for window in windows if window is not None), default=None)

    def _find_candidates(self, model: str) -> tuple[Candidate, ...]:
        found = []
        for upstream, name, weight, _ in self._find_targets(model):
            keys = self._keys[upstream]
            found += [Candidate(upstream, name, key, weight / len(keys)) for key in keys]
            if not keys:
                found.append(Candidate(upstream, name, None, weight))
        if not found:
            raise RequestError(
                f"The requested model '{shorten(model)}' does not exist.", param="model", code="model_not_found"
            )
        return tuple(found)

    def _find_targets(self, model: str) -> list[Target]:
        """Return the targets of a model: those of its name, else those of the first pattern that it matches."""
        if model in self._models and "*" not in model:
            return list(self._models[model])
        for pattern, targets in self._models.items():
            star = match_pattern(pattern, model) if "*" in pattern else None
            if star is not None:
                return [of._replace(model=of.model.replace("*", star)) for of in targets]
        return []


def _add_default(upstreams: Sequence[UpstreamSettings], models: Models) -> Models:
    """Return the models with a target for all others: the upstream of `upstream_url`, or each if no model is named."""
    others = tuple(Target(one.name, "*", one.weight) for one in upstreams if one.name == DEFAULT or not models)
    return {**models, "*": others} if others and "*" not in models else models


def _draw_order(candidates: Sequence[Candidate], group: str) -> tuple[Candidate, ...]:
    """Return candidates in an order drawn by weight; those of weight 0 follow in the order of the settings."""
    weighted = [one for one in candidates if one.weight]
    weighted.sort(key=lambda one: math.log(_chance(one, group)) / -one.weight)
    return (*weighted, *(one for one in candidates if not one.weight))


def _chance(candidate: Candidate, group: str) -> float:
    """Return a number in (0, 1], always the same for a candidate and a group."""
    text = f"{group} {candidate.upstream} {candidate.model} {candidate.key}"
    return (int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=6).digest()) + 1) / 2**48

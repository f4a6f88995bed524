"""Who serves a model: names and patterns → candidates, in the order in which they are asked.

Which comes first is drawn by weight; a weight of 0 makes a spare, asked after all others. Requests of one group, a
conversation, are drawn alike by every worker, so that who has seen the beginning is asked again; a change of the
settings moves no more groups than it must (rendezvous hashing).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Final

from cachetools import LRUCache

from adapter.settings.models import Models, Target, matched
from adapter.settings.upstreams import DEFAULT, UpstreamSettings
from adapter.upstream.routing.candidates import Candidates
from adapter.upstream.routing.health import Candidate, Health
from translators.errors import RequestError, shorten

_MOST_MODELS: Final = 1024


class Registry:
    """The candidates of all models."""

    def __init__(self, upstreams: Sequence[UpstreamSettings], models: Models, now: Callable[[], float]) -> None:
        """`now` is in seconds from any point."""
        self._keys = {one.name: range(len(one.keys)) for one in upstreams}
        self._models = _with_default(upstreams, models)
        self._known: LRUCache[str, tuple[Candidate, ...]] = LRUCache(_MOST_MODELS)
        self.health = Health(now)

    def candidates(self, model: str, group: str) -> Candidates:
        """Return who may be asked, as they are drawn for a group; raise RequestError for a model that nobody serves."""
        serving = self.serving(model)
        return Candidates(self.health, serving if len(serving) == 1 else _drawn(serving, group))

    def serving(self, model: str) -> tuple[Candidate, ...]:
        """Return who serves a model, as the settings have it; raise RequestError if it is nobody."""
        known = self._known.get(model)
        if known is None:
            known = self._known[model] = self._of(model)
        return known

    def names(self, upstream: str, model: str) -> Iterator[str]:
        """Yield the names under which a model of an upstream's own can be asked for."""
        for pattern, targets in self._models.items():
            for target in targets:
                star = matched(target.model, model) if target.upstream == upstream else None
                if star is not None:
                    name = pattern.replace("*", star)
                    if any(target[:2] == (upstream, model) for target in self._targets(name)):
                        yield name

    def named(self) -> list[str]:
        """Return the models that the settings call by their names."""
        return [pattern for pattern in self._models if "*" not in pattern]

    def _of(self, model: str) -> tuple[Candidate, ...]:
        found = []
        for upstream, name, weight in self._targets(model):
            keys = self._keys[upstream]
            found += [Candidate(upstream, name, key, weight / len(keys)) for key in keys]
            if not keys:
                found.append(Candidate(upstream, name, None, weight))
        if not found:
            raise RequestError(
                f"The requested model '{shorten(model)}' does not exist.", param="model", code="model_not_found"
            )
        return tuple(found)

    def _targets(self, model: str) -> list[Target]:
        """Return who serves a model: by its name, else by the first pattern that it matches."""
        if model in self._models and "*" not in model:
            return list(self._models[model])
        for pattern, targets in self._models.items():
            star = matched(pattern, model) if "*" in pattern else None
            if star is not None:
                return [Target(of.upstream, of.model.replace("*", star), of.weight) for of in targets]
        return []


def _with_default(upstreams: Sequence[UpstreamSettings], models: Models) -> Models:
    """Return the models with what becomes of all others: `upstream_url` has them, or without any names everybody."""
    others = tuple(Target(one.name, "*", one.weight) for one in upstreams if one.name == DEFAULT or not models)
    return {**models, "*": others} if others and "*" not in models else models


def _drawn(candidates: Sequence[Candidate], group: str) -> tuple[Candidate, ...]:
    """Return candidates in an order drawn by weight, those without weight behind, as they stand."""
    weighed = [one for one in candidates if one.weight]
    weighed.sort(key=lambda one: math.log(_chance(one, group)) / -one.weight)
    return (*weighed, *(one for one in candidates if not one.weight))


def _chance(candidate: Candidate, group: str) -> float:
    """Return a number above 0, up to 1, the same each time."""
    text = f"{group} {candidate.upstream} {candidate.model} {candidate.key}"
    return (int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=6).digest()) + 1) / 2**48

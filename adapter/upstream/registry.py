"""Who serves a model: names and patterns → candidates, in the order in which they are asked.

A candidate is an upstream, one of its keys, and what the model is called there. Which comes first is drawn by weight; a
weight of 0 makes a spare, asked after all others. Requests of one group, a conversation, are drawn alike by every
worker, so that who has seen the beginning is asked again; a change of the settings moves no more groups than it must
(rendezvous hashing). What this worker knows of their health is plain data, and nothing of it is shared between workers:
each finds out for itself.

A failure counts against an upstream (nobody is there), a model there (overload), or one of its keys with that model
(refused, out of rate or quota). After FAILURES in a row, or for as long as a 429 says, it is left alone; then one
request tries it again, and others wait for what becomes of that. A 500 counts only if another candidate could answer
the same request: else it may be the request's fault. A model with a single candidate always asks it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

import structlog
from cachetools import LRUCache

from adapter.setting_models import Models, Target, matched
from adapter.setting_upstreams import DEFAULT, UpstreamSettings
from translators.errors import RequestError, UpstreamError
from translators.misfits import shortened

FAILURES: Final = 3
PAUSE: Final = 5.0
"""Seconds for which it is left alone then; twice as long after each further failure."""
LONGEST_PAUSE: Final = 60.0
LONGEST_WAIT: Final = 600.0
"""Seconds of a Retry-After that are believed."""
_MOST_MODELS: Final = 1024
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


class Registry:
    """The candidates of all models."""

    def __init__(self, upstreams: Sequence[UpstreamSettings], models: Models, now: Callable[[], float]) -> None:
        """`now` is in seconds from any point."""
        self._keys = {one.name: range(len(one.keys)) for one in upstreams}
        self._models = _with_default(upstreams, models)
        self._now = now
        self._known: LRUCache[str, tuple[Candidate, ...]] = LRUCache(_MOST_MODELS)
        self._troubles: LRUCache[Part, _Trouble] = LRUCache(_MOST_TROUBLES)

    def candidates(self, model: str, group: str) -> "Candidates":
        """Return who may be asked, as they are drawn for a group; raise RequestError for a model that nobody serves."""
        serving = self.serving(model)
        return Candidates(self, serving if len(serving) == 1 else _drawn(serving, group))

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
                f"The requested model '{shortened(model)}' does not exist.", param="model", code="model_not_found"
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

    # --- health -----------------------------------------------------------------------------------------------

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


class Candidates:
    """Those who may be asked for one response, each once. `current` is the one who was asked last."""

    def __init__(self, registry: Registry, order: Sequence[Candidate]) -> None:
        self._registry = registry
        self._left = list(order)
        self._only = len(order) == 1
        self._pauses: list[float] = []
        """Of those that were left alone."""
        self._refusal: RequestError | None = None
        self._errors: list[UpstreamError] = []
        self._unproven: list[tuple[Candidate, UpstreamError]] = []
        """Failures that may be the request's fault."""
        self.current = order[0]

    def first(self) -> Candidate:
        """Return the first that is not left alone, else the first."""
        return next((one for one in self._left if not self._registry.pause(one)), self.current)

    def next(self) -> Candidate | None:
        """Return the next one to be asked; None if nobody is left."""
        while self._left:
            candidate = self._left.pop(0)
            if not self._only:
                pause = self._registry.pause(candidate)
                if pause:
                    self._pauses.append(pause)
                    continue
                self._registry.tries(candidate)
            self.current = candidate
            return candidate
        return None

    def cannot_be_told(self, refusal: RequestError) -> None:
        """Take note that there is no way to say to the current one what is asked, whatever the key."""
        self._refusal = self._refusal or refusal
        self._leave(Part(self.current.upstream, self.current.model, None))

    def failed(self, error: UpstreamError) -> bool:
        """Take note of how the current one failed; tell whether another one could do better."""
        self._errors.append(error)
        self._leave(blamed(self.current, error))
        if self._only:
            return False
        if error.status == 429:
            if error.retry or error.code == "insufficient_quota":
                self._registry.fails(self.current, error)
        elif error.status == 502 and error.refused == 400:  # it judges what the model has made (Groq)
            self._registry.works(self.current)
            return False
        elif error.status > 500 or (error.status == 500 and not error.retry):
            self._registry.fails(self.current, error)
        elif error.status == 500:
            self._unproven.append((self.current, error))
        else:
            self._registry.works(self.current)
            return error.code == "model_not_found"
        return True

    def _leave(self, part: Part) -> None:
        self._left = [one for one in self._left if not part.has(one)]

    def worked(self) -> None:
        """Take note that the current one answers."""
        self._registry.works(self.current)
        for candidate, error in self._unproven:
            self._registry.fails(candidate, error)
        self._unproven.clear()

    def verdict(self) -> UpstreamError | RequestError:
        """Return what the caller is told when nobody could answer: the last failure that may pass, else the last.

        It names the shortest time that any of them asked for. Where nobody could even be asked, it is why.
        """
        if self._refusal is not None and not self._errors and not self._pauses:
            return self._refusal
        passing = [error for error in self._errors if error.code != "model_not_found"]
        if passing or (self._errors and not self._pauses):
            error = (passing or self._errors)[-1]
        else:
            error = UpstreamError(
                "No provider of this model is available. Please try again later.",
                status=503,
                code="server_is_overloaded",
            )
        waits = [*self._pauses, *(one.retry_after for one in self._errors if one.retry_after is not None)]
        if waits and (error.status == 429 or error.status >= 500):
            error.retry_after = min(waits)
        return error


def blamed(candidate: Candidate, error: UpstreamError) -> Part:
    """Return what a failure speaks against."""
    upstream, model, key, _ = candidate
    if error.status == 503 and not error.refused:
        return Part(upstream, None, None)  # nobody is there
    of_key = error.retry if error.status == 429 else error.status >= 500 and not error.retry
    return Part(upstream, model, key if of_key or error.code == "insufficient_quota" else None)


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


def _pause(failures: int) -> float:
    return min(PAUSE * 2.0 ** min(failures - FAILURES, 10), LONGEST_PAUSE)

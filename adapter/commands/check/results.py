"""What `check` does with an upstream: run the probes one after the other, and make a line of each result.

`ok`: the adapter can work with the provider's answer; `no`: it cannot; `error`: there was no answer. A check stops
early when no further call can succeed (the provider is unreachable, the key is wrong, the model is not there), when
there is no completion, since everything else is one, and when the provider leaves a second call without an answer.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

import click

from adapter.commands.check.client import CallFailed, NoAnswer, ProviderUnusable
from adapter.commands.check.probes import Outcome, Probes, Verdict
from adapter.commands.offline import NOW
from adapter.settings.settings import Settings
from adapter.settings.upstreams import UpstreamSettings
from adapter.telemetry.visible_text import visible_line
from adapter.upstream.routing.registry import Registry
from translators.errors import RequestError

_NEEDED_BY_ALL: Final = "completion"
"""The probe without which no further one can succeed."""


class Result(NamedTuple):
    name: str
    verdict: Verdict
    seconds: float
    detail: str
    basic: bool
    """The adapter cannot work without it."""

    @property
    def ok(self) -> bool:
        return self.verdict == "ok"


def create_probes(settings: Settings, model: str | None, upstream: UpstreamSettings | None = None) -> Probes:
    """Return the probes of an upstream, by default the first, with the model to use; None: as the settings say."""
    upstream = upstream or settings.all_upstreams()[0]
    return Probes(settings, upstream, _name_at(settings, upstream, model))


def run_probes(probes: Probes, starts: Callable[[str], None] = lambda name: None) -> Iterator[Result]:
    """Yield the result of each probe as soon as it is known; `starts` is called with the name of each that begins.

    If the check stops early, the detail of its last result says why.
    """
    unanswered = 0
    for name, basic, probe in _list_probes(probes):
        starts(name)
        start = time.monotonic()
        stops = False
        try:
            verdict, detail = probe()
        except CallFailed as error:
            verdict, detail = "error", str(error)
            unanswered += isinstance(error, NoAnswer)
        except ProviderUnusable as error:
            verdict, detail, stops = "error", str(error), True
        stops = stops or not probes.model or unanswered > 1 or (name == _NEEDED_BY_ALL and verdict != "ok")
        yield Result(name, verdict, time.monotonic() - start, detail, basic)
        if stops:
            break


def _list_probes(probes: Probes) -> list[tuple[str, bool, Callable[[], Outcome]]]:
    """Return the probes in the order in which they run: name, whether the adapter needs it, function."""
    found: list[tuple[str, bool, Callable[[], Outcome]]] = [
        ("models", not probes.model, probes.models),
        ("dialect", False, probes.dialect),
        (_NEEDED_BY_ALL, True, probes.completion),
        ("streaming", True, probes.streaming),
        ("usage in streams", False, probes.usage),
        ("tool calls", False, probes.tools),
        ("parallel calls", False, probes.parallel_calls),
        ("json_schema", False, probes.schema),
        ("images", False, probes.images),
        ("reasoning", False, probes.reasoning),
        ("developer role", False, probes.developer_role),
        ("context window", False, probes.context_window),
    ]
    count = len(probes.upstream.keys)
    return found + [(f"key {at + 1} of {count}", True, partial(probes.another_key, at)) for at in range(1, count)]


def report(result: Result) -> str:
    """Return a result as one line of a table, its verdict in a colour."""
    color = {"ok": "green", "no": "yellow", "error": "red"}[result.verdict]
    verdict = click.style(f"{result.verdict:<7}", color)
    return f"  {result.name:<18}{verdict}{result.seconds:5.1f} s  {visible_line(result.detail)}"


def _name_at(settings: Settings, upstream: UpstreamSettings, model: str | None) -> str:
    """Return a model's name at an upstream; without a model, the first that the settings have there, "" if none."""
    targets = [target for targets in settings.models.values() for target in targets if target.upstream == upstream.name]
    if model is None:
        return next((target.model for target in targets if "*" not in target.model), "")
    registry = Registry(settings.all_upstreams(), settings.models, now=lambda: NOW)
    try:
        candidates = registry.list_candidates(model)
    except RequestError:
        return model
    return next((one.model for one in candidates if one.upstream == upstream.name), model)

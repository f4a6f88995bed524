"""What the server knows at this moment: upstreams and their circuit breakers, lessons, settings."""

import time
from collections import defaultdict
from statistics import quantiles
from typing import Any, Final

from flask import Blueprint, Response, request

from adapter.api.admin.inspector.recordings import answer, attempt_members, recorder
from adapter.api.current import services
from adapter.settings.dialects import describe_dialect
from adapter.settings.effective import effective
from adapter.telemetry.inspector.heads import Attempt
from adapter.telemetry.inspector.recorder import STATE_TICKS
from adapter.telemetry.inspector.spool import MAX_RECORDINGS
from adapter.upstream.lessons import LIFETIME, erase_lesson, erase_lessons, list_lessons
from translators.dialects.presets import PRESETS
from translators.errors import RequestError
from translators.wire import decode

blueprint = Blueprint("state", __name__, url_prefix="/inspector/api")

_OUTCOMES: Final = 20
"""Shown of an upstream."""


@blueprint.get("/upstreams")
def list_upstreams() -> Response:
    """Return each upstream with its last calls, and what each worker knows of its failures."""
    app = services()
    attempts: dict[str, list[tuple[float, Attempt]]] = defaultdict(list)
    for one in recorder().read(lambda spool: spool.latest(MAX_RECORDINGS)):
        for attempt in one.head.attempts:
            attempts[attempt.upstream].append((one.head.at, attempt))
    since = time.time() - 2 * STATE_TICKS
    workers = [
        {"worker": pid, "at": at, "failures": decode(state)}
        for pid, at, state in recorder().read(lambda spool: spool.read_workers(since))
    ]
    return answer({
        "data": [
            {
                "name": one.name, "url": one.url, "dialect": describe_dialect(one.dialect),
                "keys": len(one.keys), **_summarise(attempts[one.name]),
            }
            for one in app.settings.all_upstreams()
        ],
        "workers": workers,
        "presets": sorted(PRESETS),
    })  # fmt: skip


@blueprint.get("/lessons")
def show_lessons() -> Response:
    found = list_lessons(services().store)
    data = [
        {"upstream": one.upstream, "model": one.model, "lesson": one.lesson, "at": one.at, "until": one.at + LIFETIME,
         "for_all": one.taught_by is None}
        for one in found
    ]  # fmt: skip
    return answer({"data": data})


@blueprint.delete("/lessons")
def forget_lessons() -> Response:
    """Erase one lesson (`upstream`, `model`, `lesson`), or without a query all; workers notice within seconds."""
    args, store = request.args, services().store
    if not args:
        return answer({"erased": erase_lessons(store)})
    names = [args.get(name) for name in ("upstream", "model", "lesson")]
    if None in names:
        raise RequestError("A lesson is named by upstream, model and lesson.", code="invalid_value")
    return answer({"erased": erase_lesson(store, *map(str, names))})


@blueprint.get("/settings")
def list_settings() -> Response:
    rows = effective(services().settings)
    return answer({"data": [{"name": name, "value": value, "source": source} for name, value, source in rows]})


def _summarise(attempts: list[tuple[float, Attempt]]) -> dict[str, Any]:
    """Return the last outcomes, the newest first, and how long the provider took to begin its answers."""
    waits = [(one.answered - one.began - one.delay) * 1000 for _, one in attempts if one.answered is not None]
    cuts = quantiles(waits, n=20) if len(waits) > 1 else waits * 20
    return {
        "calls": len(attempts),
        "failed": sum(one.error is not None for _, one in attempts),
        "p50": cuts[9] if waits else None,
        "p95": cuts[18] if waits else None,
        "outcomes": [{"at": at, **attempt_members(one)} for at, one in attempts[:_OUTCOMES]],
    }

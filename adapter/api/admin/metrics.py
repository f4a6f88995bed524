"""`/metrics`: the numbers of all workers, for Prometheus."""

from flask import Blueprint, Response

from adapter.api.current import services
from adapter.event_loop.turn import await_next_turn
from adapter.telemetry.catalog import KEY_BUDGET_LEFT
from adapter.telemetry.exposition import CONTENT_TYPE, render

blueprint = Blueprint("metrics", __name__)

_SERIES_PER_TURN = 100
"""After so many the streams of this worker get their turn, some milliseconds later at most."""


@blueprint.get("/metrics")
def show() -> Response:
    app = services()
    merged = app.snapshots.merged()
    budgets = next(metric for metric in merged if metric.name == KEY_BUDGET_LEFT.name)
    for key in app.caller_keys.named():
        for period, left in app.gate.budgets_left(key).items():
            budgets.merge((key.name, period), max(0.0, left))  # all workers know the same
    pieces = []
    for piece in render(merged):
        pieces.append(piece)
        if len(pieces) % _SERIES_PER_TURN == 0:
            await_next_turn()
    return Response("".join(pieces), content_type=CONTENT_TYPE)

"""`/metrics`: the numbers of all workers, for Prometheus."""

import gevent
from flask import Blueprint, Response

from adapter.api.current import services
from adapter.telemetry.exposition import CONTENT_TYPE, render

blueprint = Blueprint("metrics", __name__)

_SERIES_PER_TURN = 100
"""After so many the streams of this worker get their turn, some milliseconds later at most."""


@blueprint.get("/metrics")
def show() -> Response:
    pieces = []
    for piece in render(services().snapshots.merged()):
        pieces.append(piece)
        if len(pieces) % _SERIES_PER_TURN == 0:
            gevent.sleep(0)
    return Response("".join(pieces), content_type=CONTENT_TYPE)

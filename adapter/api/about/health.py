"""Probes. `/healthz`: this worker answers. `/readyz`: its store can be written, too.

They need no key, so the answer says only whether: the reason, which names hosts, users and paths, is for the log.
"""

from flask import Blueprint, Response

from adapter.api.current import services
from adapter.store.base import StoreDown
from adapter.telemetry.logs import log
from translators.wire import encode

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    return Response(encode({"status": "ok"}), content_type="application/json")


@blueprint.get("/readyz")
def readyz() -> Response:
    try:
        services().store.ping()
    except StoreDown as error:
        log.warning("not ready", reason=f"store: {error}")
        return Response(encode({"status": "unavailable"}), status=503, content_type="application/json")
    return Response(encode({"status": "ok"}), content_type="application/json")

"""Probes. `/healthz`: this worker answers. `/readyz`: its store answers, too."""

from flask import Blueprint, Response

from adapter.api.current import services
from adapter.store.base import StoreDown
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
        answer = encode({"status": "unavailable", "reason": f"store: {error}"})
        return Response(answer, status=503, content_type="application/json")
    return Response(encode({"status": "ok"}), content_type="application/json")

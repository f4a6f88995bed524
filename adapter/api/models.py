"""`/v1/models`: the models that callers can ask for. Source: OpenAI API reference, Models."""

from flask import Blueprint, Response

from adapter.api.current import current_caller, services
from adapter.upstream.model_list import Model, list_models
from translators.errors import RequestError, shorten
from translators.wire import encode

blueprint = Blueprint("models", __name__, url_prefix="/v1")


@blueprint.get("/models")
def list_all() -> Response:
    return Response(encode({"object": "list", "data": _models()}), content_type="application/json")


@blueprint.get("/models/<path:id>")
def retrieve(id: str) -> Response:
    """Return one model of the list; chat providers answer for a single one in too many ways."""
    for model in _models():
        if model["id"] == id:
            return Response(encode(model), content_type="application/json")
    raise RequestError(
        f"The model '{shorten(id)}' does not exist.", param="model", code="model_not_found", status=404
    )


def _models() -> list[Model]:
    caller, app = current_caller(), services()
    return list_models(app.upstreams, app.registry, caller.bearer, caller.watch)

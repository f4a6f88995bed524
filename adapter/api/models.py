"""`/v1/models`: what can be asked for, in the API's form."""

from flask import Blueprint, Response, request

from adapter.api.auth import authenticate, bearer
from adapter.api.current import services
from adapter.event_loop.client_watch import ClientWatch
from adapter.flow.models import list_models as every_model
from translators.errors import RequestError, shorten
from translators.wire import encode

blueprint = Blueprint("models", __name__, url_prefix="/v1")


@blueprint.get("/models")
def list_models() -> Response:
    authenticate()
    models = every_model(services(), bearer(), ClientWatch(request.environ))
    return Response(encode({"object": "list", "data": models}), content_type="application/json")


@blueprint.get("/models/<path:id>")
def retrieve(id: str) -> Response:
    """Return one model of the list; chat providers answer for a single one in too many ways."""
    authenticate()
    for model in every_model(services(), bearer(), ClientWatch(request.environ)):
        if model["id"] == id:
            return Response(encode(model), content_type="application/json")
    raise RequestError(
        f"The model '{shorten(id)}' does not exist.", param="model", code="model_not_found", status=404
    )

"""`/v1/models`: the models that callers can ask for.

Codex CLI asks for them with its version (`client_version`) and reads its own catalog of models in `models`, beside the
`data` that all others read. Source: OpenAI API reference, Models; Codex CLI 0.169.
"""

from typing import Any

from flask import Blueprint, Response, request

from adapter.api.current import current_caller, services
from adapter.settings.codex_instructions import UnusableInstructions, read_codex_instructions
from adapter.telemetry.logs import log
from adapter.upstream.client import USER_AGENT
from adapter.upstream.model_list import Model, list_models
from translators.errors import RequestError, shorten
from translators.to_responses.models.codex_catalog import CodexModel, codex_catalog, read_context_window
from translators.wire import encode

blueprint = Blueprint("models", __name__, url_prefix="/v1")


@blueprint.get("/models")
def list_all() -> Response:
    models = _models()
    body: dict[str, Any] = {"object": "list", "data": models}
    if "client_version" in request.args:
        body["models"] = _codex_catalog(models)
    return Response(encode(body), content_type="application/json")


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
    if request.headers.get("User-Agent", "").startswith(USER_AGENT):
        raise RequestError(
            "Invalid URL (GET /v1/models): an adapter has no models of its own, so it cannot be the provider of one. "
            "The upstream's URL has to be a provider's.",
            status=404,
        )
    models = list_models(app.upstreams, app.registry, caller.bearer, caller.watch)
    return models if caller.key is None else [model for model in models if caller.key.may_use(model["id"])]


def _codex_catalog(models: list[Model]) -> list[CodexModel]:
    """Return what Codex is to know about models; nothing without instructions, which it would take from here."""
    app = services()
    if app.settings.codex_instructions is None:
        return []
    try:
        instructions = read_codex_instructions(app.settings.codex_instructions)
    except UnusableInstructions as error:
        log.warning("codex instructions not read", reason=str(error))
        return []
    return codex_catalog(
        [(model["id"], app.registry.context_window(model["id"]) or read_context_window(model)) for model in models],
        instructions,
    )

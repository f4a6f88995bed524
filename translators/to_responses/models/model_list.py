"""A provider's list of models → the API's model objects.

Providers send OpenAI's list, the same without `object`, a bare array, or `models` in place of `data`; entries are
objects named by `id`, `name` or `model`, or plain strings. Every model gets the four members that clients require and
keeps the others. Source: OpenAI API reference, Models: list; Together docs, Models; Ollama docs, OpenAI compatibility.
"""

from typing import Any

from translators.errors import UpstreamError
from translators.wire import NotJSON, decode


def read_model_list(body: bytes) -> list[dict[str, Any]]:
    """Return the models of a provider's list, in its order; raise UpstreamError if it cannot be read."""
    try:
        listed = decode(body)
    except NotJSON:
        raise _unreadable() from None
    if isinstance(listed, dict):
        if listed.get("object") == "list" and listed.get("data", ()) is None:
            return []  # Ollama without models
        listed = listed.get("data") if isinstance(listed.get("data"), list) else listed.get("models")
    if not isinstance(listed, list):
        raise _unreadable()
    models = {model["id"]: model for model in map(_model, listed) if model is not None}
    return list(models.values())


def _model(entry: Any) -> dict[str, Any] | None:
    """Return one entry as a model object; None if it has no name."""
    if isinstance(entry, str):
        entry = {"id": entry}
    if not isinstance(entry, dict):
        return None
    id = entry.get("id") or entry.get("name") or entry.get("model")
    if not isinstance(id, str):
        return None
    created = entry.get("created")
    owner = entry.get("owned_by") or entry.get("organization")
    return {
        **entry,
        "id": id,
        "object": "model",
        "created": int(created) if isinstance(created, int | float) else 0,
        "owned_by": owner if isinstance(owner, str) else "",
    }


def model_object(id: str) -> dict[str, Any]:
    """Return a model object for a model known by name only."""
    return {"id": id, "object": "model", "created": 0, "owned_by": ""}


def _unreadable() -> UpstreamError:
    return UpstreamError("The provider's list of models could not be read.")

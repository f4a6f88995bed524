"""`/keys`: the named keys, what each has used, and for those in the store how they are made, replaced and revoked.

A key's text is in the answer that makes it, and nowhere else.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request

from adapter.api.current import services
from adapter.settings.caller_keys import LIMITS, CallerKey
from adapter.settings.tables import TableError
from adapter.store.base import StoreDown
from adapter.store.keys.stored_keys import KeyExists, KeyNotFound, StoredKeys, add_key, revoke_key, rotate_key
from translators.errors import RequestError
from translators.wire import encode

blueprint = Blueprint("keys", __name__)

_MAX_OVERLAP_SECONDS: Final = 366 * 86400


@blueprint.get("/keys")
def list_keys() -> Response:
    """List the named keys with their settings, and what this machine knows of their use."""
    if (stored := services().stored_keys) is not None:
        with suppress(StoreDown):  # then as they were read last
            stored.read()
    return _answer({"object": "list", "data": [_describe(key) for key in services().caller_keys.named()]})


@blueprint.post("/keys")
def create() -> Response:
    """Store a new key: `name`, and settings as in the configuration file."""
    table, stored = dict(_read_body()), _stored_keys()
    name = table.pop("name", None)
    if not isinstance(name, str):
        raise RequestError("name must be the name of the key.", param="name", code="invalid_value")
    if _is_configured(name):
        raise _key_exists(name)
    try:
        text = add_key(services().store, name, table)
    except TableError as error:
        raise RequestError(str(error), code="invalid_value") from None
    except KeyExists:
        raise _key_exists(name) from None
    stored.read()
    return _answer({"object": "key", "name": name, "key": text}, status=201)


@blueprint.post("/keys/<name>/rotate")
def rotate(name: str) -> Response:
    """Give a key a new text; the old one is accepted for `overlap_seconds` more (default: 0)."""
    overlap, stored = _read_body().get("overlap_seconds", 0), _stored_keys()
    if isinstance(overlap, bool) or not isinstance(overlap, int | float) or not 0 <= overlap <= _MAX_OVERLAP_SECONDS:
        raise RequestError(
            f"overlap_seconds must be a number from 0 to {_MAX_OVERLAP_SECONDS}.",
            param="overlap_seconds", code="invalid_value",
        )  # fmt: skip
    if _is_configured(name):  # it comes before the store's, so a new text there would not be accepted
        raise RequestError(
            f"The key '{name}' is in the configuration file. Replace it there.", param="name", code="key_exists",
            status=409,
        )  # fmt: skip
    try:
        text = rotate_key(services().store, name, overlap)
    except KeyNotFound:
        raise _key_not_found(name) from None
    stored.read()
    return _answer({"object": "key", "name": name, "key": text})


@blueprint.delete("/keys/<name>")
def revoke(name: str) -> Response:
    """Delete a key: every worker refuses it within seconds."""
    stored = _stored_keys()
    try:
        revoke_key(services().store, name)
    except KeyNotFound:
        raise _key_not_found(name) from None
    stored.read()
    return _answer({"object": "key.deleted", "name": name, "deleted": True})


def _describe(key: CallerKey) -> dict[str, Any]:
    app = services()
    assert app.gate.table is not None
    spent = app.gate.table.spent(key.name)
    return {
        "name": key.name,
        "tenant": key.tenant,
        "hashes": len(key.digests),
        "models": key.models,
        "expires": key.expires,
        "admin": key.admin,
        "inspect": key.inspect,
        **{limit: getattr(key, limit) for limit in LIMITS},
        "in_progress": app.gate.table.running(key.name),
        "day_tokens": round(spent.day),
        "month_tokens": round(spent.month),
        "in_store": not _is_configured(key.name),
    }


def _is_configured(name: str) -> bool:
    """Whether the configuration file has a key of a name now."""
    return name in services().caller_keys.names_in_file()


def _stored_keys() -> StoredKeys:
    """Return the keys of the store; raise RequestError if the server takes none from there."""
    stored = services().stored_keys
    if stored is None:
        raise RequestError(
            "This server takes keys from its configuration file only. To have some in the store, set "
            "ADAPTER_STORED_KEYS=1.",
            code="keys_not_stored", status=409,
        )  # fmt: skip
    return stored


def _read_body() -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(request.get_data(cache=False) or b"{}")
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        raise RequestError("The body must be a JSON object, of 64 KB at most.", code="invalid_value")
    return found


def _answer(value: object, status: int = 200) -> Response:
    return Response(encode(value), status=status, content_type="application/json")


def _key_exists(name: str) -> RequestError:
    return RequestError(f"There is a key '{name}' already.", param="name", code="key_exists", status=409)


def _key_not_found(name: str) -> RequestError:
    return RequestError(f"There is no key '{name}' in the store.", param="name", code="key_not_found", status=404)

"""`/usage`: what named keys have used, by day, upstream and model."""

from flask import Blueprint, Response, request

from adapter.api.current import services
from adapter.sharing.periods import usage_since
from translators.errors import RequestError
from translators.wire import encode

blueprint = Blueprint("usage", __name__)

_MAX_DAYS = 400


@blueprint.get("/usage")
def list_usage() -> Response:
    """List usages. `days`: how many, today included; without, those of this month. `key`: only of this key."""
    days, key = request.args.get("days"), request.args.get("key")
    if days is not None and not (days.isdecimal() and len(days) < 4 and 1 <= int(days) <= _MAX_DAYS):
        raise RequestError(f"days must be a whole number from 1 to {_MAX_DAYS}.", param="days", code="invalid_value")
    app = services()
    app.flow.usage_recorder.write()
    since = usage_since(None if days is None else int(days))
    found = [one for one in app.store.key_usage(since) if key in (None, one.key)]
    return Response(encode({"object": "list", "since": since, "data": found}), content_type="application/json")

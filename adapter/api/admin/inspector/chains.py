"""Chains and conversations: how recorded responses hang together, and what the store has of them."""

import time
from contextlib import suppress
from operator import itemgetter
from typing import Any

from flask import Blueprint, Response
from msgspec import Struct

from adapter.api.admin.inspector.recordings import answer, masked, recorder, shown
from adapter.api.current import services
from adapter.store.base import NotFound, StoredItem, StoredResponse
from adapter.telemetry.inspector.spool import MAX_RECORDINGS, Listed
from translators.errors import RequestError
from translators.responses.ids import response_of
from translators.responses.response import Usage
from translators.wire import Decoder, NotJSON

blueprint = Blueprint("chains", __name__, url_prefix="/inspector/api")


class _Stored(Struct):
    """What is shown of a stored response."""

    model: str = ""
    status: str = ""
    usage: Usage | None = None


_decode = Decoder(_Stored).decode


@blueprint.get("/chains/<response_id>")
def show_chain(response_id: str) -> Response:
    """Return the tree that a recorded response belongs to: what it continues, from the store, and recorded forks."""
    recorded = {
        one.head.response_id: one for one in reversed(_all()) if one.head.response_id and not one.head.replay_of
    }
    if response_id not in recorded:
        raise RequestError("Only chains of recorded responses are shown; this one is not recorded.", status=404)
    tenant = recorded[response_id].head.tenant
    nodes: dict[str, dict[str, Any]] = {one.id: _of_stored(one) for one in _stored_chain(response_id, tenant)}
    members = set(nodes) | {response_id}
    while True:  # what continues one of them, and what these continue
        more = {
            name
            for id, one in recorded.items()
            if one.head.tenant == tenant and (id in members or one.head.previous_response_id in members)
            for name in (id, one.head.previous_response_id)
            if name is not None
        } - members
        if not more:
            break
        members |= more
    for id in members:
        if id in recorded:
            nodes[id] = nodes.get(id, {"id": id}) | _of_recorded(recorded[id])
        elif id not in nodes:
            nodes[id] = {"id": id, "previous": None, "status": "unknown", "at": 0.0}
    ordered: list[dict[str, Any]] = sorted(nodes.values(), key=itemgetter("at"))
    return answer({"id": response_id, "data": ordered})


@blueprint.get("/conversations")
def list_conversations() -> Response:
    """Return the conversations of recorded responses, the last used first."""
    found: dict[str, dict[str, Any]] = {}
    for head in (one.head for one in _all()):
        if head.conversation is not None:
            first = {"key": head.key, "at": head.at, "responses": 0, "in_progress": 0}
            row = found.setdefault(head.conversation, first)
            row["responses"] += 1
            row["in_progress"] += head.status == "in_progress"
    return answer({"data": [{"id": id, **row} for id, row in found.items()]})


@blueprint.get("/conversations/<id>")
def show_conversation(id: str) -> Response:
    """Return the items of a conversation, the recorded responses that continued it, and until when one has it."""
    responses = [one for one in _all() if one.head.conversation == id]
    if not responses:
        raise RequestError("Only conversations of recorded responses are shown.", status=404)
    conversations, tenant = services().conversations, responses[0].head.tenant
    items: list[StoredItem] | None = None  # it has been deleted
    with suppress(NotFound):
        items = conversations.items(id, tenant)
    until = conversations.leased_until(id, tenant)
    shows_contents = all(one.head.contents.startswith("recorded") for one in responses)
    return answer({
        "id": id,
        "contents": "shown" if shows_contents else responses[0].head.contents,
        "exists": items is not None,
        "leased_until": until if until > time.time() else None,
        "items": [
            {"id": item.id, "added_by": response_of(item.id), "json": masked(item.json) if shows_contents else None}
            for item in items or ()
        ],
        "responses": [shown(one) for one in reversed(responses)],
    })  # fmt: skip


def _all() -> list[Listed]:
    return recorder().read(lambda spool: spool.latest(MAX_RECORDINGS))


def _stored_chain(id: str, tenant: str) -> list[StoredResponse]:
    try:
        return services().responses.chain(id, tenant)
    except NotFound:
        return []  # it was not to be stored, or is not yet


def _of_stored(one: StoredResponse) -> dict[str, Any]:
    try:
        response = _decode(one.response)
    except NotJSON:
        response = _Stored()
    return {
        "id": one.id, "previous": one.previous, "at": float(one.created_at), "model": response.model,
        "status": response.status, "usage": response.usage, "bytes": len(one.input) + len(one.response),
        "stored": True,
    }  # fmt: skip


def _of_recorded(one: Listed) -> dict[str, Any]:
    head = one.head
    return {
        "recording": head.id, "previous": head.previous_response_id, "at": head.at, "model": head.model,
        "status": head.status, "usage": head.usage, "notes": len(head.notes),
    }  # fmt: skip

"""`/v1/conversations`: create, read, change, delete, and their items."""

from typing import Any, Final

from flask import Blueprint, Response, request
from marshmallow import EXCLUDE, Schema

from adapter.api.auth import authenticate
from adapter.api.current import services
from adapter.api.request.body import read_body
from adapter.api.request.fields import Member, Metadata
from adapter.api.request.queries import parse_page
from adapter.history import conversation_log
from adapter.history.references import replace_references
from adapter.history.request_errors import item_not_found
from adapter.store.base import NotFound
from translators.errors import RequestError, missing_parameter, shorten, unknown_parameter
from translators.responses.characters import refuse_bad_characters
from translators.responses.input import decode_items
from translators.responses.items import CompactionTrigger, ItemReference
from translators.responses.listing import page, with_ids
from translators.wire import Raw, decode, decode_members, encode

blueprint = Blueprint("conversations", __name__, url_prefix="/v1/conversations")

_MOST_ITEMS: Final = 20


class Items(Member):
    """Up to 20 items; references among them are replaced by what they name."""

    def read(self, raw: Raw, name: str) -> Any:
        items = decode_items(bytes(raw), _MOST_ITEMS, name)
        if CompactionTrigger in map(type, items):
            raise RequestError(
                "A 'compaction_trigger' item is never kept. Send it as the last input item of a response.",
                param=name,
                code="invalid_value",
            )
        if ItemReference not in map(type, items):
            return items
        return decode_items(replace_references(items, bytes(raw), services().responses, authenticate()))


class ConversationSchema(Schema):
    """The members of a conversation's bodies."""

    class Meta:
        unknown = EXCLUDE  # names are checked before

    items = Items()
    metadata = Metadata()


_schema: Final = ConversationSchema()


@blueprint.post("")
def create() -> Response:
    tenant, body = authenticate(), _body("items", "metadata")
    app = services()
    items, metadata = body.get("items", ()), body.get("metadata", {})
    return _json(conversation_log.create_conversation(app.conversations, tenant, app.ids(), items, metadata))


@blueprint.get("/<id>")
def retrieve(id: str) -> Response:
    return _json(conversation_log.conversation_json(services().conversations.conversation(id, authenticate())))


@blueprint.post("/<id>")
def update(id: str) -> Response:
    tenant, body = authenticate(), _body("metadata", required="metadata")
    store = services().conversations
    stored = store.conversation(id, tenant)
    changed = type(stored)(id, tenant, stored.created_at, encode(body.get("metadata", {})))
    store.put_conversation(changed)
    return _json(conversation_log.conversation_json(changed))


@blueprint.delete("/<id>")
def delete(id: str) -> Response:
    services().conversations.delete_conversation(id, authenticate())
    return _json(encode({"id": id, "object": "conversation.deleted", "deleted": True}))


@blueprint.post("/<id>/items")
def add_items(id: str) -> Response:
    tenant, body = authenticate(), _body("items", required="items")
    app = services()
    taken = {item.id for item in app.conversations.items(id, tenant)}
    items = with_ids(body.get("items", ()), app.ids(), taken)
    app.conversations.append(id, tenant, conversation_log.stored_items(items))
    return _json(encode(page(items, limit=_MOST_ITEMS, order="asc", after=None, before=None)))


@blueprint.get("/<id>/items")
def list_items(id: str) -> Response:
    items = [decode(item.json) for item in services().conversations.items(id, authenticate())]
    return _json(encode(page(items, **parse_page(request.args))))


@blueprint.get("/<id>/items/<item_id>")
def retrieve_item(id: str, item_id: str) -> Response:
    for item in services().conversations.items(id, authenticate()):
        if item.id == item_id:
            return _json(item.json)
    raise item_not_found(item_id, stored=True, param=None)


@blueprint.delete("/<id>/items/<item_id>")
def delete_item(id: str, item_id: str) -> Response:
    tenant = authenticate()
    store = services().conversations
    conversation = store.conversation(id, tenant)
    try:
        store.remove(id, tenant, item_id)
    except NotFound:
        raise item_not_found(item_id, stored=True, param=None) from None
    return _json(conversation_log.conversation_json(conversation))


def _body(*names: str, required: str | None = None) -> dict[str, Any]:
    """Return the members of the request's body; raise RequestError for the first thing that is wrong with it."""
    body = read_body(request, services().settings)
    members = decode_members(body)
    for name in members:
        if name not in names:
            raise unknown_parameter(shorten(name), "")
    refuse_bad_characters(body, members)
    if required is not None and required not in members:
        raise missing_parameter(required)
    loaded: dict[str, Any] = _schema.load({name: raw for name, raw in members.items() if raw != Raw(b"null")})
    return loaded


def _json(body: bytes) -> Response:
    return Response(body, content_type="application/json")

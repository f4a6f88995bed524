"""`/v1/conversations`: create, read, update and delete conversations and their items.

Source: OpenAI API reference, Conversations.
"""

from typing import Any, Final

from flask import Blueprint, Response
from flask import request as http
from marshmallow import EXCLUDE, Schema

from adapter.api.current import current_caller, services
from adapter.api.request.fields import Member, Metadata
from adapter.api.request.intake import read_callers_body
from adapter.api.request.queries import parse_page
from adapter.flow.caller import Caller
from adapter.history import conversation_log
from adapter.history.references import replace_references
from adapter.services import new_ids
from adapter.store.base import NotFound
from translators.errors import RequestError, item_not_found, missing_parameter, shorten, unknown_parameter
from translators.responses.characters import check_characters
from translators.responses.decoding.items import decode_items
from translators.responses.includes import shown_item
from translators.responses.items import CompactionTrigger, ItemReference
from translators.responses.listing import list_items_with_ids, list_page
from translators.wire import Raw, decode_members, encode

blueprint = Blueprint("conversations", __name__, url_prefix="/v1/conversations")

_MAX_ITEMS: Final = 20
"""Of one request. Source: OpenAI API reference, Conversations: create."""


class Items(Member):
    """The items to add, at most 20."""

    def read(self, raw: Raw, name: str) -> Any:
        items = decode_items(bytes(raw), _MAX_ITEMS, name)
        if CompactionTrigger in map(type, items):
            raise RequestError(
                "A 'compaction_trigger' item cannot be stored. Send it as the last input item of a response.",
                param=name,
                code="invalid_value",
            )
        return items


class ConversationSchema(Schema):
    """The members of a conversation's bodies."""

    class Meta:
        unknown = EXCLUDE  # names are checked before

    items = Items()
    metadata = Metadata()


_schema: Final = ConversationSchema()


@blueprint.post("")
def create() -> Response:
    caller, app = current_caller(), services()
    app.quota.check(caller.tenant)
    body, tenant = _read_members(caller, "items", "metadata"), caller.tenant
    items, metadata = body.get("items", ()), body.get("metadata", {})
    return _json(conversation_log.create_conversation(app.conversations, tenant, new_ids(), items, metadata))


@blueprint.get("/<id>")
def retrieve(id: str) -> Response:
    return _json(conversation_log.conversation_json(services().conversations.conversation(id, current_caller().tenant)))


@blueprint.post("/<id>")
def update(id: str) -> Response:
    caller, store = current_caller(), services().conversations
    body, tenant = _read_members(caller, "metadata", required="metadata"), caller.tenant
    stored = store.conversation(id, tenant)
    changed = type(stored)(id, tenant, stored.created_at, encode(body.get("metadata", {})))
    store.put_conversation(changed)
    return _json(conversation_log.conversation_json(changed))


@blueprint.delete("/<id>")
def delete(id: str) -> Response:
    services().conversations.delete_conversation(id, current_caller().tenant)
    return _json(encode({"id": id, "object": "conversation.deleted", "deleted": True}))


@blueprint.post("/<id>/items")
def add_items(id: str) -> Response:
    caller, app = current_caller(), services()
    app.quota.check(caller.tenant)
    body, tenant = _read_members(caller, "items", required="items"), caller.tenant
    taken = {item.id for item in app.conversations.items(id, tenant)}
    items = list_items_with_ids(body.get("items", ()), new_ids(), taken)
    app.conversations.append(id, tenant, conversation_log.stored_items(items))
    return _json(encode(list_page(items, limit=_MAX_ITEMS, order="asc", after=None, before=None)))


@blueprint.get("/<id>/items")
def list_items(id: str) -> Response:
    found = {item.id: item.json for item in services().conversations.items(id, current_caller().tenant)}
    page = list_page([{"id": id} for id in found], **parse_page(http.args))
    page["data"] = [Raw(shown_item(found[item["id"]])) for item in page["data"]]
    return _json(encode(page))


@blueprint.get("/<id>/items/<item_id>")
def retrieve_item(id: str, item_id: str) -> Response:
    for item in services().conversations.items(id, current_caller().tenant):
        if item.id == item_id:
            return _json(shown_item(item.json))
    raise item_not_found(item_id, param=None)


@blueprint.delete("/<id>/items/<item_id>")
def delete_item(id: str, item_id: str) -> Response:
    tenant = current_caller().tenant
    store = services().conversations
    conversation = store.conversation(id, tenant)
    try:
        store.remove(id, tenant, item_id)
    except NotFound:
        raise item_not_found(item_id, param=None) from None
    return _json(conversation_log.conversation_json(conversation))


def _read_members(caller: Caller, *names: str, required: str | None = None) -> dict[str, Any]:
    """Return the members of the request's body, with references replaced by the items they name; raise RequestError."""
    app = services()
    body = read_callers_body(http.environ, caller, app)
    members = decode_members(body)
    for name in members:
        if name not in names:
            raise unknown_parameter(shorten(name), "")
    check_characters(body, members)
    if required is not None and required not in members:
        raise missing_parameter(required)
    loaded: dict[str, Any] = _schema.load({name: raw for name, raw in members.items() if raw != Raw(b"null")})
    if ItemReference in map(type, loaded.get("items", ())):
        items = replace_references(loaded["items"], bytes(members["items"]), app.responses, caller.tenant)
        loaded["items"] = decode_items(items, in_history=True)
    return loaded


def _json(body: bytes) -> Response:
    return Response(body, content_type="application/json")

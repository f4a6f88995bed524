"""`/v1/responses`: create, read, cancel, list the input, delete. Source: OpenAI API reference, Responses."""

from collections.abc import Sequence, Set
from contextlib import closing
from typing import Any

from flask import Blueprint, Response
from flask import request as http

from adapter.api.current import current_caller, services
from adapter.api.errors import upgrade_required
from adapter.api.notes_header import notes_header
from adapter.api.request.intake import admit_http
from adapter.api.request.queries import parse_include, parse_page, parse_retrieve
from adapter.api.stream import frame_writer, frames_writer, resend_events, stream_events
from adapter.flow.caller import Caller
from adapter.flow.exchange import open_exchange
from adapter.services import Services
from adapter.sharing.offload import MANY_ITEMS_BYTES
from adapter.store.base import StoredResponse
from translators.notes import Notes
from translators.responses.decoding.items import decode_items
from translators.responses.includes import remove_hidden, remove_unincluded
from translators.responses.listing import list_items, list_page
from translators.responses.request import CreateRequest
from translators.responses.response import OutputOfResponse
from translators.wire import Decoder, encode

blueprint = Blueprint("responses", __name__, url_prefix="/v1")

_output_of = Decoder(OutputOfResponse).decode


@blueprint.post("/responses")
def create() -> Response:
    app = services()
    caller, request = admit_http(http.environ, app)
    if request.background:
        return _create_in_background(app, caller, request)
    exchange = open_exchange(app.flow, caller, request)
    if request.stream:
        return stream_events(exchange, app, frames_writer(request))
    with closing(exchange):
        body = exchange.answer_json()
        exchange.watch.delay_headers()
        return _json(body, notes_header(exchange.notes))


def _create_in_background(app: Services, caller: Caller, request: CreateRequest) -> Response:
    run = app.background.create_run(caller.tenant, frame_writer(request) if request.stream else None)
    exchange = open_exchange(app.flow, caller.watched_by(run.watch), request, keeper=run)
    first = run.start(exchange)
    if request.stream:
        return resend_events(app, exchange.stored(), -1, caller.watch, notes_header(exchange.notes))
    return _json(encode(first), notes_header(exchange.notes))


@blueprint.route("/responses", websocket=True)
def connect() -> Response:
    """Take the connection over for WebSocket messages."""
    from adapter.api.websocket.connection import upgrade  # imported late: it needs modules that only WebSockets use

    return upgrade(http.environ, services())


@blueprint.get("/responses")
def refuse_plain_get() -> Response:
    """Refuse a GET that asks for no WebSocket, for example since a proxy has removed its `Upgrade`."""
    current_caller()
    raise upgrade_required(
        "A GET of this URL has to be a WebSocket handshake. Send requests by POST, or have the proxy in front pass on "
        "the headers Upgrade and Connection."
    )


@blueprint.get("/responses/<id>")
def retrieve(id: str) -> Response:
    reader = current_caller()
    query = parse_retrieve(http.args)
    parse_include(http.args)  # checked only: a response is always shown whole
    app = services()
    stored = app.runs.get(id, reader.tenant)
    headers = notes_header(Notes.read(stored.notes))
    if query["stream"] == "true":
        app.runs.check_resendable(id, reader.tenant)
        return resend_events(app, stored, query["starting_after"], reader.watch, headers)
    return _json(remove_hidden(stored.response), headers)


@blueprint.delete("/responses/<id>")
def delete(id: str) -> Response:
    services().runs.delete(id, current_caller().tenant)
    return _json(encode({"id": id, "object": "response", "deleted": True}))


@blueprint.post("/responses/<id>/cancel")
def cancel(id: str) -> Response:
    stored = services().runs.cancel(id, current_caller().tenant)
    return _json(remove_hidden(stored.response), notes_header(Notes.read(stored.notes)))


@blueprint.get("/responses/<id>/input_items")
def input_items(id: str) -> Response:
    """List what the response was made from: the history it continues, then its own input."""
    tenant, app = current_caller().tenant, services()
    query = parse_page(http.args)
    include = parse_include(http.args)
    chain = app.responses.chain(id, tenant)
    if sum(len(stored.input) + len(stored.response) for stored in chain) < MANY_ITEMS_BYTES:
        return _json(_list_input(chain, query, include))
    return _json(app.offload.run(tenant, _list_input, chain, query, include))


def _list_input(chain: Sequence[StoredResponse], query: dict[str, Any], include: Set[str]) -> bytes:
    """Return one page of the items of a chain, without the output of its last response; raise RequestError."""
    items, taken_ids = [], set[str]()
    for stored in chain:
        items += list_items(decode_items(stored.input, in_history=True), stored.id, taken_ids)
        if stored is not chain[-1]:
            items += list_items(_output_of(stored.response).output, stored.id, taken_ids)
    shown = list_page(items, **query)
    remove_unincluded(shown["data"], include)
    return encode(shown)


def _json(body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, content_type="application/json", headers=headers)

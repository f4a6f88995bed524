"""`/v1/responses`: create, read, cancel, list the input, delete."""

from contextlib import closing

from flask import Blueprint, Response, request

from adapter.api.auth import authenticate, bearer
from adapter.api.current import services
from adapter.api.notes_header import notes_header
from adapter.api.request.body import read_body
from adapter.api.request.queries import parse_include, parse_page, parse_retrieve
from adapter.api.request.schemas import parse_create
from adapter.api.stream import event_stream, framing, replay
from adapter.event_loop.client_watch import ClientWatch
from adapter.flow.exchange import Caller, Exchange
from adapter.history.references import resolve_references
from adapter.services import Services
from translators.notes import Notes
from translators.responses.includes import leave_out
from translators.responses.input import decode_items
from translators.responses.listing import listed, page
from translators.responses.request import CreateRequest
from translators.responses.response import OutputOfResponse
from translators.wire import Decoder, encode

blueprint = Blueprint("responses", __name__, url_prefix="/v1")

_output_of = Decoder(OutputOfResponse).decode


@blueprint.post("/responses")
def create() -> Response:
    tenant = authenticate()
    app = services()
    body = read_body(request, app.settings)
    settings = app.settings
    wanted = parse_create(
        body, max_items=settings.max_input_items, passthrough=settings.passthrough, prompts=settings.prompts
    )
    wanted = resolve_references(wanted, app.responses, tenant)
    if wanted.background:
        return _create_in_background(app, tenant, wanted)
    exchange = Exchange(app, Caller(tenant, bearer(), ClientWatch(request.environ)), wanted)
    if wanted.stream:
        return event_stream(exchange, app, framing(wanted))
    with closing(exchange):
        body = encode(exchange.answer())
        exchange.watch.delay_headers()
        return _json(body, notes_header(exchange.notes))


def _create_in_background(app: Services, tenant: str, wanted: CreateRequest) -> Response:
    run = app.background.create_run(framing(wanted) if wanted.stream else None)
    exchange = Exchange(app, Caller(tenant, bearer(), run.watch), wanted, run)
    first = run.start(exchange)
    if wanted.stream:
        return replay(app, exchange.stored(), -1, ClientWatch(request.environ), notes_header(exchange.notes))
    return _json(encode(first), notes_header(exchange.notes))


@blueprint.route("/responses", websocket=True)
def connect() -> Response:
    """Take the connection over for WebSocket messages."""
    from adapter.api.websocket.connection import upgrade  # with what only WebSockets need

    return upgrade()


@blueprint.get("/responses/<id>")
def retrieve(id: str) -> Response:
    tenant = authenticate()
    wanted = parse_retrieve(request.args)
    parse_include(request.args)  # a Response shows all of it
    app = services()
    stored = app.runs.get(id, tenant)
    headers = notes_header(Notes.read(stored.notes))
    if wanted["stream"] == "true":
        app.runs.check_resendable(id, tenant)
        return replay(app, stored, wanted["starting_after"], ClientWatch(request.environ), headers)
    return _json(stored.response, headers)


@blueprint.delete("/responses/<id>")
def delete(id: str) -> Response:
    services().runs.delete(id, authenticate())
    return _json(encode({"id": id, "object": "response", "deleted": True}))


@blueprint.post("/responses/<id>/cancel")
def cancel(id: str) -> Response:
    stored = services().runs.cancel(id, authenticate())
    return _json(stored.response, notes_header(Notes.read(stored.notes)))


@blueprint.get("/responses/<id>/input_items")
def input_items(id: str) -> Response:
    """List what the response was made from: the history it continues, then its own input."""
    tenant = authenticate()
    wanted = parse_page(request.args)
    include = parse_include(request.args)
    items, taken = [], set[str]()
    chain = services().responses.chain(id, tenant)
    for stored in chain:
        items += listed(decode_items(stored.input), stored.id, taken)
        if stored is not chain[-1]:
            items += listed(_output_of(stored.response).output, stored.id, taken)
    shown = page(items, **wanted)
    leave_out(shown["data"], include)
    return _json(encode(shown))


def _json(body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, content_type="application/json", headers=headers)

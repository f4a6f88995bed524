"""`/v1/responses/compact` and `/v1/responses/input_tokens`: a context made smaller, and measured.

Both take the members of a create request that make up a context, a compaction a few more. Whatever else a create
request may have is accepted and left alone, with a note: some clients (Codex) send here what they send to create. But
what would bring a context of its own is refused. Nothing is stored. Source: responses-api reference §8.1, §1.3.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Final

from flask import Blueprint, Response, request

from adapter.api.auth import authenticate, bearer
from adapter.api.current import services
from adapter.api.notes_header import notes_header
from adapter.api.request.body import read_body
from adapter.api.request.schemas import parse_part
from adapter.event_loop.client_watch import ClientWatch
from adapter.flow.counting import count
from adapter.flow.exchange import Caller, Exchange
from adapter.history.references import resolve_references
from translators.context.compaction import add_trigger
from translators.errors import missing_parameter, unsupported_parameter
from translators.notes import Notes
from translators.responses.listing import with_ids
from translators.responses.request import CreateRequest
from translators.wire import encode

blueprint = Blueprint("compact", __name__, url_prefix="/v1/responses")

_COMPACTED: Final = (
    "model", "input", "instructions", "previous_response_id", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "service_tier", "image",
)  # fmt: skip
_COUNTED: Final = (
    "model", "input", "instructions", "previous_response_id", "conversation", "tools", "tool_choice",
    "parallel_tool_calls", "reasoning", "text", "truncation",
)  # fmt: skip


@blueprint.post("/compact")
def compact() -> Response:
    tenant, app = authenticate(), services()
    body = read_body(request, app.settings)
    notes = Notes()
    wanted = _wanted(body, _COMPACTED, notes)
    if not wanted.model:
        raise missing_parameter("model")
    wanted = add_trigger(resolve_references(wanted, app.responses, tenant))
    with closing(Exchange(app, Caller(tenant, bearer(), ClientWatch(request.environ)), wanted)) as exchange:
        exchange.notes.repeat(notes)
        response = exchange.answer()
        shown = {
            "id": response.id,
            "object": "response.compaction",
            "created_at": response.created_at,
            "output": [*with_ids(exchange.retained(), app.ids()), *response.output],
            "usage": response.usage,
        }
        return _json(encode(shown), notes_header(exchange.notes))


@blueprint.post("/input_tokens")
def input_tokens() -> Response:
    tenant, app = authenticate(), services()
    body = read_body(request, app.settings)
    notes = Notes()
    wanted = resolve_references(_wanted(body, _COUNTED, notes), app.responses, tenant)
    tokens = count(app, Caller(tenant, bearer(), ClientWatch(request.environ)), wanted, notes)
    return _json(encode({"object": "response.input_tokens", "input_tokens": tokens}), notes_header(notes))


def _wanted(body: bytes, names: Sequence[str], notes: Notes) -> CreateRequest:
    """Return what the members of these names ask for; note the others."""
    wanted, others = parse_part(body, names, max_items=services().settings.max_input_items, others=("personality",))
    for name in others:
        if name in ("conversation", "prompt"):
            raise unsupported_parameter(name, "is not taken here. Send its items as 'input'.")
        notes.add(name, "dropped", "it has no effect here")
    return wanted


def _json(body: bytes, headers: dict[str, str]) -> Response:
    return Response(body, content_type="application/json", headers=headers)

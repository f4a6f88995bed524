"""`/v1/responses/compact` and `/v1/responses/input_tokens`: a context made smaller, and measured.

Both take the members of a create request that make up a context. A compaction has a few more, and whatever else a
create request may have is accepted and left alone, with a note: older clients (Codex) send what they send to create.
Nothing is stored. Source: responses-api reference §8.1, §1.3.
"""

from contextlib import closing
from typing import Final

from flask import Blueprint, Response, request

from adapter.api.auth import authenticate, bearer
from adapter.api.body import read_body
from adapter.api.schemas import parse_part
from adapter.client_watch import ClientWatch
from adapter.counting import count
from adapter.create import Caller, Exchange
from adapter.references import resolved
from adapter.services import services
from translators.compaction import with_trigger
from translators.errors import missing
from translators.listing import with_ids
from translators.notes import Notes
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
    wanted, ignored = parse_part(body, _COMPACTED, max_items=app.settings.max_input_items)
    if not wanted.model:
        raise missing("model")
    wanted = with_trigger(resolved(wanted, app.store, tenant))
    with closing(Exchange(app, Caller(tenant, bearer(), ClientWatch(request.environ)), wanted)) as exchange:
        for name in ignored:
            exchange.notes.add(name, "dropped", "a compaction has no use for it")
        response = exchange.answer()
        shown = {
            "id": response.id,
            "object": "response.compaction",
            "created_at": response.created_at,
            "output": [*with_ids(exchange.retained(), app.ids()), *response.output],
            "usage": response.usage,
        }
        return _json(encode(shown), exchange.headers())


@blueprint.post("/input_tokens")
def input_tokens() -> Response:
    tenant, app = authenticate(), services()
    body = read_body(request, app.settings)
    wanted, _ = parse_part(body, _COUNTED, max_items=app.settings.max_input_items, others=("personality",))
    wanted = resolved(wanted, app.store, tenant)
    notes = Notes()
    tokens = count(app, Caller(tenant, bearer(), ClientWatch(request.environ)), wanted, notes)
    return _json(encode({"object": "response.input_tokens", "input_tokens": tokens}), notes.headers())


def _json(body: bytes, headers: dict[str, str]) -> Response:
    return Response(body, content_type="application/json", headers=headers)

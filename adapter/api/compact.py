"""`/v1/responses/compact` and `/v1/responses/input_tokens`: shorten a context, count its tokens.

Both accept the members of a create request that make up a context; compact accepts a few more. Other members of a
create request have no effect and get a note, because some clients (Codex) send here the body that they send to create;
those that would bring a context of their own are an error. Nothing is stored. Source: OpenAI API reference, Responses:
compact, input tokens.
"""

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Final

from flask import Blueprint, Response
from flask import request as http

from adapter.api.current import services
from adapter.api.notes_header import notes_header
from adapter.api.request.intake import admit_http
from adapter.api.request.schemas import parse_part
from adapter.flow.counting import count_tokens
from adapter.flow.exchange import open_exchange
from adapter.history.known_inputs import TenantInputs
from adapter.services import new_ids
from adapter.settings.settings import Settings
from translators.context.compaction import add_trigger
from translators.errors import missing_parameter, unsupported_parameter
from translators.notes import Notes
from translators.responses.listing import list_items_with_ids
from translators.responses.request import CreateRequest
from translators.wire import encode

blueprint = Blueprint("compact", __name__, url_prefix="/v1/responses")

_COMPACT_MEMBERS: Final = (
    "model", "input", "instructions", "previous_response_id", "tools", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "service_tier", "image",
)  # fmt: skip
_INPUT_TOKENS_MEMBERS: Final = (
    "model", "input", "instructions", "previous_response_id", "conversation", "tools", "tool_choice",
    "parallel_tool_calls", "reasoning", "text", "truncation",
)  # fmt: skip


@blueprint.post("/compact")
def compact() -> Response:
    app, notes = services(), Notes()
    parse = partial(_parse_context, names=_COMPACT_MEMBERS, notes=notes, needs_model=True)
    caller, request = admit_http(http.environ, app, parse)
    with closing(open_exchange(app.flow, caller, add_trigger(request), notes=notes)) as exchange:
        response = exchange.answer()
        compaction = {
            "id": response.id,
            "object": "response.compaction",
            "created_at": response.created_at,
            "output": [*list_items_with_ids(exchange.retained(), new_ids()), *response.output],
            "usage": response.usage,
        }
        return _json(encode(compaction), notes_header(exchange.notes))


@blueprint.post("/input_tokens")
def input_tokens() -> Response:
    app, notes = services(), Notes()
    caller, request = admit_http(
        http.environ, app, partial(_parse_context, names=_INPUT_TOKENS_MEMBERS, notes=notes)
    )
    tokens = count_tokens(app.flow, caller, request, notes)
    return _json(encode({"object": "response.input_tokens", "input_tokens": tokens}), notes_header(notes))


def _parse_context(
    body: bytes, settings: Settings, known: TenantInputs | None = None,
    *, names: Sequence[str], notes: Notes, needs_model: bool = False,
) -> CreateRequest:
    """Return the request that the members of these names make; note the other members.

    Nothing is `known` of such bodies.
    """  # fmt: skip
    request, others = parse_part(body, names, max_items=settings.max_input_items, others=("personality",))
    for name in others:
        if name in ("conversation", "prompt"):
            raise unsupported_parameter(name, "is not accepted here. Send its items as 'input'.")
        notes.add(name, "dropped", "it has no effect here")
    if needs_model and not request.model:
        raise missing_parameter("model")
    return request


def _json(body: bytes, headers: dict[str, str]) -> Response:
    return Response(body, content_type="application/json", headers=headers)

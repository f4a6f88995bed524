"""A recorded request once more: translated for another upstream, model or dialect, or sent there.

The answer to a request that is sent is neither stored nor seen by its caller; it is a recording of its own, which says
what it replays. No lesson is learned from it. What has been cut out of a recording cannot be replayed, and neither can
a request that continues a conversation, which has gone on since, nor one that asks for a summary of its context.
"""

import time
from contextlib import closing
from typing import Any

from flask import Blueprint, Response, request
from msgspec import Struct
from msgspec.structs import replace

from adapter.api.admin.inspector.recordings import answer, find, recorder
from adapter.api.current import services
from adapter.api.error_reports import report_error
from adapter.api.request.intake import parse_body
from adapter.event_loop.client_watch import ClientWatch
from adapter.flow.caller import Caller
from adapter.flow.context import ContextSource, gather_context
from adapter.flow.exchange import open_exchange
from adapter.flow.observation import FORWARDED_TRANSPORT
from adapter.history.references import resolve_references
from adapter.services import FlowServices, Services
from adapter.telemetry.inspector.packing import CUT
from adapter.telemetry.inspector.spool import Listed
from adapter.upstream.learning import ModelDialects
from adapter.upstream.lessons import Lessons
from adapter.upstream.routing.candidates import Candidates
from adapter.upstream.routing.health import Candidate, Health
from adapter.upstream.routing.registry import Registry
from adapter.upstream.routing.retries import RetryBudget, foreground
from translators.context.compaction import asks_for_compaction
from translators.dialects.presets import PRESETS
from translators.errors import RequestError
from translators.responses.request import CreateRequest
from translators.wire import Decoder, decode_param

blueprint = Blueprint("replay", __name__, url_prefix="/inspector/api")


class _Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """What to do with a recorded request."""

    id: str
    upstream: str | None = None
    """None: the one that answered it first."""
    model: str | None = None
    """Its name at the upstream."""
    dialect: str | None = None
    """A preset; None: the upstream's own, with what is known of the model."""
    send: bool = False


_decode = Decoder(_Wanted)


@blueprint.post("/replay")
def replay_request() -> Response:
    """Return the chat request of a recorded request with its notes, or what came when it was sent again."""
    wanted = decode_param(_decode, request.get_data(), "body")
    app = services()
    listed, contents = find(recorder(), wanted.id)
    create = _read_request(listed, contents.request, app)
    candidate = _choose(wanted, listed, create, app)
    flow = _only(candidate, wanted.dialect, app)
    if wanted.send:
        assert contents.request is not None
        return answer(_send(listed, create, contents.request, flow))
    source = ContextSource(flow, listed.head.tenant, create)
    dialect = flow.dialects[candidate.upstream].for_model(candidate.model, listed.head.tenant)
    context = gather_context(source, candidate, dialect)
    chat = context.translate()
    return answer({
        "chat": chat.json.decode(), "notes": list(context.notes), "upstream": candidate.upstream,
        "model": candidate.model, "dialect": dialect.name, "lessons": dialect.lessons,
    })  # fmt: skip


def _read_request(listed: Listed, body: bytes | None, app: Services) -> CreateRequest:
    """Return the recorded request as it was admitted; raise RequestError if that cannot be done."""
    if listed.head.transport == FORWARDED_TRANSPORT:
        raise RequestError("This request cannot be replayed: it was forwarded, not translated.", status=409)
    if body is None:
        raise RequestError(f"This request cannot be replayed: its contents are {listed.head.contents}.", status=409)
    if CUT in body:
        raise RequestError("This request cannot be replayed: images or files were left out of it.", status=409)
    create = parse_body(body, app.settings)
    if listed.head.path.endswith("/compact") or asks_for_compaction(create.input):
        raise RequestError("This request cannot be replayed: it asks for a summary of its context.", status=409)
    if create.conversation is not None:
        raise RequestError("This request cannot be replayed: its conversation has gone on since.", status=409)
    return resolve_references(create, app.responses, listed.head.tenant)


def _choose(wanted: _Wanted, listed: Listed, create: CreateRequest, app: Services) -> Candidate:
    """Return where to send the request; raise RequestError for an unknown upstream or dialect."""
    if wanted.dialect is not None and wanted.dialect not in PRESETS:
        raise RequestError(f"There is no dialect {wanted.dialect[:60]}.", param="dialect", code="invalid_value")
    if wanted.upstream is not None and wanted.upstream not in app.upstreams:
        raise RequestError(f"There is no upstream {wanted.upstream[:60]}.", param="upstream", code="invalid_value")
    first = listed.head.attempts[0] if listed.head.attempts else None
    if first is None or (wanted.upstream or first.upstream) != first.upstream:
        offered = [
            one for one in app.registry.list_candidates(create.model) if wanted.upstream in (None, one.upstream)
        ]
        if offered:
            return offered[0]._replace(model=wanted.model or offered[0].model)
        upstream = wanted.upstream or next(iter(app.upstreams))
        return Candidate(upstream, wanted.model or create.model, None, 1.0)
    return Candidate(first.upstream, wanted.model or first.model, first.key, 1.0)


class _NoLessons(Lessons):
    """Teaches and learns nothing."""

    def __init__(self) -> None:
        pass

    def for_model(self, upstream: str, model: str, tenant: str) -> frozenset[str]:
        return frozenset()

    def refresh(self) -> None:
        pass

    def add(self, upstream: str, model: str, lesson: str, tenant: str) -> None:
        pass


class _Known(ModelDialects):
    """An upstream's dialects as they are known; nothing is learned."""

    def add(self, model: str, lesson: str, tenant: str) -> None:
        pass


class _OneCandidate(Registry):
    """Has one candidate for every model. Its failures are not the circuit breaker's."""

    def __init__(self, candidate: Candidate) -> None:
        self.health = Health(time.monotonic)
        self._only = candidate

    def draw_candidates(self, model: str, group: str, *, in_background: bool = False) -> Candidates:
        budgets = {self._only.upstream: RetryBudget(time.monotonic)}
        return Candidates(self.health, budgets, foreground(0), [self._only], self._only, True)


def _only(candidate: Candidate, dialect: str | None, app: Services) -> FlowServices:
    """Return services that send everything to one candidate."""
    name = candidate.upstream
    if dialect is None:
        dialects: ModelDialects = _Known(app.upstreams[name].dialect, app.lessons, name)
    else:
        dialects = ModelDialects(PRESETS[dialect], _NoLessons(), name)
    return replace(app.flow, registry=_OneCandidate(candidate), dialects={name: dialects})


def _send(listed: Listed, create: CreateRequest, body: bytes, flow: FlowServices) -> dict[str, Any]:
    """Return the response to a request that is sent again, or its error, and the id of its recording."""
    create = replace(create, stream=False, background=False, store=False)
    caller = Caller(listed.head.tenant, None, None, ClientWatch(request.environ.get("gunicorn.socket")))
    own = recorder()
    caller.recording = recording = own.begin(caller, listed.head.path, body, time.monotonic())
    recording.steps += ("key", "replay"), ("replay_of", listed.head.id)
    recording.steps.append(("asked", create.model, create.previous_response_id, None))
    if not listed.head.contents.startswith("recorded"):
        recording.withhold(listed.head.contents)
    result: dict[str, Any] = {"recording": recording.id}
    try:
        with closing(open_exchange(flow, caller, create)) as exchange:
            result |= {"response": exchange.answer(), "notes": list(exchange.notes)}
    except Exception as error:
        report = report_error(error)
        report.write_log()
        recording.refuse(report.error)
        result |= report.error.envelope()
    own.flush()  # who replays it looks at its recording next
    return result

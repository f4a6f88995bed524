"""A recorded request once more: translated for another upstream, model or dialect, or sent there.

The answer to a request that is sent is neither stored nor seen by its caller; it is a recording of its own, which says
what it replays. No lesson is learned from it. What has been cut out of a recording cannot be replayed, and neither can
a request that continues a conversation, which has gone on since, nor one that asks for a summary of its context.

Translated is what was asked first, so it is to be compared with the chat requests before the first answer: the tools
that the adapter runs are functions in both, and an answer with calls of them is followed by others.
"""

import re
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response, request
from msgspec import Struct
from msgspec.structs import replace

from adapter.api.admin.inspector.recordings import answer, find, masked, recorder
from adapter.api.current import services
from adapter.api.error_reports import report_error
from adapter.api.request.intake import parse_body
from adapter.event_loop.client_watch import ClientWatch
from adapter.flow.caller import Caller
from adapter.flow.context import Context, ContextSource, gather_context
from adapter.flow.exchange import open_exchange
from adapter.flow.flow import check_request
from adapter.flow.observation import FORWARDED_TRANSPORT
from adapter.flow.plans import RoundRequest, ask_as_requested, ask_uncompacted
from adapter.history.references import resolve_references
from adapter.services import FlowServices, Services
from adapter.telemetry.inspector.cuts import CUT
from adapter.telemetry.inspector.heads import Attempt
from adapter.telemetry.inspector.spool import Listed
from adapter.telemetry.logs import log_context
from adapter.upstream.learning import ModelDialects
from adapter.upstream.lessons import Lessons
from adapter.upstream.routing.candidates import Candidates
from adapter.upstream.routing.health import Candidate, Health
from adapter.upstream.routing.registry import Registry
from adapter.upstream.routing.retries import RetryBudget, foreground
from translators.context.compaction import asks_for_compaction
from translators.dialects.presets import PRESETS
from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.items import Compaction
from translators.responses.request import CreateRequest, names_hosted_tools
from translators.wire import Decoder, decode_param, encode

blueprint = Blueprint("replay", __name__, url_prefix="/inspector/api")

_SAME_ROUND: Final = frozenset({"lesson", "failover", "retry"})
"""Why another attempt is made to get the same answer."""
_MASKED: Final = re.compile(
    rb'"(?:server|file|image)_url"\s*:\s*"[^"]*\*|"authorization"\s*:\s*"\*|"headers"\s*:\s*\{[^{}]*:\s*"\*'
)
"""A URL or credentials of which asterisks were recorded: what is sent with them is another request."""
_SEALED_END: Final = "..."
"""In the place of all but the beginning of what is sealed."""


class _Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """What to do with a recorded request."""

    id: str
    upstream: str | None = None
    """None: the one that answered first."""
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
    asked, notes = _translate(flow, listed.head.tenant, create, candidate)
    context: Context = asked.context
    return answer({
        "chat": asked.chat.json.decode(), "notes": [*notes, *context.notes], "upstream": candidate.upstream,
        "model": candidate.model, "dialect": context.dialect.name, "lessons": context.dialect.lessons,
        "attempt": _first_answered(listed.head.attempts),
    })  # fmt: skip


def _translate(
    flow: FlowServices, tenant: str, create: CreateRequest, candidate: Candidate
) -> tuple[RoundRequest, Notes]:
    """Return what a request asks first, and the notes on its tools; raise RequestError, UpstreamError, StoreDown."""
    source, notes, plan = ContextSource(flow, tenant, create), Notes(), ask_as_requested
    if names_hosted_tools(create, flow.hosted):
        from adapter.flow.tools.hosted_tools import prepare_tools  # imported late: most requests have no such tools

        caller = _caller(tenant)
        request, tools = prepare_tools(source, caller, partial(check_request, flow, caller, None), notes)
        tools.close()
        source = replace(source, request=request)
        plan = ask_uncompacted if tools.approved else plan
    dialect = flow.dialects[candidate.upstream].for_model(candidate.model, tenant)
    return plan(gather_context(source, candidate, dialect)), notes


def _first_answered(attempts: Sequence[Attempt]) -> int | None:
    """Return the number of the attempt that was answered first, or was the last one; None: there was none."""
    at = 0
    while at + 1 < len(attempts) and attempts[at + 1].reason in _SAME_ROUND:
        at += 1
    return at if attempts else None


def _caller(tenant: str) -> Caller:
    """Return the operator, who asks in the place of a tenant."""
    return Caller(tenant, None, None, ClientWatch(request.environ.get("gunicorn.socket")))


def _read_request(listed: Listed, body: bytes | None, app: Services) -> CreateRequest:
    """Return the recorded request as it was admitted; raise RequestError if that cannot be done."""
    if listed.head.transport == FORWARDED_TRANSPORT:
        raise RequestError("This request cannot be replayed: it was forwarded, not translated.", status=409)
    if body is None:
        raise RequestError(f"This request cannot be replayed: its contents are {listed.head.contents}.", status=409)
    if CUT in body:
        raise RequestError("This request cannot be replayed: images or files were left out of it.", status=409)
    if _MASKED.search(body):
        raise RequestError("This request cannot be replayed: URLs or credentials were left out of it.", status=409)
    create = parse_body(body, app.settings)
    if any(type(item) is Compaction and _SEALED_END in item.encrypted_content for item in create.input):
        raise RequestError("This request cannot be replayed: a sealed summary was left out of it.", status=409)
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
    at = _first_answered(listed.head.attempts)
    first = None if at is None else listed.head.attempts[at]
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
    caller = _caller(listed.head.tenant)
    own = recorder()
    caller.recording = recording = own.begin(
        caller, listed.head.path, body, time.monotonic(), log_context.get()
    )
    recording.steps += ("key", "replay"), ("replay_of", listed.head.id)
    recording.steps.append(("asked", create.model, create.previous_response_id, None))
    if not listed.head.contents.startswith("recorded"):
        recording.withhold(listed.head.contents)
    result: dict[str, Any] = {"recording": recording.id}
    try:
        with closing(open_exchange(flow, caller, create)) as exchange:
            result |= {"response": masked(encode(exchange.answer())), "notes": list(exchange.notes)}
    except Exception as error:
        report = report_error(error)
        report.write_log()
        recording.refuse(report.error)
        result |= report.error.envelope()
    own.flush()  # who replays it looks at its recording next
    return result

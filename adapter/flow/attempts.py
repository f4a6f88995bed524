"""The attempts at one response: which candidate gets the request, in which form of its dialect, until one answers.

A rejection may teach the candidate's dialect a lesson (`upstream/learning.py`); then the same candidate gets the
request again. After a failure that is not the caller's fault the next candidate gets it (`upstream/routing/`). Each
time the context is gathered and translated anew, because each candidate has a dialect and a seal of its own. If none is
left, one whose failure was temporary gets the request once more, after a delay. Once a candidate has answered, it gets
all later rounds (`round.py`), so that a response never mixes the answers of two models.
"""

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from adapter.flow.context import Context, ContextSource, gather_context
from adapter.flow.plans import Plan, RoundRequest
from adapter.flow.truncation import TruncatingCall
from adapter.store.base import StoreDown
from adapter.telemetry.catalog import RETRIES, UPSTREAM_CALLS
from adapter.telemetry.logs import log
from adapter.telemetry.traces.spans import current_trace
from adapter.upstream.call import Call
from adapter.upstream.learning import RetryPlan
from adapter.upstream.routing.candidates import Candidates
from adapter.upstream.routing.health import Candidate
from translators.errors import RequestError, UpstreamError
from translators.notes import Notes

if TYPE_CHECKING:
    from adapter.telemetry.inspector.recording import Recording


class Attempts:
    """The attempts at one response."""

    def __init__(
        self, source: ContextSource, candidates: Candidates, bearer: str | None, recording: "Recording | None" = None
    ) -> None:
        """`bearer` is the caller's key, for upstreams to which it is passed through.

        Each attempt is added to the `recording`; None: it is not recorded.
        """
        self._source = source
        self._services = source.services
        self._candidates = candidates
        self._bearer = bearer
        self._recording = recording
        self._retry_plans: dict[Candidate, RetryPlan] = {}
        self._retry_plan: RetryPlan
        """That of the current candidate, as soon as there is one."""
        self.context: Context
        """What was gathered for the current candidate."""

    def ask_first(self, plan: Plan) -> RoundRequest:
        """Return the request for the first possible candidate; raise RequestError, UpstreamError or StoreDown."""
        request = self._ask_next(plan)
        if request is None:
            raise self._candidates.final_error()
        return request

    def ask_again(self, rejected: RoundRequest, error: UpstreamError) -> RoundRequest:
        """Return the request after an error: as the error teaches, for the next candidate, or for one after a delay.

        If none can do better, raise the error that the caller gets: UpstreamError or RequestError.
        """
        request = self._retry_with_lesson(rejected, error)
        if request is None:
            failed = self._candidates.current
            better = self._candidates.record_failure(error)
            request = (self._retry_elsewhere(rejected.plan, failed, error) if better else None) or self._retry_later(
                rejected, failed, error
            )
        if request is None:
            raise self._candidates.final_error() from None
        return request

    def ask_the_same(self, failed: RoundRequest, error: UpstreamError) -> RoundRequest:
        """Return the request of a later round after an error, for the candidate that has answered before.

        If it cannot be sent again, raise the error.
        """
        self._candidates.record_failure(error)
        request = self._retry_later(failed, self._candidates.current, error)
        if request is None:
            raise error.copy() from None
        return request

    def ask(self, plan: Plan) -> RoundRequest:
        """Return what else to ask the current candidate, in the context that was gathered for it."""
        return plan(self.context)

    def send(self, json: bytes, delay: float) -> Call:
        """Send a chat request after `delay` seconds."""
        candidate = self._candidates.current
        upstream = self._services.upstreams[candidate.upstream]
        call = upstream.send_chat(json, bearer=self._bearer, key=candidate.key, delay=delay, model=candidate.model)
        if self._recording is not None:
            call.recording = self._recording
            lessons = self._retry_plan.dialect.lessons
            self._recording.begin_attempt(candidate.upstream, candidate.model, candidate.key, lessons, delay, json)
        return call

    def send_truncating(self, json: bytes, notes: Notes, delay: float) -> TruncatingCall:
        """Send a chat request after `delay` seconds, with as much history as the provider accepts, and a note."""
        return TruncatingCall(self._send_shorter, json, notes, self.send(json, delay))

    def _send_shorter(self, json: bytes, error: UpstreamError) -> Call:
        if self._recording is not None:
            self._recording.fail_attempt(error)
        self.explain_next("shorter history")
        return self.send(json, 0.0)

    def explain_next(self, reason: str) -> None:
        """Record why the next attempt is made, unless that is known."""
        if self._recording is not None:
            self._recording.reason = self._recording.reason or reason
        if (trace := current_trace()) is not None:
            trace.reason = reason

    def log_failure(self, error: UpstreamError) -> None:
        """Log why a call to the current candidate failed, unless the failure is not the provider's."""
        if (trace := current_trace()) is not None:
            trace.end_attempt(error.provider_status, error.cause or error.code or error.type)
        if error.cause:
            upstream, model, key, _ = self._candidates.current
            self._services.upstreams[upstream].log_failure(error, model=model, key=key)
            if self._recording is not None:
                self._recording.fail_attempt(error)

    def redact(self, text: str) -> str:
        """Remove the secrets of the current candidate's requests from a text of its errors."""
        return self._services.upstreams[self._candidates.current.upstream].redactor(self._bearer)(text)

    def record_answer(self) -> None:
        """Stay with this candidate, which has accepted the request, and keep the lessons about it."""
        UPSTREAM_CALLS.add((self._candidates.current.upstream, "ok"))
        if (trace := current_trace()) is not None:
            trace.end_attempt(200)
        self._candidates.record_success()
        self._retry_plan.confirm()

    @property
    def upstream(self) -> str:
        """The name of the current candidate's upstream."""
        return self._candidates.current.upstream

    def _retry_with_lesson(self, rejected: RoundRequest, error: UpstreamError) -> RoundRequest | None:
        """Translate for the same candidate as a rejection teaches; None if it teaches nothing."""
        if not self._retry_plan.next(error, rejected.chat.json):
            return None
        RETRIES.add((self.upstream, "learned"))
        try:
            request = self._gather(rejected.plan)
        except (RequestError, StoreDown):
            return None  # the provider's own rejection is what the caller should see
        self.explain_next("lesson")
        return request

    def _retry_elsewhere(self, plan: Plan, failed: Candidate, error: UpstreamError) -> RoundRequest | None:
        """Translate for the next candidate; None: none is left."""
        try:
            request = self._ask_next(plan)
        except StoreDown:
            return None
        if request is not None:
            self.explain_next("failover")
            self._log("retried elsewhere", failed, error, next=self._candidates.current.upstream)
        return request

    def _retry_later(self, request: RoundRequest, failed: Candidate, error: UpstreamError) -> RoundRequest | None:
        """Return the request for a candidate that may answer after a delay; None: there is none."""
        delay = self._candidates.next_retry()
        if delay is None:
            return None
        candidate = self._candidates.current
        if candidate != failed:
            self._retry_plan = self._retry_plans[candidate]
            try:
                request = self._gather(request.plan)
            except (RequestError, StoreDown):
                return None
        self.explain_next("retry")
        self._log("retried later", failed, error, next=candidate.upstream, seconds=round(delay, 3))
        return replace(request, delay=delay)

    def _log(self, event: str, failed: Candidate, error: UpstreamError, **fields: Any) -> None:
        RETRIES.add((failed.upstream, event.removeprefix("retried ")))
        log.warning(
            event, model=self._source.request.model, failed=failed.upstream, key=failed.key,
            status=error.provider_status or error.status, **fields,
        )  # fmt: skip

    def _ask_next(self, plan: Plan) -> RoundRequest | None:
        """Translate for the next candidate for which the request can be expressed; None if there is none."""
        while (candidate := self._candidates.next()) is not None:
            dialects, tenant = self._services.dialects[candidate.upstream], self._source.tenant
            dialect = dialects.for_model(candidate.model, tenant)
            self._retry_plan = RetryPlan(dialects, candidate.model, tenant, dialect)
            self._retry_plans[candidate] = self._retry_plan
            try:
                return self._gather(plan)
            except RequestError as error:
                self._candidates.reject(error)
        return None

    def _gather(self, plan: Plan) -> RoundRequest:
        self.context = gather_context(self._source, self._candidates.current, self._retry_plan.dialect)
        return plan(self.context)

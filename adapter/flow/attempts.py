"""The attempts at one response: which candidate gets the request, in which form of its dialect, until one answers.

A rejection may teach the candidate's dialect a lesson (`upstream/learning.py`); then the same candidate gets the
request again. After a failure that is not the caller's fault the next candidate gets it (`upstream/routing/`). Each
time the context is gathered and translated anew, because each candidate has a dialect and a seal of its own. Once a
candidate has answered, it gets all later rounds (`round.py`), so that a response never mixes the answers of two models.
"""

from functools import partial

import structlog

from adapter.flow.context import Context, ContextSource, gather_context
from adapter.flow.plans import Plan, RoundRequest
from adapter.flow.truncation import TruncatingCall
from adapter.store.base import StoreDown
from adapter.upstream.client import Call
from adapter.upstream.learning import RetryPlan
from adapter.upstream.redaction import Redactor
from adapter.upstream.routing.candidates import Candidates
from translators.errors import RequestError, UpstreamError
from translators.notes import Notes

log = structlog.get_logger()


class Attempts:
    """The attempts at one response."""

    def __init__(self, source: ContextSource, candidates: Candidates, bearer: str | None) -> None:
        """`bearer` is the caller's key, for upstreams to which it is passed through."""
        self._source = source
        self._services = source.services
        self._candidates = candidates
        self._bearer = bearer
        self._answered = False
        """A candidate has answered: the response stays with it."""

    def ask_first(self, plan: Plan) -> RoundRequest:
        """Return the request for the first possible candidate; raise RequestError, UpstreamError or StoreDown."""
        request = self._ask_next(plan)
        if request is None:
            raise self._candidates.final_error()
        return request

    def ask_again(self, rejected: RoundRequest, error: UpstreamError) -> RoundRequest:
        """Return the request after an error: for the same candidate as the error teaches, or for the next one.

        If neither can do better, raise the error that the caller gets: UpstreamError or RequestError.
        """
        request = self._retry_with_lesson(rejected, error) or self._retry_elsewhere(rejected.plan, error)
        if request is None:
            raise self._candidates.final_error() from None
        return request

    def ask(self, plan: Plan) -> RoundRequest:
        """Return what else to ask the current candidate, in the context that was gathered for it."""
        return plan(self._context)

    def send(self, json: bytes, notes: Notes) -> Call | TruncatingCall:
        """Send a chat request; with `truncation: "auto"`, with as much history as the provider accepts, and a note."""
        if self._source.request.truncation != "auto":
            return self.send_whole(json)
        candidate = self._candidates.current
        upstream = self._services.upstreams[candidate.upstream]
        send = partial(upstream.send_chat, bearer=self._bearer, key=candidate.key)
        return TruncatingCall(send, json, notes, send(json))

    def send_whole(self, json: bytes) -> Call:
        """Send a chat request as it is."""
        candidate = self._candidates.current
        return self._services.upstreams[candidate.upstream].send_chat(json, bearer=self._bearer, key=candidate.key)

    def redactor(self) -> Redactor:
        """Return what removes the secrets of the current candidate's requests from its errors."""
        return self._services.upstreams[self._candidates.current.upstream].redactor(self._bearer)

    def record_answer(self) -> None:
        """Stay with this candidate, which has accepted the request, and keep the lessons about it."""
        self._answered = True
        self._candidates.record_success()
        self._retry_plan.confirm()

    @property
    def upstream(self) -> str:
        """The name of the current candidate's upstream."""
        return self._candidates.current.upstream

    @property
    def notes(self) -> Notes:
        """The notes on the context and its translations for the current candidate."""
        return self._context.notes

    def _retry_with_lesson(self, rejected: RoundRequest, error: UpstreamError) -> RoundRequest | None:
        """Translate for the same candidate as a rejection teaches; None if it teaches nothing."""
        if not self._retry_plan.next(error, rejected.chat.json):
            return None
        try:
            return self._gather(rejected.plan)
        except (RequestError, StoreDown):
            return None  # the provider's own rejection is what the caller should see

    def _retry_elsewhere(self, plan: Plan, error: UpstreamError) -> RoundRequest | None:
        """Translate for the next candidate, if one could do better than the one that failed; else None."""
        failed = self._candidates.current
        try:
            if not self._candidates.record_failure(error) or self._answered or not (request := self._ask_next(plan)):
                return None
        except StoreDown:
            return None
        log.warning(
            "retried elsewhere", model=self._source.request.model, failed=failed.upstream, key=failed.key,
            status=error.provider_status or error.status, next=self._candidates.current.upstream,
        )  # fmt: skip
        return request

    def _ask_next(self, plan: Plan) -> RoundRequest | None:
        """Translate for the next candidate for which the request can be expressed; None if there is none."""
        while (candidate := self._candidates.next()) is not None:
            self._retry_plan = RetryPlan(
                self._services.dialects[candidate.upstream], candidate.model, self._source.tenant
            )
            try:
                return self._gather(plan)
            except RequestError as error:
                self._candidates.reject(error)
        return None

    def _gather(self, plan: Plan) -> RoundRequest:
        self._context: Context = gather_context(self._source, self._candidates.current, self._retry_plan.dialect)
        return plan(self._context)

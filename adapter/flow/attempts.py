"""What one response asks of its model, and whom: the candidates of the model, one after the other until one answers.

An `Asking` gathers the context (`context.py`) and translates it for the candidate of the moment; `body` is what goes
out next. That is the request itself, or first a summary of what it continues (`compaction.py`), and then the request
behind it. A refusal may teach the candidate's dialect (`upstream/learning.py`); a failure that is not the caller's has
the next one asked (`upstream/registry.py`). Then everything is gathered and translated anew, for each speaks and is
sealed for in its own way, and what was noted before is taken back. Once a candidate has answered, nobody else is asked:
what two models said is never put together.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import structlog
from msgspec.structs import replace

from adapter.flow.context import Context
from adapter.flow.truncation import TruncatingCall
from adapter.history.compaction_items import PendingCompaction
from adapter.services import Services
from adapter.store.base import StoreDown
from adapter.upstream.client import Call
from adapter.upstream.learning import RetryPlan
from translators.context.compaction import CompactedContext, asks_for_compaction, remove_trigger, window
from translators.context.pairs import drop_unpaired
from translators.context.summary import summary_request
from translators.errors import RequestError, UpstreamError
from translators.notes import Notes
from translators.responses.items import Item
from translators.responses.request import CreateRequest
from translators.to_chat.request import ChatRequest

log = structlog.get_logger()


class Asking:
    """The chat requests of one response."""

    def __init__(
        self,
        services: Services,
        tenant: str,
        bearer: str | None,
        request: CreateRequest,
        notes: Notes,
        conversation: Sequence[Item] | None,
        group: str,
    ) -> None:
        """Translate a request; raise RequestError, UpstreamError or StoreDown.

        `conversation` is what it holds, None without one. Requests of one `group` begin with the same candidate.
        """
        self._services = services
        self._tenant = tenant
        self._bearer = bearer
        self._triggered = asks_for_compaction(request.input)
        self.request = remove_trigger(request) if self._triggered else request
        """What is kept of the request: a trigger is not."""
        self._notes = notes
        self._made = Notes()
        """Those of the last translation."""
        self._conversation = conversation
        self.compaction: PendingCompaction | None = None
        """What the next answer is a summary for, if it is one."""
        self.summarised: Sequence[Item] = ()
        """The items of the last one."""
        self._asks: Literal["as asked", "whole"] | CreateRequest = "as asked"
        """What goes out next: the request as it came, with its whole context, or one that brings its context along."""
        self._candidates = services.registry.candidates(request.model, group)
        self._tied = False
        """A provider has answered: whatever else there is to ask, it is asked."""
        if not self._finds_another():
            raise self.verdict()

    def send(self, body: bytes) -> Call | TruncatingCall:
        """Send a chat request; with `truncation: "auto"`, as much of it as the provider takes."""
        candidate = self._candidates.current
        upstream = self._services.upstreams[candidate.upstream]
        send = partial(upstream.call, bearer=self._bearer, key=candidate.key)
        if self.request.truncation == "auto" and self.compaction is None:
            return TruncatingCall(send, body, self._notes)
        return send(body)

    def learns(self, error: UpstreamError) -> bool:
        """Translate anew if a refusal teaches how; False if it stands."""
        if not self._retry_plan.next(error, self.body.json):
            return False
        try:
            self._gather()
            self._translate(self._asks)
        except (RequestError, StoreDown):
            return False  # it cannot be said in this way, so the provider's own refusal is the answer
        return True

    def asks_another(self, error: UpstreamError) -> bool:
        """Translate for the next candidate, where one could do better than the one that failed; False if none can."""
        failed = self._candidates.current
        try:
            if not self._candidates.record_failure(error) or self._tied or not self._finds_another():
                return False
        except StoreDown:
            return False
        log.warning(
            "retried elsewhere", model=self.request.model, failed=failed.upstream, key=failed.key,
            status=error.provider_status or error.status, next=self._candidates.current.upstream,
        )  # fmt: skip
        return True

    def verdict(self) -> UpstreamError | RequestError:
        """Return what the caller is told when nobody could answer."""
        return self._candidates.final_error()

    def answered(self) -> None:
        """Stay with this provider, which took the request, and keep what was learned about it."""
        self._tied = True
        self._candidates.record_success()
        self._retry_plan.confirm()

    @property
    def upstream(self) -> str:
        """The name of the one that is asked."""
        return self._candidates.current.upstream

    def without_compaction(self) -> None:
        """Go on with the whole context: no summary can be had."""
        self._translate("whole")

    def behind(self, compaction: PendingCompaction, content: CompactedContext) -> None:
        """Go on with the turn that stands behind a compaction, which is made."""
        rest = replace(self.context.request, input=tuple(window(compaction.context, content)))
        self._translate(rest)

    def _finds_another(self) -> bool:
        """Translate for the next candidate that can be told what is asked; False if there is none."""
        while (candidate := self._candidates.next()) is not None:
            self._retry_plan = RetryPlan(self._services.dialects[candidate.upstream], candidate.model)
            self.compaction = None
            try:
                self._gather()
                self._translate(self._asks)
            except RequestError as error:
                self._candidates.reject(error)
            else:
                return True
        return False

    def _gather(self) -> None:
        """Gather the context for the dialect as it is now, and forget what another had noted."""
        self._notes.forget(self._made)
        self._made = Notes()
        self.context = Context(
            self._services, self._tenant, self.request, self._candidates.current, self._retry_plan.dialect, self._made,
            self._conversation,
        )  # fmt: skip

    def _translate(self, asks: Literal["as asked", "whole"] | CreateRequest) -> None:
        self._asks = asks
        self.compaction = None
        if isinstance(asks, CreateRequest):
            self.body = self._only(asks)
        else:
            self.body = self._whole() if asks == "whole" else self._as_asked()
        self._notes.repeat(self._made)

    def _as_asked(self) -> ChatRequest:
        context = self.context
        if self._triggered:
            items = drop_unpaired(context.items(), self._made)
            if not items:
                raise RequestError("There is nothing to compact.", param="input", code="invalid_value")
            return self._summary(PendingCompaction(items, items))
        body = self._whole()
        context.keep(body)
        compaction = context.compaction(body)
        return body if compaction is None else self._summary(compaction)

    def _whole(self) -> ChatRequest:
        return self.context.body(self._retry_plan.dialect, self._made)

    def _only(self, request: CreateRequest) -> ChatRequest:
        """Return the chat request of a request that brings its context along."""
        return self.context.body_of(request, self._retry_plan.dialect, self._made)

    def _summary(self, compaction: PendingCompaction) -> ChatRequest:
        self.compaction, self.summarised = compaction, compaction.to_summarise
        return self._only(summary_request(self.context.request, compaction.to_summarise))

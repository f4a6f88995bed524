"""What one response asks of its model, in the form that its provider takes; asked anew when a refusal teaches a form.

An `Asking` gathers the context (`context.py`) and translates it; `body` is what goes out next. That is the request
itself, or first a summary of what it continues (`compaction.py`), and then the request behind it. What an earlier
translation noted is taken back when another takes its place, so that notes tell what was sent in the end.
"""

from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from adapter.compaction import Compacting
from adapter.context import Context
from adapter.services import Services
from adapter.store.base import StoreDown
from adapter.truncation import TruncatingCall
from adapter.upstream.client import Call
from adapter.upstream.learning import Tries
from translators.chat_body import ChatBody
from translators.compaction import Sealed, check_trigger, in_pairs, summary_request, window, without_trigger
from translators.errors import RequestError, UpstreamError
from translators.items import Item
from translators.notes import Notes
from translators.request import CreateRequest


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
    ) -> None:
        """Translate a request; raise RequestError or StoreDown. `conversation` is what it holds, None without one."""
        self._services = services
        self._tenant = tenant
        self._bearer = bearer
        self._triggered = check_trigger(request.input)
        self.request = without_trigger(request) if self._triggered else request
        """What is kept of the request: a trigger is not."""
        self._notes = notes
        self._made = Notes()
        """Those of the last translation."""
        self._conversation = conversation
        self.compaction: Compacting | None = None
        """What the next answer is a summary for, if it is one."""
        self.summarised: Sequence[Item] = ()
        """The items of the last one."""
        self._tries = Tries(services.learning, request.model)
        self._gather()
        self._translate(self._as_asked)

    def send(self, body: bytes) -> Call | TruncatingCall:
        """Send a chat request; with `truncation: "auto"`, as much of it as the provider takes."""
        send = partial(self._services.upstream.call, bearer=self._bearer)
        if self.request.truncation == "auto" and self.compaction is None:
            return TruncatingCall(send, body, self._notes)
        return send(body)

    def learns(self, error: UpstreamError) -> bool:
        """Translate anew if a refusal teaches how; False if it stands."""
        if not self._tries.teaches(error, self.body.json):
            return False
        try:
            self._gather()
            self._translate(self._way)
        except (RequestError, StoreDown):
            return False  # it cannot be said in this way, so the provider's own refusal is the answer
        return True

    def answered(self) -> None:
        """Keep what was learned: the provider took the request."""
        self._tries.answered()

    def without_compaction(self) -> None:
        """Go on with the whole context: no summary can be had."""
        self._translate(self._whole)

    def behind(self, compaction: Compacting, content: Sealed) -> None:
        """Go on with the turn that stands behind a compaction, which is made."""
        rest = replace(self.context.request, input=tuple(window(compaction.before, content)))
        self._translate(partial(self._only, rest))

    def _gather(self) -> None:
        """Gather the context for the dialect as it is now, and forget what another had noted."""
        self._notes.forget(self._made)
        self._made = Notes()
        self.context = Context(
            self._services, self._tenant, self.request, self._tries.dialect, self._made, self._conversation
        )

    def _translate(self, way: Callable[[], ChatBody]) -> None:
        self._way = way
        self.compaction = None
        self.body = way()
        self._notes.repeat(self._made)

    def _as_asked(self) -> ChatBody:
        context = self.context
        if self._triggered:
            items = in_pairs(context.items(), self._made)
            if not items:
                raise RequestError("There is nothing to compact.", param="input", code="invalid_value")
            return self._summary(Compacting(items, items))
        body = self._whole()
        context.keep(body)
        compaction = context.compaction(body)
        return body if compaction is None else self._summary(compaction)

    def _whole(self) -> ChatBody:
        return self.context.body(self._tries.dialect, self._made)

    def _only(self, request: CreateRequest) -> ChatBody:
        """Return the chat request of a request that brings its context along."""
        return self.context.body_of(request, self._tries.dialect, self._made)

    def _summary(self, compaction: Compacting) -> ChatBody:
        self.compaction, self.summarised = compaction, compaction.items
        return self._only(summary_request(self.context.request, compaction.items))

"""Runs, the background responses, as any worker sees them: by what the store says of them.

A run belongs to the worker that has its lease (`background.py`). Whoever ends it from outside takes the lease first: a
cancellation any lease, whoever comes across a run one that is over, because its holder is dead. From then on the run's
own worker can write nothing, so no run has two ends. Source: responses-api reference §1.1, §10.
"""

import math
import os
import time
from contextlib import suppress
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from adapter.store.base import EVENT_RETENTION, NotFound, StoredEvents, StoreDown, StoredResponse
from adapter.store.protocols import ResponseStore, RunStore
from translators.errors import RequestError
from translators.responses.events import ResponseFailed, frame
from translators.responses.response import Response, ResponseFailure
from translators.wire import Decoder, encode

LEASE: Final = 10.0
"""Seconds after which a worker that gives no sign is taken for dead."""
_LOST: Final = ResponseFailure("server_error", "The server that made this response has stopped. Please try again.")


class _State(Struct, gc=False):
    """What a stored response is asked for here."""

    status: str
    background: bool = False


_state_of = Decoder(_State).decode
_response_of = Decoder(Response).decode


class Runs:
    """The runs of all workers."""

    def __init__(self, store: RunStore, responses: ResponseStore) -> None:
        self.store = store
        self._responses = responses

    def get(self, id: str, tenant: str) -> StoredResponse:
        """Return a response as it is now; raise NotFound. One whose worker has died is failed from now on."""
        stored = self._responses.get(id, tenant)
        if _state_of(stored.response).status == "in_progress" and not self._goes_on(id, tenant):
            return self._responses.get(id, tenant)
        return stored

    def cancel(self, id: str, tenant: str) -> StoredResponse:
        """End a run; return its response, and the same for one that was cancelled before.

        Raise RequestError for what cannot be cancelled, NotFound.
        """
        self._end(id, tenant, expired_by=math.inf, status="cancelled")
        stored = self.get(id, tenant)
        state = _state_of(stored.response)
        if not state.background:
            raise RequestError("Cannot cancel a synchronous response.")
        if state.status != "cancelled":
            article = "an" if state.status[0] in "aeiou" else "a"
            raise RequestError(f"Cannot cancel {article} {state.status} response.")
        return stored

    def delete(self, id: str, tenant: str) -> None:
        """Delete a response; raise NotFound, or RequestError for one that is being made."""
        if self._goes_on(id, tenant):
            raise RequestError("Cannot delete an in-flight response.")
        self._responses.delete(id, tenant)

    def check_replay(self, id: str, tenant: str) -> None:
        """Raise RequestError for a stored response whose events cannot be told again."""
        try:
            run = self.store.run(id, tenant)
        except NotFound:
            raise _no_replay("because it was not created with background=true") from None
        if not run.streamed:
            raise _no_replay("because it was not created with stream=true")
        if run.last < 0:
            raise _no_replay(f"any more: its events were kept for {EVENT_RETENTION / 60:.0f} minutes after its end")

    def told(self, id: str, tenant: str, after: int) -> tuple[list[StoredEvents], bool]:
        """Return a run's events behind a number, and whether no others will come."""
        batches = self.store.events(id, tenant, after)
        if not batches and not self._goes_on(id, tenant):
            return self.store.events(id, tenant, after), True  # with those from before its end
        return batches, bool(batches) and batches[-1].over

    def give_up(self, id: str, tenant: str) -> None:
        """End a run that nobody makes any more, if the store lets us; else its lease ends."""
        with suppress(StoreDown, NotFound):
            self._end(id, tenant, expired_by=math.inf, status="failed", error=_LOST)

    def _goes_on(self, id: str, tenant: str) -> bool:
        """Tell whether a response is being made; end it if its worker has died."""
        try:
            run = self.store.run(id, tenant)
        except NotFound:
            return False
        now = time.time()
        if run.ended is not None:
            return False
        return run.until > now or not self._end(id, tenant, expired_by=now, status="failed", error=_LOST)

    def _end(
        self,
        id: str,
        tenant: str,
        *,
        expired_by: float,
        status: Literal["failed", "cancelled"],
        error: ResponseFailure | None = None,
    ) -> bool:
        """End a run in the place of its worker, if its lease was to end by `expired_by`; tell whether it has."""
        now = time.time()
        holder = os.urandom(8).hex()
        if not self.store.take_run(id, tenant, holder, now + LEASE, expired_by=expired_by):
            return False
        row, stored = self.store.run(id, tenant), self._responses.get(id, tenant)
        response = replace(_response_of(stored.response), status=status, error=error, service_tier="default")
        events = None
        if row.streamed:
            last = ResponseFailed(response=response, sequence_number=row.last + 1)
            row = replace(row, last=last.sequence_number)
            events = StoredEvents(row.last, row.last, True, frame(last))
        return self.store.record(replace(row, ended=now), events, replace(stored, response=encode(response)))


def _no_replay(why: str) -> RequestError:
    return RequestError(f"This response cannot be streamed {why}.", param="stream")

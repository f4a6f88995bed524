"""Background responses as every worker sees them, through the store: read, cancel, delete, resend.

A run belongs to the worker that holds its lease (`worker.py`). Another worker that ends it takes the lease first: a
cancellation takes any lease; a reader takes one that has expired, because the holder is dead. From then on the run's
own worker can write nothing, so no run ends twice. Source: OpenAI guide, Background.
"""

import math
import os
import time
from contextlib import suppress
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from adapter.store.base import EVENT_RETENTION_SECONDS, NotFound, StoredEvents, StoreDown, StoredResponse
from adapter.store.protocols import ResponseStore, RunStore
from translators.errors import RequestError
from translators.responses.events import ResponseFailed, sse_frame
from translators.responses.response import Response, ResponseFailure
from translators.wire import Decoder, encode

RUN_LEASE_SECONDS: Final = 10.0
"""A worker that has not renewed its leases for this long counts as dead, and its runs as failed: long enough that
a worker that is busy, or whose store restarts, loses no run. Readers of a dead worker's run wait no longer."""
_WORKER_LOST: Final = ResponseFailure(
    "server_error", "The server that made this response has stopped. Please try again."
)


class _State(Struct, gc=False):
    """The members of a stored response that decide here."""

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
        """Return a response as it is now; raise NotFound. If its worker has died, it is failed from now on."""
        stored = self._responses.get(id, tenant)
        if _state_of(stored.response).status == "in_progress" and not self._is_running(id, tenant):
            return self._responses.get(id, tenant)
        return stored

    def cancel(self, id: str, tenant: str) -> StoredResponse:
        """Cancel a run and return its response; a second cancellation returns the same.

        Raises NotFound, or RequestError for a response that cannot be cancelled.
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
        """Delete a response; raise NotFound, or RequestError for a run in progress."""
        if self._is_running(id, tenant):
            raise RequestError("Cannot delete an in-flight response.")
        self._responses.delete(id, tenant)

    def check_resendable(self, id: str, tenant: str) -> None:
        """Raise RequestError for a stored response whose events cannot be sent again."""
        try:
            run = self.store.run(id, tenant)
        except NotFound:
            raise _not_resendable("because it was not created with background=true") from None
        if not run.streamed:
            raise _not_resendable("because it was not created with stream=true")
        if run.last < 0:
            minutes = EVENT_RETENTION_SECONDS / 60
            raise _not_resendable(f"any more: its events were kept for {minutes:.0f} minutes after its end")

    def read_events(self, id: str, tenant: str, after: int) -> tuple[list[StoredEvents], bool]:
        """Return a run's events after a number, and whether they are its last."""
        batches = self.store.events(id, tenant, after)
        if not batches and not self._is_running(id, tenant):
            return self.store.events(id, tenant, after), True  # including those written since the first read
        return batches, bool(batches) and batches[-1].over

    def abandon(self, id: str, tenant: str) -> None:
        """End a run that nothing generates any more; if the store is down, its lease expires instead."""
        with suppress(StoreDown, NotFound):
            self._end(id, tenant, expired_by=math.inf, status="failed", error=_WORKER_LOST)

    def _is_running(self, id: str, tenant: str) -> bool:
        """Whether a run is in progress; fail it if its worker has died."""
        try:
            run = self.store.run(id, tenant)
        except NotFound:
            return False
        now = time.time()
        if run.ended is not None:
            return False
        return run.until > now or not self._end(id, tenant, expired_by=now, status="failed", error=_WORKER_LOST)

    def _end(
        self,
        id: str,
        tenant: str,
        *,
        expired_by: float,
        status: Literal["failed", "cancelled"],
        error: ResponseFailure | None = None,
    ) -> bool:
        """End a run in place of its worker, if its lease expires by `expired_by`; return whether it did."""
        now = time.time()
        holder = os.urandom(8).hex()
        if not self.store.take_run(id, tenant, holder, now + RUN_LEASE_SECONDS, expired_by=expired_by):
            return False
        row, stored = self.store.run(id, tenant), self._responses.get(id, tenant)
        response = replace(_response_of(stored.response), status=status, error=error, service_tier="default")
        events = None
        if row.streamed:
            last = ResponseFailed(response=response, sequence_number=row.last + 1)
            row = replace(row, last=last.sequence_number)
            events = StoredEvents(row.last, row.last, True, sse_frame(last))
        return self.store.record(replace(row, ended=now), events, replace(stored, response=encode(response)))


def _not_resendable(why: str) -> RequestError:
    return RequestError(f"This response cannot be streamed {why}.", param="stream")

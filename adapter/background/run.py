"""One run: a background response that one worker generates to its end, whether or not a client reads it.

A run writes its events to the store before any reader sees them. It holds a lease in the store, which its worker renews
(`worker.py`); a run that was ended from outside (`runs.py`) can write nothing any more, and closes its upstream call.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, Final, Protocol

import gevent
from gevent.event import Event as Signal
from msgspec.structs import replace

from adapter.background.runs import RUN_LEASE_SECONDS
from adapter.event_loop.client_watch import ClientDisconnected, ClientWatch
from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.event_loop.silence import Silence
from adapter.sharing.shares import Holding
from adapter.store.base import StoredEvents, StoredItem, StoreDown, StoredResponse, StoredRun
from adapter.store.protocols import RunStore
from adapter.telemetry.logs import log, log_context
from adapter.telemetry.traces.spans import Trace, current_trace, follow_trace
from translators.responses.events import TERMINAL, Event
from translators.responses.response import Response

_WRITE_INTERVAL_SECONDS: Final = 0.05
"""Between two writes of one run: the chunks of this time become one row. Short enough to read as a live stream, and at
most 20 rows a second for a provider that sends hundreds of chunks."""
_KEEP_ALIVE_SECONDS: Final = 30.0
"""Silence of the provider after which the run writes a repeated `response.in_progress`: only data resets the idle timer
of some clients, comments do not. Source: Codex CLI 0.169."""

FrameWriter = Callable[[Event], bytes]
"""Returns the frame of an event."""


class Work(Protocol):
    """What generates the response: an exchange."""

    record: Callable[[bytes], None] | None
    """Gets the frames of the events; None: they are not recorded."""

    def stored(self) -> StoredResponse: ...
    def events(self) -> Generator[list[Event]]: ...
    def still_running(self) -> list[Event]: ...
    def close(self) -> None: ...


class Owner(Protocol):
    """The worker of a run."""

    def add(self, run: "Run") -> None: ...
    def remove(self, run: "Run") -> None: ...
    def abandon(self, id: str, tenant: str) -> None: ...
    def must_stop(self) -> bool: ...


class RunWatch(ClientWatch, eq=False):
    """Takes the place of a client's connection: disconnected as soon as the run has lost its lease."""

    transport = "background"

    lost: bool = False

    def disconnected(self) -> bool:
        return self.lost


class Run:
    """One background response in progress. `start` it, once."""

    def __init__(
        self, owner: Owner, store: RunStore, holder: str, frame: FrameWriter | None, place: Holding
    ) -> None:
        """`holder` names the worker in the lease; `frame` writes the events of a streamed run; `place` is its room."""
        self.watch = RunWatch()
        self.signal = Signal()
        """Set when there are new events to read, and then replaced."""
        self.greenlet: gevent.Greenlet | None = None
        """None until the run is stored."""
        self._owner = owner
        self._store = store
        self._holder = holder
        self._frame = frame
        self.place = place

    @property
    def key(self) -> tuple[str, str]:
        """Tenant and id."""
        return self._row.tenant, self._row.id

    def start(self, work: Work) -> Response:
        """Store the response as in progress, and generate it; return its first snapshot.

        `work` is closed at the end, also if this fails.
        """
        self._record = work.record
        batches = work.events()
        try:
            events = next(batches)
            stored = work.stored()
            until = time.time() + RUN_LEASE_SECONDS
            self._row = StoredRun(stored.id, stored.tenant, self._holder, until, streamed=self._frame is not None)
            batch = self._batch(events)
            self._row = replace(self._row, last=batch.last if batch else -1)
            self._owner.add(self)
            self._store.begin_run(self._row, stored, batch)
        except BaseException:
            self.watch.lost = True
            with suppress(ClientDisconnected), closing(work):
                batches.close()
            self._owner.remove(self)
            raise
        fields = log_context.get()
        self.greenlet = gevent.spawn(self._generate, work, batches, fields, current_trace())
        first: Response = events[0].response  # type: ignore[attr-defined]
        return first

    def store_final(self, stored: StoredResponse, items: Sequence[StoredItem], events: list[Event]) -> None:
        """Store the response as it ended, with its last events and the items that it appends to its conversation.

        Raises ClientDisconnected if the run was ended from outside, StoreDown if the worker has to stop before the
        store is back.
        """
        if not self._write(events, stored, items, ended=time.time()):
            raise ClientDisconnected

    def wake_readers(self) -> None:
        """Wake the greenlets of this worker that wait for the run's events."""
        signal, self.signal = self.signal, Signal()
        signal.set()

    def _generate(
        self, work: Work, batches: Generator[list[Event]], fields: Mapping[str, Any], trace: Trace | None
    ) -> None:
        """Generate the response; `fields` are those of the request's log lines, which this greenlet writes, too."""
        log_context.set(fields)
        follow_trace(trace)
        try:
            with suppress(ClientDisconnected), closing(work), closing(batches):
                self._write_events(work, batches)
        except StoreDown as error:
            log.error("background response not stored", response_id=self._row.id, error=str(error))
        except Exception:
            log.exception("background response broke", response_id=self._row.id)
        finally:
            self._owner.remove(self)
            if self._row.ended is None and not self.watch.lost:
                self._owner.abandon(self._row.id, self._row.tenant)

    def _write_events(self, work: Work, batches: Iterator[list[Event]]) -> None:
        """Write events as they come; `store_final` writes the last ones."""
        silence = Silence(_KEEP_ALIVE_SECONDS)
        for events in batches:
            if self.watch.lost:
                return
            if not events:
                if not silence.tick():
                    continue
                events = work.still_running()
            silence.seconds = 0.0
            if self._frame is not None and not isinstance(events[-1], TERMINAL):
                if not self._write(events):
                    return
                gevent.sleep(_WRITE_INTERVAL_SECONDS)

    def _write(
        self,
        events: list[Event],
        stored: StoredResponse | None = None,
        items: Sequence[StoredItem] = (),
        ended: float | None = None,
    ) -> bool:
        """Write the run's progress, retrying while the store is down; return False if the lease was lost."""
        batch = self._batch(events)
        row = replace(self._row, last=batch.last if batch else self._row.last, ended=ended)
        while not self.watch.lost:
            try:
                self.watch.lost = not self._store.record(row, batch, stored, items)
            except StoreDown:
                if self._owner.must_stop():
                    raise
                gevent.sleep(TICK_SECONDS)
            else:
                if self.watch.lost:
                    break
                self._row = row
                self.wake_readers()
                return True
        return False

    def _batch(self, events: list[Event]) -> StoredEvents | None:
        """Return events as one row; None for a run that is not streamed."""
        if self._frame is None:
            return None
        first, last = events[0].sequence_number, events[-1].sequence_number
        frames = b"".join(map(self._frame, events))
        if self._record is not None:
            self._record(frames)
        return StoredEvents(first, last, isinstance(events[-1], TERMINAL), frames)

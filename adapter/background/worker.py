"""Background responses: made to their end whether or not anybody waits, and told again to whoever asks.

A run is one such response, made by one greenlet of the worker that accepted it. What it makes is in the store before
anybody sees it, so every reader, in whichever worker, gets the same bytes, and there is one way of reading: from the
store. The worker has a lease on its runs and prolongs it. A run that was ended from outside (`runs.py`) is noticed at
the next look, and its upstream call is closed. Source: responses-api reference §10.
"""

import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from typing import Final, Protocol

import gevent
import structlog
from gevent.event import Event as Signal
from msgspec.structs import replace

from adapter.background.runs import LEASE, Runs
from adapter.event_loop.client_watch import ClientDisconnected, ClientWatch
from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.store.base import EVENT_RETENTION, StoredEvents, StoredItem, StoreDown, StoredResponse, StoredRun
from translators.errors import UpstreamError
from translators.responses.events import DONE, TERMINAL, Event
from translators.responses.response import Response

log = structlog.get_logger()

_LOOK: Final = 0.5
"""Seconds between two looks at which runs are still this worker's."""
_GATHER: Final = 0.05
"""Seconds between two writes of one run: what the provider sends meanwhile is one row."""
_POLL: Final = (0.1, 0.5)
"""Seconds between two looks at a run of another worker: behind events, and in silence."""
_REMINDER: Final = 30.0
"""Seconds of silence after which a run says that it goes on: the idle timer of some clients needs data (Codex)."""
_SWEEP: Final = 60.0
"""Seconds between two looks for events that are too old."""
_MOST: Final = 1000
"""Runs of one worker at a time."""

Frame = Callable[[Event], bytes]


class Work(Protocol):
    """What makes the response: an exchange."""

    def stored(self) -> StoredResponse: ...
    def events(self) -> Generator[list[Event]]: ...
    def still_running(self) -> list[Event]: ...
    def close(self) -> None: ...


class RunWatch(ClientWatch):
    """In the place of a client: gone as soon as the run is not this worker's any more."""

    def __init__(self) -> None:
        super().__init__({})
        self.lost = False

    def disconnected(self) -> bool:
        return self.lost


class Run:
    """One response on its way. `start` it, once."""

    def __init__(self, background: "Background", holder: str, frame: Frame | None) -> None:
        self.watch = RunWatch()
        self.signal = Signal()
        """Set when there is something new to read; then there is another one."""
        self.greenlet: gevent.Greenlet | None = None
        """None until the store knows the run."""
        self._background = background
        self._store = background.store
        self._holder = holder
        self._frame = frame

    @property
    def key(self) -> tuple[str, str]:
        return self._row.tenant, self._row.id

    def start(self, work: Work) -> Response:
        """Keep the response as one that is being made, and make it; return its first snapshot. `work` is closed."""
        batches = work.events()
        try:
            events = next(batches)
            stored = work.stored()
            until = time.time() + LEASE
            self._row = StoredRun(stored.id, stored.tenant, self._holder, until, streamed=self._frame is not None)
            kept = self._kept(events)
            self._row = replace(self._row, last=kept.last if kept else -1)
            self._background.add(self)
            self._store.begin_run(self._row, stored, kept)
        except BaseException:
            self.watch.lost = True
            with suppress(ClientDisconnected), closing(work):
                batches.close()
            self._background.remove(self)
            raise
        self.greenlet = gevent.spawn(self._go_on, work, batches)
        first: Response = events[0].response  # type: ignore[attr-defined]
        return first

    def keep(self, stored: StoredResponse, items: Sequence[StoredItem], events: list[Event]) -> None:
        """Keep the response as it ended; raise ClientDisconnected if it was ended from outside, StoreDown."""
        if not self._write(events, stored, items, ended=time.time()):
            raise ClientDisconnected

    def _go_on(self, work: Work, batches: Generator[list[Event]]) -> None:
        try:
            with suppress(ClientDisconnected), closing(work), closing(batches):
                self._follow_work(work, batches)
        except StoreDown as error:
            log.error("background response not stored", response_id=self._row.id, error=str(error))
        except Exception:
            log.exception("background response broke", response_id=self._row.id)
        finally:
            self._background.remove(self)
            if self._row.ended is None and not self.watch.lost:
                self._background.runs.give_up(self._row.id, self._row.tenant)

    def _follow_work(self, work: Work, batches: Iterator[list[Event]]) -> None:
        """Write events as they come; the last ones were written by `keep`."""
        quiet = 0.0
        for events in batches:
            if self.watch.lost:
                return
            if not events:
                quiet += TICK_SECONDS
                if quiet < _REMINDER:
                    continue
                events = work.still_running()
            quiet = 0.0
            if self._frame is not None and not isinstance(events[-1], TERMINAL):
                if not self._write(events):
                    return
                gevent.sleep(_GATHER)

    def _write(
        self,
        events: list[Event],
        stored: StoredResponse | None = None,
        items: Sequence[StoredItem] = (),
        ended: float | None = None,
    ) -> bool:
        """Write, for as long as it takes, what is new; return False if the run is not this worker's any more."""
        kept = self._kept(events)
        row = replace(self._row, last=kept.last if kept else self._row.last, ended=ended)
        while not self.watch.lost:
            try:
                self.watch.lost = not self._store.record(row, kept, stored, items)
            except StoreDown:
                if self._background.must_stop():
                    raise
                gevent.sleep(TICK_SECONDS)
            else:
                if self.watch.lost:
                    break
                self._row = row
                self.tell()
                return True
        return False

    def tell(self) -> None:
        """Wake those who read along in this worker."""
        signal, self.signal = self.signal, Signal()
        signal.set()

    def _kept(self, events: list[Event]) -> StoredEvents | None:
        if self._frame is None:
            return None
        first, last = events[0].sequence_number, events[-1].sequence_number
        return StoredEvents(first, last, isinstance(events[-1], TERMINAL), b"".join(map(self._frame, events)))


class Background:
    """The runs of one worker."""

    def __init__(self, runs: Runs, must_stop: Callable[[], bool], most: int = _MOST) -> None:
        self.runs = runs
        self.store = runs.store
        self.must_stop = must_stop
        self._most = most
        self._runs: dict[tuple[str, str], Run] = {}
        self._holder: str | None = None
        self._looking: gevent.Greenlet | None = None
        self._prolonged = 0.0
        self._swept = 0.0

    def new(self, frame: Frame | None) -> Run:
        """Return a run to be started; raise UpstreamError if there are too many.

        `frame` writes the events of a run that is streamed.
        """
        if len(self._runs) >= self._most:
            raise UpstreamError(
                "Too many background responses are running. Please try again later.",
                status=503,
                code="server_is_overloaded",
                retry_after=5.0,
            )
        if self._holder is None:  # not before this process was forked
            self._holder = os.urandom(8).hex()
        return Run(self, self._holder, frame)

    def add(self, run: Run) -> None:
        """Look after a run from now on."""
        self._runs[run.key] = run
        if self._looking is None or self._looking.dead:
            self._looking = gevent.spawn(self._look_after_runs)

    def remove(self, run: Run) -> None:
        self._runs = {key: other for key, other in self._runs.items() if other is not run}

    def join(self, seconds: float) -> bool:
        """Wait for the runs of this worker; tell whether all have ended."""
        gevent.joinall([run.greenlet for run in self._runs.values() if run.greenlet], timeout=seconds)
        return not self._runs

    def _look_after_runs(self) -> None:
        """Keep the lease, as long as there are runs; notice those that were taken away."""
        while self._runs:
            try:
                self._look()
            except StoreDown as error:
                log.warning("background runs not looked after", error=str(error))
            gevent.sleep(_LOOK)

    def _look(self) -> None:
        known = [run for run in self._runs.values() if run.greenlet is not None]
        assert self._holder is not None
        held = self.store.runs_of(self._holder)
        for run in known:
            if run.key not in held:
                run.watch.lost = True
        for tenant, id in held - self._runs.keys():  # the answer to a write was lost
            self.runs.give_up(id, tenant)
        now = time.time()
        if now > self._prolonged + LEASE / 3:
            self.store.renew_runs(self._holder, now + LEASE)
            self._prolonged = now
        if now > self._swept + _SWEEP:
            self.store.delete_events(now - EVENT_RETENTION)
            self._swept = now

    def replay(self, id: str, tenant: str, after: int) -> Generator[bytes]:
        """Yield the frames of a run behind event number `after`, then those that come, and b"" in silence.

        Ends behind the terminal event, or without it if this worker has to stop.
        """
        pause, _ = _POLL
        while True:
            run = self._runs.get((tenant, id))
            signal = run.signal if run is not None else None  # before reading, so that none is missed
            try:
                batches, over = self.runs.told(id, tenant, after)
            except StoreDown:
                batches, over, signal = [], False, None  # it may come back
            for batch in batches:
                yield _behind(batch, after)
                after = batch.last
            if over:
                yield DONE
                return
            if not batches:
                yield b""
            if signal is not None:
                signal.wait(_POLL[1])
            elif self.must_stop():
                return
            else:
                pause = _POLL[0] if batches else min(2 * pause, _POLL[1])
                gevent.sleep(pause)


def _behind(batch: StoredEvents, after: int) -> bytes:
    """Return the frames of a batch whose numbers are higher than `after`."""
    if batch.first > after:
        return batch.frames
    frames = batch.frames.split(b"\n\n")[:-1]
    return b"".join(frame + b"\n\n" for frame in frames[after - batch.last :])

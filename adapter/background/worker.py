"""Background responses of one worker: it starts runs, renews their leases, and sends their events to readers.

Every event of a run is in the store before any client sees it, so all readers, in whichever worker, get the same
bytes, and there is one way of reading: from the store. Source: OpenAI guide, Background.
"""

import os
import time
from collections.abc import Callable, Generator
from typing import Final

import gevent

from adapter.background.run import FrameWriter, Run
from adapter.background.runs import RUN_LEASE_SECONDS, Runs
from adapter.sharing.shares import Holding, Shares
from adapter.store.base import EVENT_RETENTION_SECONDS, StoredEvents, StoreDown
from adapter.telemetry.logs import log
from translators.responses.events import DONE

_CHECK_SECONDS: Final = 0.5
"""Between two checks of which runs are still this worker's: a run that was cancelled in another worker stops costing
tokens within half a second, for one small indexed query."""
_RENEWALS_PER_LEASE: Final = 3
"""Two renewals may fail, as when the store is restarted, before the lease expires."""
_MIN_POLL_SECONDS, _MAX_POLL_SECONDS = 0.1, 0.5
"""Between two reads of a run of another worker: the first value after events, doubled in silence up to the second."""
_EVENT_CLEANUP_SECONDS: Final = 60.0
"""Between two deletions of expired events; they are kept for minutes, so a minute more makes no difference."""


class Background:
    """The runs of one worker."""

    def __init__(self, runs: Runs, must_stop: Callable[[], bool], room: Shares) -> None:
        """`room` bounds the number of runs: no client waits for them, so nothing else slows down who creates many.

        Each has a greenlet and an upstream connection, within the file descriptors that a worker has for its streams.
        """
        self.runs = runs
        self.must_stop = must_stop
        self._store = runs.store
        self._room = room
        self._runs: dict[tuple[str, str], Run] = {}
        self._holder: str | None = None
        self._supervisor: gevent.Greenlet | None = None
        self._renewed = 0.0
        self._cleaned_up = 0.0

    def create_run(self, tenant: str, frame: FrameWriter | None) -> Run:
        """Return a run that is not started yet; raise NoRoom if there are too many.

        `frame` writes the events of a streamed run; None: it is not streamed.
        """
        place = Holding(self._room, tenant)
        place.grow(1)
        if self._holder is None:  # not before this process was forked
            self._holder = os.urandom(8).hex()
        return Run(self, self._store, self._holder, frame, place)

    def add(self, run: Run) -> None:
        """Renew the lease of a run from now on."""
        self._runs[run.key] = run
        if self._supervisor is None or self._supervisor.dead:
            self._supervisor = gevent.spawn(self._supervise)

    def remove(self, run: Run) -> None:
        """Forget a run that has ended, and give back its room."""
        run.place.close()
        self._runs = {key: other for key, other in self._runs.items() if other is not run}

    def abandon(self, id: str, tenant: str) -> None:
        """End a run that nothing generates any more."""
        self.runs.abandon(id, tenant)

    def join(self, seconds: float) -> bool:
        """Wait for the runs of this worker; return whether all have ended."""
        gevent.joinall([run.greenlet for run in self._runs.values() if run.greenlet], timeout=seconds)
        return not self._runs

    def _supervise(self) -> None:
        while self._runs:
            try:
                self._check_runs()
            except StoreDown as error:
                log.warning("background runs not checked", error=str(error))
            gevent.sleep(_CHECK_SECONDS)

    def _check_runs(self) -> None:
        """Stop the runs that were ended from outside; renew the leases of the others; delete expired events."""
        known = [run for run in self._runs.values() if run.greenlet is not None]
        assert self._holder is not None
        leased = self._store.runs_of(self._holder)
        for run in known:
            if run.key not in leased:
                run.watch.lost = True
        for tenant, id in leased - self._runs.keys():  # stored, but the answer to that write was lost
            self.runs.abandon(id, tenant)
        now = time.time()
        if now > self._renewed + RUN_LEASE_SECONDS / _RENEWALS_PER_LEASE:
            self._store.renew_runs(self._holder, now + RUN_LEASE_SECONDS)
            self._renewed = now
        if now > self._cleaned_up + _EVENT_CLEANUP_SECONDS:
            self._store.delete_events(now - EVENT_RETENTION_SECONDS)
            self._cleaned_up = now

    def resend(self, id: str, tenant: str, after: int) -> Generator[bytes]:
        """Yield the frames of a run after event number `after`, stored ones first, and b"" in silence.

        Ends after the terminal event, or without it if this worker has to stop.
        """
        pause = _MIN_POLL_SECONDS
        while True:
            run = self._runs.get((tenant, id))
            signal = run.signal if run is not None else None  # before reading, so that none is missed
            try:
                batches, over = self.runs.read_events(id, tenant, after)
            except StoreDown:
                batches, over, signal = [], False, None  # the store may come back
            for batch in batches:
                yield _frames_after(batch, after)
                after = batch.last
            if over:
                yield DONE
                return
            if not batches:
                yield b""
            if signal is not None:
                signal.wait(_MAX_POLL_SECONDS)
            elif self.must_stop():
                return
            else:
                pause = _MIN_POLL_SECONDS if batches else min(2 * pause, _MAX_POLL_SECONDS)
                gevent.sleep(pause)


def _frames_after(batch: StoredEvents, after: int) -> bytes:
    """Return the frames of a batch whose numbers are higher than `after`."""
    if batch.first > after:
        return batch.frames
    frames = batch.frames.split(b"\n\n")[:-1]
    return b"".join(frame + b"\n\n" for frame in frames[after - batch.last :])

"""The recorder of one worker: it begins recordings, and writes them to the spool, many in one transaction.

A recording that ends is gathered with some dozens of others, and written at the next tick of the heartbeat. One whose
exchange takes longer is gathered at each tick, if there is something new. A thread of its own redacts, compresses and
writes, for a tenth of the time at most: under a load that is higher than that, contents are left out, and the recording
says so. If it cannot write, recordings are lost, the log says so, and requests are answered as ever.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal, Protocol, TypeVar

import gevent

from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.event_loop.native_threads import Job, NativeThreads
from adapter.settings.caller_keys import CallerKey
from adapter.telemetry.inspector.heads import RECORDED, Origin, Step
from adapter.telemetry.inspector.packing import Group, Mask, gather
from adapter.telemetry.inspector.recording import REQUEST, Recording
from adapter.telemetry.inspector.spool import Spool, open_spool
from adapter.telemetry.logs import log

T = TypeVar("T")
Mode = Literal["heads", "contents", "all"]

_MAX_CONTENTS: Final = 4 << 20
"""Bytes of the contents of one exchange."""
_GATHERED: Final = 32
"""Exchanges that are over and are gathered at once: what runs once in a request costs many times what it costs here."""
_SHORT_SECONDS: Final = 0.25
"""Of an exchange that is not listed while it is in progress: it would have a row of its own, soon to be replaced."""
_MUCH_BYTES: Final = 4 << 20
"""That wait to be written: the next tick is not awaited."""
_MAX_BYTES: Final = 64 << 20
"""That wait to be written; more are dropped, so that a disk that hangs costs no memory."""
STATE_TICKS: Final = 5
"""Between two writes of the state of the upstreams, in seconds: readers ignore that of a worker that has ended."""
_SHARE: Final = 0.1
"""Of a worker's time, for writing what it records: short streams take less, large requests may take more."""
_MAX_SECONDS: Final = 0.5
"""Of that time that may be saved up: for ten thousand short exchanges at once."""
_LOG_SECONDS: Final = 60.0


class Sender(Protocol):
    """Who sends a request."""

    tenant: str
    key: CallerKey | None
    bearer: str | None


class Recorder:
    """Records the exchanges of one worker. A member of the heartbeat. `start` it after the fork."""

    def __init__(self, mode: Mode, max_bytes: int, mask: Mask, state: Callable[[], bytes]) -> None:
        """`max_bytes`: of the ring. `state`: what this worker knows of the upstreams, as JSON."""
        self.mode: Mode = mode
        self.keeps_unstored = mode == "all"
        """Whether contents of requests with `store: false` are recorded, too."""
        self._max_bytes = max_bytes
        self._mask = mask
        self._state = state
        self._ticks = 0
        self._path: Path | None = None
        self.origin = Origin(0, time.time() - monotonic())
        self._number = 0
        """Of the last recording; from the start on larger than those of an earlier worker with the same process id."""
        self.in_progress: dict[Recording, None] = {}
        """Those of exchanges that have reached a provider and have not ended."""
        self.ended: dict[Recording, None] = {}
        """Those of exchanges that are over, or are refused; they are still to be gathered."""
        self._groups: list[Group] = []
        """What is to be written."""
        self._writer: gevent.Greenlet[..., None] | None = None
        self._next_log = 0.0
        self._seconds_left = _MAX_SECONDS
        """Of CPU time, for writing; below 0, contents of new exchanges are not recorded."""
        self.lost = 0
        """Changes of recordings that could not be written."""
        self._threads: NativeThreads[Spool, Callable[[Spool], Any]] = NativeThreads(
            self._open_spool, _call_each, threads=1, batch=64
        )

    def start(self, directory: Path) -> None:
        """Write to the spool in this directory from now on."""
        self._path = directory / "inspector.db"
        self._number = int(time.time() * 1e6)
        self._set_origin()

    def _set_origin(self) -> None:
        self.origin = Origin(os.getpid(), time.time() - monotonic())

    def _open_spool(self) -> Spool:
        assert self._path is not None
        return open_spool(self._path, self._max_bytes, self._mask)

    def begin(self, sender: Sender, path: str, body: bytes, began: float, ids: Mapping[str, str]) -> Recording:
        """Return the recording of a request that began to arrive at a time of the monotonic clock. `ids`: its own."""
        if len(self.ended) >= _GATHERED:
            self._gather()
        self._number = number = self._number + 1
        key, size = sender.key, len(body)
        steps: list[Step] = [
            ("began", number, began, monotonic(), path, size, sender.tenant, ids, None if key is None else key.name)
        ]
        if self.mode == "heads":
            return Recording(self, sender.bearer, steps)
        if key is not None and key.inspect == "never":
            steps.append(("contents", "not recorded: the key has inspect = \"never\""))
        elif self._seconds_left < 0:
            steps.append(("contents", "not recorded: there is more at the moment than this worker has time to record"))
        elif size > _MAX_CONTENTS:
            steps.append(("contents", "not recorded: the request is too large"))
        else:
            steps.append(("contents", RECORDED))
            return Recording(self, sender.bearer, steps, [(REQUEST, 0, began, body)], _MAX_CONTENTS - size)
        return Recording(self, sender.bearer, steps)

    def _gather(self) -> None:
        """Pack recordings of exchanges that are over."""
        ended, self.ended = self.ended, {}
        for recording in ended:
            self.in_progress.pop(recording, None)
        waiting = sum([group.size for group in self._groups])
        if waiting > _MAX_BYTES:
            self.lost += len(ended)
            return
        gather(ended, self._groups, self.origin)
        if waiting > _MUCH_BYTES:
            self._write_soon()

    def _write_soon(self) -> None:
        if not self._writer:
            self._writer = gevent.spawn(self.flush)

    def tick(self) -> None:
        """Write what is new, and the state of the upstreams; called by the heartbeat."""
        self._seconds_left = min(_MAX_SECONDS, self._seconds_left + _SHARE * TICK_SECONDS)
        self._gather()
        if sum([group.size for group in self._groups]) <= _MAX_BYTES:
            gather(self._news_in_progress(), self._groups, self.origin)
        self._set_origin()
        if self._groups:
            self._write_soon()
        self._ticks += 1
        if self._ticks % STATE_TICKS == 0:
            gevent.spawn(self._write_state)

    def _news_in_progress(self) -> Iterator[Recording]:
        """Yield recordings that have something new, except for those that may soon be over."""
        short = monotonic() - _SHORT_SECONDS
        for recording in self.in_progress:
            if (recording.contents or recording.origin is None) and recording.began < short:
                recording.origin = recording.origin or self.origin
                yield recording

    def read(self, query: Callable[[Spool], T]) -> T:
        """Return what a query finds in the spool, with all that this worker has recorded; raise sqlite3.Error."""
        self.flush()
        return self._threads.do(query)  # type: ignore[no-any-return]

    def flush(self) -> None:
        """Write what is new of exchanges that are over, and wait until it can be read."""
        self._gather()
        groups, self._groups = self._groups, []
        number = sum([group.number for group in groups])
        self._seconds_left -= self._try_to(partial(_write_timed, groups=groups), number) or 0.0

    def close(self) -> None:
        """Write what is pending, and close the file."""
        if self._writer is not None:
            self._writer.kill()
        self.flush()
        self._threads.close()
        self._path = None

    def _write_state(self) -> None:
        """Write what this worker knows of the upstreams, and remove what is too old."""
        self._try_to(partial(Spool.write_worker, pid=self.origin.worker, state=self._state()), 0)

    def _try_to(self, work: Callable[[Spool], T], changes: int) -> T | None:
        """Return what a piece of work returns; None: nothing is written, or it failed, and its changes are lost."""
        try:
            if self._path is not None:
                return self._threads.do(work)  # type: ignore[no-any-return]
        except Exception as error:
            self.lost += changes
            if monotonic() >= self._next_log:
                self._next_log = monotonic() + _LOG_SECONDS
                log.warning("inspector not written", error=str(error), lost=self.lost)
        return None


def _write_timed(spool: Spool, groups: list[Group]) -> float:
    """Write, and return the CPU time that it took in seconds."""
    began = time.thread_time()
    spool.write(groups)
    return time.thread_time() - began


def _call_each(spool: Spool, jobs: list[Job[Callable[[Spool], Any]]]) -> None:
    for job in jobs:
        try:
            job.answer = job.request(spool)
        except Exception as error:
            job.error = error

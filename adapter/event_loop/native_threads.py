"""Operating-system threads for calls that would block the event loop: waiting for a disk, a lock, a database.

A greenlet makes a request and sleeps until it is done, while the event loop goes on. Requests are queued together as
soon as a turn of the loop brings no further one, and a thread takes all queued requests at once. So requests that
arrive together are done together; under load the batches grow by themselves, and nothing waits for a length of time.
Each thread owns one resource (a connection), which it opens at its first request, drops after a failure and reopens for
the next request. A request is carried out even if its greenlet is killed meanwhile.

Threads start with the first request, and more of them only when there is work for them. An unused or closed
`NativeThreads` therefore survives `fork`; an open one does not, and raises an error: SQLite's locks belong to the
process that took them, and two processes on one PostgreSQL connection would read each other's answers.
"""

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Generic, Protocol, TypeVar

import gevent
from gevent.hub import Waiter
from gevent.monkey import get_original
from msgspec import Struct, field

from adapter.event_loop.turn import NEXT_TURN

# A gevent worker patches these modules; here the system's own threads and queues are meant.
_start_thread: Final = get_original("_thread", "start_new_thread")
_Queue: Final = get_original("queue", "SimpleQueue")
_Empty: Final = get_original("queue", "Empty")

_ENOUGH: Final = 16
"""Requests that are queued without a look for more: in a larger batch, each costs hardly less."""
_AFTER_THE_OTHERS: Final = -1
"""Priority of a watcher that is called when all others of its turn have been."""


class Closable(Protocol):
    def close(self) -> None: ...


Resource = TypeVar("Resource", bound=Closable)
Request = TypeVar("Request")


class Job(Struct, Generic[Request], eq=False):
    """A request on its way through the thread, and its answer or error."""

    request: Request
    answer: Any = None
    error: Exception | None = None
    sleeper: Waiter = field(default_factory=Waiter)

    def wait(self, time_limit: float | None) -> bool:
        """Sleep, in the greenlet that made the job, until it is done; return False after `time_limit` seconds."""
        if time_limit is None:
            self.sleeper.get()
            return True
        return gevent.with_timeout(time_limit, self.sleeper.get, timeout_value=self) is not self


class NativeThreads(Generic[Resource, Request]):
    """Threads that run `work(resource, jobs)`, which sets the `answer` of each job.

    An exception of `open` or `work` becomes the error of every job in the batch.
    """

    def __init__(
        self,
        open: Callable[[], Resource],
        work: Callable[[Resource, list[Job[Request]]], None],
        *,
        threads: int,
        batch: int,
        time_limit: float | None = None,
    ) -> None:
        """`threads`: maximum number of threads. `batch`: maximum number of jobs in one call of `work`.

        `time_limit`: seconds after which `do` raises a TimeoutError; the job itself goes on.
        """
        self._open = open
        self._work = work
        self._max_threads = threads
        self._batch = batch
        self._enough = min(batch, _ENOUGH)
        self._time_limit = time_limit
        self._queue: Any = None
        self._new: list[Job[Request]] = []
        """Jobs that are not queued yet: one wake-up of a thread for all of them."""
        self._gathered = 0
        """How many of them earlier turns of the loop have brought."""
        self._done: deque[Job[Request]] = deque()
        """Jobs whose greenlets are to be woken."""
        self._bell: Any = None
        """One watcher for all jobs, which the threads ring: to make one for each costs more than the job's own hop."""
        self._process = 0
        self._threads = 0
        self._pending = 0
        """Number of jobs queued or under way."""

    def do(self, request: Request) -> Any:
        """Run a request; return its answer, or raise its error."""
        if self._queue is None:
            self._process = os.getpid()
            self._queue = _Queue()
            self._loop = gevent.get_hub().loop
            self._bell = self._loop.async_()
            self._bell.start(self._wake_done)
            self._next_turn = self._loop.timer(NEXT_TURN, priority=_AFTER_THE_OTHERS)
            self._threads = 0
        elif self._process != os.getpid():
            raise RuntimeError("The store was opened before this process was forked; close it before the fork.")
        job = Job(request)
        self._pending += 1
        try:
            if self._threads < min(self._pending, self._max_threads):
                _start_thread(self._run, (self._queue, self._bell))
                self._threads += 1
            if not self._new:
                self._loop.run_callback(self._gather)
            self._new.append(job)
            if not job.wait(self._time_limit):
                job.error = TimeoutError(f"no answer within {self._time_limit:g} s")
        finally:
            self._pending -= 1
        error, job.error = job.error, None
        if error is None:
            return job.answer
        try:
            raise error
        finally:
            del error, job  # the error's traceback refers to this frame, and to the thread's, which refer to the job

    def close(self) -> None:
        """Finish all jobs, close the resources and end the threads; the next `do` starts afresh."""
        self._queue_new()
        queue, bell, self._queue = self._queue, self._bell, None
        if queue is not None and self._process == os.getpid():
            last = [Job[None](None) for _ in range(self._threads)]
            for job in last:
                queue.put(job)
            for job in last:
                job.wait(self._time_limit)
            bell.stop()

    def _gather(self) -> None:
        """Queue the new jobs, or see first whether the next turn brings more; called at the end of a turn."""
        if self._gathered < len(self._new) < self._enough:
            self._gathered = len(self._new)
            self._next_turn.start(self._gather)
        else:
            self._queue_new()

    def _queue_new(self) -> None:
        jobs, self._new, self._gathered = self._new, [], 0
        for job in jobs:
            self._queue.put(job)

    def _wake_done(self) -> None:
        """Wake the greenlets of finished jobs; called in the event loop."""
        while self._done:
            self._done.popleft().sleeper.switch(None)

    def _run(self, queue: Any, bell: Any) -> None:
        """Run one thread: work until a job without a request arrives, which `close` queues."""
        resource: Resource | None = None
        over = False
        while not over:
            resource, over = self._serve_next(resource, queue)
            bell.send()

    def _serve_next(self, resource: Resource | None, queue: Any) -> tuple[Resource | None, bool]:
        """Do the next batch; return the resource if it is still usable, and whether the thread has to end.

        A function of its own, so that a thread that waits for work refers to no job that is done.
        """
        batch = self._take(queue)
        over = batch[-1].request is None
        if jobs := batch[:-1] if over else batch:
            resource = self._serve(resource, jobs)
        if over and resource is not None:
            _drop(resource)
        self._done.extend(batch)
        return resource, over

    def _take(self, queue: Any) -> list[Any]:
        """Wait for a job and return it with all others queued, up to `batch`, and none after a last one."""
        batch = [queue.get()]
        try:
            while len(batch) < self._batch and batch[-1].request is not None:
                batch.append(queue.get_nowait())
        except _Empty:
            pass
        return batch

    def _serve(self, resource: Resource | None, jobs: list[Job[Request]]) -> Resource | None:
        """Do a batch; return the resource if it is still usable."""
        try:
            if resource is None:
                resource = self._open()
            self._work(resource, jobs)
        except Exception as error:
            for job in jobs:
                job.error = error
            if resource is not None:
                _drop(resource)
            return None
        return resource


def _drop(resource: Closable) -> None:
    """Close a resource that may already be broken."""
    with suppress(Exception):
        resource.close()

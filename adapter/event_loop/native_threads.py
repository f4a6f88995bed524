"""Operating-system threads that do what greenlets of a process cannot do themselves: wait for a disk or a lock.

A greenlet hands over a request and sleeps until it is done, while the event loop goes on. A thread takes what waits at
once, so work that came together is done together; under load the batches grow by themselves, without a timer. Each
thread owns one resource (a connection), opened in the thread at its first request, dropped after a failure and opened
again for the next request. A request that was handed over is done even if its greenlet is killed meanwhile.

Nothing exists before the first call, and no further thread before there is work for it, so unused threads survive
`fork`, and so do closed ones. Open ones do not, and say so: SQLite's locks belong to the process that took them, and
two processes on one connection of PostgreSQL's would answer each other.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Generic, Protocol, TypeVar

import gevent
from gevent.hub import Waiter
from gevent.monkey import get_original

# A gevent worker patches these modules; here the system's own threads and queues are meant.
_start_thread: Final = get_original("_thread", "start_new_thread")
_Queue: Final = get_original("queue", "SimpleQueue")
_Empty: Final = get_original("queue", "Empty")


class Closable(Protocol):
    def close(self) -> None: ...


Resource = TypeVar("Resource", bound=Closable)
Request = TypeVar("Request")


class Job(Generic[Request]):
    """A request on its way through the thread, and what came of it."""

    __slots__ = ("_awake", "_sleeper", "answer", "error", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: Any = None
        self.error: Exception | None = None
        hub = gevent.get_hub()
        self._sleeper = Waiter(hub)
        self._awake = hub.loop.async_()
        self._awake.start(self._wake_sleeper)

    def wait(self, time_limit: float | None) -> bool:
        """Let the greenlet that made the job sleep until `wake` was called; return False if that takes too long."""
        if time_limit is None:
            self._sleeper.get()
            return True
        return gevent.with_timeout(time_limit, self._sleeper.get, timeout_value=self) is not self

    def wake(self) -> None:
        """Wake the greenlet; the one call that comes from the thread."""
        self._awake.send()

    def _wake_sleeper(self) -> None:
        self._awake.stop()
        self._awake.close()
        self._sleeper.switch(None)


class NativeThreads(Generic[Resource, Request]):
    """`work` gets the resource and a batch of jobs, and sets each one's `answer`.

    What `open` or `work` raises becomes the error of every job in the batch.
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
        """`threads` and `batch`: how many there are, and how many jobs one takes together, at most.

        `time_limit`: seconds after which a caller is told that its job, which goes on, takes too long.
        """
        self._open = open
        self._work = work
        self._most = threads
        self._batch = batch
        self._time_limit = time_limit
        self._queue: Any = None
        self._process = 0
        self._threads = 0
        self._jobs = 0
        """That were handed over and are not done."""

    def do(self, request: Request) -> Job[Request]:
        """Return the finished job for a request; its `error` is for the caller to raise."""
        if self._queue is None:
            self._process = os.getpid()
            self._queue = _Queue()
            self._threads = 0
        elif self._process != os.getpid():
            raise RuntimeError("The store was opened before this process was forked; close it before the fork.")
        job = Job(request)
        self._jobs += 1
        try:
            if self._threads < min(self._jobs, self._most):
                self._threads += 1
                _start_thread(self._run, (self._queue,))
            self._queue.put(job)
            if not job.wait(self._time_limit):
                job.error = TimeoutError(f"no answer within {self._time_limit:g} s")
        finally:
            self._jobs -= 1
        return job

    def close(self) -> None:
        """Finish what was handed over, close the resources and end the threads; the next `do` begins anew."""
        queue, self._queue = self._queue, None
        if queue is not None and self._process == os.getpid():
            last = [Job[None](None) for _ in range(self._threads)]
            for job in last:
                queue.put(job)
            for job in last:
                job.wait(self._time_limit)

    def _run(self, queue: Any) -> None:
        """Be a thread: work until a job without a request comes, the last one."""
        resource: Resource | None = None
        over = False
        while not over:
            batch = self._take(queue)
            over = batch[-1].request is None
            if jobs := batch[:-1] if over else batch:
                resource = self._serve(resource, jobs)
            if over and resource is not None:
                _drop(resource)
            for job in batch:
                job.wake()

    def _take(self, queue: Any) -> list[Any]:
        """Return what waits in the queue, at least one job; nothing behind a last one."""
        batch = [queue.get()]
        try:
            while len(batch) < self._batch and batch[-1].request is not None:
                batch.append(queue.get_nowait())
        except _Empty:
            pass
        return batch

    def _serve(self, resource: Resource | None, jobs: list[Job[Request]]) -> Resource | None:
        """Do a batch; return the resource if it can be used again."""
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
    """Close a resource that may be past closing."""
    with suppress(Exception):
        resource.close()

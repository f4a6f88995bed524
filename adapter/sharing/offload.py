"""Long work on a caller's input, in threads beside the event loop.

A worker's loop stands still for as long as one function computes: for a strict schema, a pattern, megabytes of JSON or
base64 that would be up to a second, for all connections. In a native thread the same work shares the processor with
the loop, which gets its turn within milliseconds. Each tenant has one of the two threads at a time at most, unless it
has the whole worker. Functions that run here wait for nothing and change nothing that others use meanwhile.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from adapter.event_loop.native_threads import Job, NativeThreads
from adapter.sharing.shares import TenantSemaphore, share_of

T = TypeVar("T")

LARGE_BYTES: Final = 512 * 1024
"""Input from which translating and decoding it are long work: below, they take a few milliseconds."""
MANY_ITEMS_BYTES: Final = 64 * 1024
"""Input from which making an object of each of its items, which may be tiny, takes some milliseconds."""
_THREADS: Final = 2
"""More would slow down the loop, which all of them share the interpreter with."""


class Offload:
    """The threads of one worker for long work."""

    def __init__(self, share_percent: int) -> None:
        self._work = TenantSemaphore(_THREADS, share_of(_THREADS, share_percent))
        self._threads: NativeThreads[_Nothing, Callable[[], Any]] = NativeThreads(
            _Nothing, _call_each, threads=_THREADS, batch=1
        )

    def run(self, tenant: str, function: Callable[..., T], *args: Any) -> T:
        """Return what a function returns for these arguments, or raise what it raises."""
        with self._work.wait(tenant):
            return self._threads.do(partial(function, *args))  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the threads, after the work that callers wait for."""
        self._threads.close()


class _Nothing:
    """The threads need no resource."""

    def close(self) -> None:
        pass


def _call_each(_: _Nothing, jobs: list[Job[Callable[[], Any]]]) -> None:
    for job in jobs:
        job.answer = job.request()

"""Runs in one process, with a store that fails when it is told to: what happens to them without any server."""

import os
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import gevent
import gevent.event
import pytest
from msgspec.structs import replace

from adapter.background.runs import Runs
from adapter.background.worker import Background
from adapter.sharing.shares import Shares
from adapter.store.base import NotFound, StoredEvents, StoredItem, StoreDown, StoredResponse, StoredRun
from adapter.store.memory import MemoryStore
from tests.support.judges.sse import parse_sse
from translators.errors import RequestError, UpstreamError
from translators.notes import Notes
from translators.responses.events import Event, sse_frame
from translators.responses.ids import Ids, seed
from translators.responses.response import Response
from translators.to_responses.stream import ResponseStream
from translators.wire import decode, encode

TENANT = "a" * 64


class FailingStore(MemoryStore):
    """Fails its next calls of `record`, as often as it is told to."""

    failures = 0

    def turn_back(self, id: str, seconds: float) -> None:
        """Have a run ended so much earlier."""
        run = self.run(id, TENANT)
        assert run.ended is not None
        self._runs[TENANT, id] = replace(run, ended=run.ended - seconds)

    def record(
        self,
        run: StoredRun,
        events: StoredEvents | None,
        stored: StoredResponse | None = None,
        items: Sequence[StoredItem] = (),
    ) -> bool:
        if self.failures:
            self.failures -= 1
            raise StoreDown("on purpose")
        return super().record(run, events, stored, items)


class Work:
    """An exchange whose provider is what the test makes of it: `meanwhile` yields whatever should come."""

    record = None

    def __init__(self, background: Background, meanwhile: Callable[[ResponseStream], Any] | None = None) -> None:
        self.run = background.create_run(TENANT, sse_frame)
        ids = Ids(seed(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(6))))
        self.id = ids.response
        first = Response(id=self.id, created_at=1, model="m", status="queued", background=True)
        self._stream = ResponseStream(first, ids, notes=Notes())
        self._meanwhile = meanwhile
        self.closed = False

    def stored(self) -> StoredResponse:
        return StoredResponse(self.id, TENANT, 1, None, b'"Hi"', encode(self._stream.response))

    def events(self) -> Generator[list[Event]]:
        yield self._stream.start()
        if self._meanwhile is not None:
            yield from self._meanwhile(self._stream)
        events = self._stream.fail(UpstreamError("That was all."))
        self.run.store_final(self.stored(), (), events)
        yield events

    def still_running(self) -> list[Event]:
        return self._stream.still_running()

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def clock() -> None:
    """Tell the event loop the time; it has stood still while other tests ran, and its timers count from there."""
    gevent.get_hub().loop.update_now()


@pytest.fixture
def store() -> FailingStore:
    return FailingStore()


@pytest.fixture
def background(store: FailingStore) -> Background:
    return Background(Runs(store, store), must_stop=lambda: False, room=room(2))


def room(runs: int = 10) -> Shares:
    return Shares("runs", runs, runs, advice="Wait.", retry_after=5.0)


def status(background: Background, work: Work) -> str:
    return str(decode(background.runs.get(work.id, TENANT).response)["status"])


def told(background: Background, work: Work) -> list[dict[str, Any]]:
    """Return all events of a run that has ended."""
    return parse_sse(b"".join(background.resend(work.id, TENANT, -1)))


def waiting(gate: gevent.event.Event) -> Generator[list[Event]]:
    gate.wait()
    yield []


def test_the_store_comes_back(background: Background, store: FailingStore) -> None:
    store.failures = 2
    work = Work(background)
    work.run.start(work)
    assert status(background, work) == "in_progress"
    assert background.join(30)
    assert (status(background, work), work.closed, store.failures) == ("failed", True, 0)
    assert [event["type"] for event in told(background, work)][-1] == "response.failed"


def test_a_store_that_is_gone_does_not_hold_a_worker_that_stops(store: FailingStore) -> None:
    background = Background(Runs(store, store), must_stop=lambda: True, room=room())
    store.failures = 1
    work = Work(background)
    work.run.start(work)
    assert background.join(30)
    assert work.closed
    assert status(background, work) == "failed", "nobody makes it, so it was given up"


def test_only_so_many_at_once(background: Background) -> None:
    gate = gevent.event.Event()
    works = [Work(background, lambda _: waiting(gate)) for _ in range(2)]
    for work in works:
        work.run.start(work)
    with pytest.raises(UpstreamError) as refused:
        Work(background)
    assert (refused.value.status, refused.value.code) == (503, "server_is_overloaded")
    assert refused.value.retry_after
    gate.set()
    assert background.join(30)
    Work(background)


def test_a_bug_ends_its_run_alone(background: Background) -> None:
    def broken(_: ResponseStream) -> Generator[list[Event]]:
        yield []
        raise ZeroDivisionError

    work = Work(background, broken)
    work.run.start(work)
    assert background.join(30)
    assert (status(background, work), work.closed) == ("failed", True)
    assert told(background, work)[-1]["response"]["error"]["code"] == "server_error"


def test_what_cannot_be_kept_is_not_begun(background: Background, store: FailingStore) -> None:
    def down(*_: object) -> None:
        raise StoreDown("on purpose")

    store.begin_run = down  # type: ignore[method-assign]
    work = Work(background)
    with pytest.raises(StoreDown):
        work.run.start(work)
    assert work.closed
    assert background.join(0)
    with pytest.raises(NotFound):
        background.runs.get(work.id, TENANT)


def test_a_lease_that_is_over_ends_a_run(background: Background, store: FailingStore) -> None:
    """Its worker was only slow: what it writes later changes nothing."""
    gate = gevent.event.Event()

    def slow(stream: ResponseStream) -> Generator[list[Event]]:
        gate.wait()
        yield stream.still_running()

    work = Work(background, slow)
    work.run.start(work)
    elsewhere = Background(Runs(store, store), must_stop=lambda: False, room=room())
    assert status(elsewhere, work) == "in_progress"
    store.renew_runs(store.run(work.id, TENANT).holder, until=time.time())
    assert status(elsewhere, work) == "failed"
    events = told(elsewhere, work)
    assert [event["type"] for event in events][2:] == ["response.in_progress", "response.failed"]
    gate.set()
    assert background.join(30)
    assert work.closed
    assert told(elsewhere, work) == events
    with pytest.raises(RequestError, match=r"Cannot cancel a failed response\."):
        background.runs.cancel(work.id, TENANT)


def test_events_are_kept_for_ten_minutes(background: Background, store: FailingStore) -> None:
    work = Work(background)
    work.run.start(work)
    assert background.join(30)
    background.runs.check_resendable(work.id, TENANT)
    store.turn_back(work.id, 601)
    gate = gevent.event.Event()
    background = Background(Runs(store, store), must_stop=lambda: False, room=room())
    other = Work(background, lambda _: waiting(gate))
    other.run.start(other)
    with gevent.Timeout(30):
        while store.run(work.id, TENANT).last >= 0:
            gevent.sleep(0.01)
    gate.set()
    assert background.join(30)
    with pytest.raises(RequestError) as refused:
        background.runs.check_resendable(work.id, TENANT)
    assert refused.value.message == (
        "This response cannot be streamed any more: its events were kept for 10 minutes after its end."
    )
    background.runs.check_resendable(other.id, TENANT)


def test_silence_is_told_as_an_event_that_everybody_gets(background: Background) -> None:
    def silent(_: ResponseStream) -> Generator[list[Event]]:
        for _second in range(61):
            yield []

    work = Work(background, silent)
    work.run.start(work)
    assert background.join(30)
    assert [event["type"] for event in told(background, work)] == [
        "response.created", "response.queued", *["response.in_progress"] * 3, "response.failed",
    ]  # fmt: skip

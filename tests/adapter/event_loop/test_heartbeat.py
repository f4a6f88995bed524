"""One timer ticks for everything that waits, and other connections are served between the ticks."""

from collections.abc import Callable

import gevent
import gevent.socket
import pytest

from adapter.event_loop import heartbeat
from adapter.event_loop.heartbeat import Heartbeat


class Ticked:
    """A member that does something at each tick."""

    def __init__(self, tick: Callable[[], object]) -> None:
        self.tick = tick


@pytest.fixture(autouse=True)
def fast_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "TICK_SECONDS", 0.05)


def test_each_member_is_ticked_once_a_time() -> None:
    beat, ticked = Heartbeat(), [0] * 100

    def count(number: int) -> None:
        ticked[number] += 1

    for number in range(100):
        beat.add(Ticked(lambda number=number: count(number)))
    while not ticked[0]:
        gevent.sleep(0.01)
    while min(ticked) < 2:
        assert max(ticked) - min(ticked) <= 1
        gevent.sleep(0)


def test_what_arrives_does_not_wait_for_all_ticks() -> None:
    beat, ours, theirs, ticked = Heartbeat(), *gevent.socket.socketpair(), []

    def tick() -> None:
        ticked.append(1)
        if len(ticked) == 1:
            ours.send(b"x")

    for _ in range(100):
        beat.add(Ticked(tick))
    with ours, theirs:
        theirs.recv(1)
        assert len(ticked) <= 3 * heartbeat._MEMBERS_A_TURN


def test_who_leaves_is_not_ticked_any_more() -> None:
    beat, ticked = Heartbeat(), set()
    members = [Ticked(lambda number=number: leave_alone(number)) for number in range(20)]

    def leave_alone(number: int) -> None:
        ticked.add(number)
        for other, member in enumerate(members):
            if other != number:
                beat.remove(member)

    for member in members:
        beat.add(member)
    gevent.sleep(0.2)
    assert len(ticked) == 1

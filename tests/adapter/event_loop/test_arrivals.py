"""What arrives on a connection while its answer is awaited, and while it is not."""

import socket
from collections.abc import Iterator

import gevent
import gevent.socket
import pytest

from adapter.event_loop.arrivals import Arrivals


@pytest.fixture
def ends() -> Iterator[tuple[Arrivals, socket.socket]]:
    ours, theirs = gevent.socket.socketpair()
    ours.settimeout(0.0)
    arrivals = Arrivals(ours)
    yield arrivals, theirs
    arrivals.close()
    ours.close()
    theirs.close()


def test_what_arrives_outside_a_wait_stays_for_the_next_one(ends: tuple[Arrivals, socket.socket]) -> None:
    arrivals, theirs = ends
    theirs.sendall(b"one")
    assert arrivals.receive() == b"one"
    theirs.sendall(b"two")
    gevent.sleep(0.01)
    assert arrivals.receive() == b"two"
    theirs.close()
    assert arrivals.receive() == b""


def test_what_arrives_outside_a_wait_keeps_the_event_loop_idle(ends: tuple[Arrivals, socket.socket]) -> None:
    arrivals, theirs = ends
    theirs.sendall(b"one")
    arrivals.receive()
    theirs.close()
    before = gevent.get_hub().loop.iteration
    gevent.sleep(0.05)
    assert gevent.get_hub().loop.iteration - before < 20


def test_what_is_taken_in_the_event_loop_goes_on_until_it_is_refused(ends: tuple[Arrivals, socket.socket]) -> None:
    arrivals, theirs = ends
    taken: list[bytes] = []

    def take(data: bytes) -> bool:
        taken.append(data)
        return len(taken) < 3

    def send() -> None:
        for piece in (b"1", b"2", b"3", b"4"):
            theirs.sendall(piece)
            gevent.sleep(0.01)

    sending = gevent.spawn(send)
    assert arrivals.receive(take) == b"3"
    sending.join()
    assert (taken, arrivals.receive()) == ([b"1", b"2", b"3"], b"4")

"""Who gives way lets others run that have something to do only now."""

import gevent
import gevent.socket

from adapter.event_loop.turn import Turn


def test_what_arrives_gets_its_turn_between_any_two_others() -> None:
    """One that only yields, and never waits, would be run many times before the loop looks for what has arrived."""
    ours, theirs = gevent.socket.socketpair()
    turn, turns, answered = Turn(), 0, []

    def answer() -> None:
        answered.append((theirs.recv(1), turns))

    waiting = gevent.spawn(answer)
    gevent.sleep(0.001)
    with ours, theirs:
        ours.send(b"x")
        for turns in range(1, 20):  # noqa: B007  # read by `answer`
            turn.give_way()
        waiting.join()
    assert answered[0][1] <= 3

"""How late the event loop is, is as long as those wait who have something to do."""

import time

import gevent

from adapter.event_loop.lag import Lag

ATTEMPTS = 3
"""A busy machine makes one or another loop late."""


def measure(*turns: float) -> float:
    """Return the lag that is reported of a loop whose turns take so long each."""
    reported: list[float] = []
    lag = Lag(reported.append)
    lag.start()
    for seconds in turns:
        gevent.sleep(0.03)
        time.sleep(seconds)  # as computing would, nothing else has its turn
    gevent.sleep(0.03)
    lag.tick()
    lag.tick()
    lag._timer.stop()
    largest, after = reported
    assert after == 0.0
    return largest


def test_the_longest_turn_counts_at_whatever_time_it_comes() -> None:
    for turns in ([0.35], [0.0, 0.0, 0.35], [0.12, 0.35, 0.12, 0.0, 0.0]):
        assert any(0.25 < measure(*turns) < 0.6 for _ in range(ATTEMPTS)), turns


def test_a_loop_that_only_waits_is_in_time() -> None:
    assert any(measure(*[0.0] * 10) < 0.1 for _ in range(ATTEMPTS))

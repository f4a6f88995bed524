"""When a silent stream needs a keep-alive."""

from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.event_loop.silence import Silence


def test_a_keep_alive_is_due_whenever_the_limit_is_reached() -> None:
    silence = Silence(3 * TICK_SECONDS)
    assert [silence.tick() for _ in range(7)] == [False, False, True, False, False, True, False]


def test_what_is_sent_ends_the_silence() -> None:
    silence = Silence(2 * TICK_SECONDS)
    assert not silence.tick()
    silence.seconds = 0.0
    assert [silence.tick(), silence.tick()] == [False, True]

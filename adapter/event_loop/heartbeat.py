"""The worker's heartbeat: one timer for everything that waits.

A stream that waits for its upstream must check now and then whether the client is still connected, whether a keep-alive
is due and whether the silence has lasted too long. One timer per wait costs more than translating a chunk
(docs/decisions/0002-one-timer.md), so all waits share one: about once a second it calls `tick` of every member, in the
event loop. A tick must not block; it may switch to a greenlet that waits (see `arrivals.py`).
"""

from typing import Final, Protocol

from gevent.hub import get_hub

TICK_SECONDS: Final = 1.0
"""Time between two ticks: short enough to notice a disconnect soon, long enough to cost nothing."""


class Member(Protocol):
    def tick(self) -> None: ...


class Heartbeat:
    """Ticks for its members as long as there are any."""

    def __init__(self) -> None:
        self._members: set[Member] = set()
        self._hub: object = None

    def add(self, member: Member) -> None:
        self._members.add(member)
        hub = get_hub()
        if self._hub is not hub:  # the first member ever, or the first after a fork, which has a hub of its own
            self._hub = hub
            self._timer = hub.loop.timer(TICK_SECONDS, TICK_SECONDS, ref=False)
            self._timer.start(self._tick)

    def remove(self, member: Member) -> None:
        self._members.discard(member)

    def _tick(self) -> None:
        for member in tuple(self._members):
            if member in self._members:  # the tick of another member may have removed it
                member.tick()

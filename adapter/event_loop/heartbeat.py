"""The worker's heartbeat: one timer for everything that waits.

A stream that waits for its upstream must check now and then whether the client is still connected, whether a keep-alive
is due and whether the silence has lasted too long. One timer per wait costs more than translating a chunk
(docs/decisions/0002-one-timer.md), so all waits share one: about once a second it calls `tick` of every member, in the
event loop. A tick must not block; it may switch to a greenlet that waits (see `arrivals.py`). A few members are ticked
in each turn of the loop, since a thousand at once would hold up every other stream for some 50 ms.
"""

from typing import Final, Protocol

from gevent.hub import get_hub

from adapter.event_loop.turn import NEXT_TURN

TICK_SECONDS: Final = 1.0
"""Time between two ticks: short enough to notice a disconnect soon, long enough to cost nothing."""
_MEMBERS_A_TURN: Final = 8
"""Ticked in one turn of the event loop; a stream's tick takes about 50 µs."""


class Member(Protocol):
    def tick(self) -> None: ...


class Heartbeat:
    """Ticks for its members as long as there are any."""

    def __init__(self) -> None:
        self._members: set[Member] = set()
        self._due: list[Member] = []
        """Members that are still to be ticked this time."""
        self._hub: object = None

    def add(self, member: Member) -> None:
        self._members.add(member)
        hub = get_hub()
        if self._hub is not hub:  # the first member ever, or the first after a fork, which has a hub of its own
            self._hub = hub
            self._timer = hub.loop.timer(TICK_SECONDS, TICK_SECONDS, ref=False)
            self._next_turn = hub.loop.timer(NEXT_TURN, ref=False)
            self._timer.start(self._tick)

    def remove(self, member: Member) -> None:
        self._members.discard(member)

    def _tick(self) -> None:
        if not self._due:  # else the loop is so busy that the last tick has not ended
            self._due = list(self._members)
            self._tick_some()

    def _tick_some(self) -> None:
        due = self._due[-_MEMBERS_A_TURN:]
        del self._due[-_MEMBERS_A_TURN:]
        if self._due:
            self._next_turn.start(self._tick_some)
        for member in due:
            if member in self._members:  # the tick of another member may have removed it
                member.tick()

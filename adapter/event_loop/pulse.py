"""One timer per worker, for everything that waits.

A stream that waits for its upstream has to look up now and then: is the client still there, is a keep-alive due, has
the silence lasted too long? A timer for each wait costs more than translating a chunk, so there is one for all: every
member's `beat` is called about once a second, in the event loop. A beat must not block; it may switch to a greenlet
that waits (see `upstream/reader.py`).
"""

from typing import Final, Protocol

from gevent.hub import get_hub

SECONDS: Final = 1.0
"""Time between two beats."""


class Member(Protocol):
    def beat(self) -> None: ...


class Pulse:
    """Beats for its members as long as there are any."""

    def __init__(self) -> None:
        self._members: set[Member] = set()
        self._hub: object = None

    def join(self, member: Member) -> None:
        self._members.add(member)
        hub = get_hub()
        if self._hub is not hub:  # first use, or the first one behind a fork
            self._hub = hub
            self._timer = hub.loop.timer(SECONDS, SECONDS, ref=False)
            self._timer.start(self._beat)

    def leave(self, member: Member) -> None:
        self._members.discard(member)

    def _beat(self) -> None:
        for member in tuple(self._members):
            if member in self._members:
                member.beat()

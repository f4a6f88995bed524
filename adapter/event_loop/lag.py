"""How late the event loop is: how long what becomes ready waits for its turn, a chunk of an open stream for example.

A turn lasts as long as all that runs in it. Turns differ, so a timer looks ten times a second how late it is itself,
and once a second the largest lag is reported.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from gevent import get_hub

_SECONDS_BETWEEN_LOOKS: Final = 0.1


class Lag:
    """The lag of this worker's event loop. A member of the heartbeat."""

    def __init__(self, *observers: Callable[[float], None]) -> None:
        """Each observer gets the largest lag of each second, in seconds."""
        self._observers = observers
        self._timer: Any = None
        self._due = 0.0
        self._largest = 0.0

    def start(self) -> None:
        """Begin to look."""
        self._due = time.monotonic() + _SECONDS_BETWEEN_LOOKS
        self._timer = get_hub().loop.timer(_SECONDS_BETWEEN_LOOKS, _SECONDS_BETWEEN_LOOKS, ref=False)
        self._timer.start(self._look)

    def _look(self) -> None:
        now = time.monotonic()
        self._largest = max(self._largest, now - self._due)
        # When libev is late, it does not make up for the times it missed: the timer is due again at once.
        self._due = max(self._due + _SECONDS_BETWEEN_LOOKS, now)

    def tick(self) -> None:
        """Report the largest lag since the last call."""
        largest, self._largest = self._largest, 0.0
        for observe in self._observers:
            observe(largest)

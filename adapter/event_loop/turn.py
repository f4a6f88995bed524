"""Turns of the event loop: what never waits must give way by itself.

gevent's `recv` and `send` return at once while the kernel has bytes or room, so a connection that always has bytes
would hold the loop, and all other connections of the worker would stand still.
"""

from typing import Final

import gevent
from gevent import get_hub

NEXT_TURN: Final = 1e-9
"""Seconds, any but zero: those who `sleep(0)` run up to fifty times before gevent looks for what has arrived."""


def await_next_turn() -> None:
    """Let everything else that is ready run, what has just arrived included."""
    gevent.sleep(NEXT_TURN)


class Turn:
    """Remembers, for one connection, when it last had the loop."""

    __slots__ = ("_iteration", "_loop")

    def __init__(self) -> None:
        self._loop = get_hub().loop
        self._iteration = -1

    def give_way(self) -> None:
        """Let everything else that is ready run, unless the loop has turned since the last call."""
        if self._loop.iteration == self._iteration:
            await_next_turn()
        self._iteration = self._loop.iteration

"""Which processors the servers under test get, and which the client and the upstream.

A server that shares its processor with those who load it is preempted by them. nginx then costs less than it does by
itself: while it waits for its turn chunks pile up, and it passes them on together.
"""

from __future__ import annotations

import os
from collections.abc import Collection

Halves = tuple[frozenset[int], frozenset[int]]


def halves(processors: Collection[int]) -> Halves | None:
    """Return those for the servers and those for client and upstream; None if there is only one."""
    ordered = sorted(processors)
    middle = len(ordered) // 2
    return (frozenset(ordered[:middle]), frozenset(ordered[middle:])) if middle else None


def divide() -> frozenset[int] | None:
    """Keep this process, and all that it starts, to its half; return the half for the servers.

    None: they share the only processor, or the system cannot keep them apart.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    divided = halves(os.sched_getaffinity(0))
    if divided is None:
        return None
    os.sched_setaffinity(0, divided[1])
    return divided[0]

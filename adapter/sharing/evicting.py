"""Memory that can be given up: what was used least recently goes first.

Others than requests (`shares.py`), which are refused when there is no room, what is only remembered makes room for what
is new: first that of the tenant who has more than its share, then anybody's.
"""

from collections import Counter
from typing import Protocol


class Evictable(Protocol):
    """Something that remembers values of one tenant."""

    @property
    def tenant(self) -> str: ...

    @property
    def size(self) -> int:
        """Bytes of all that it remembers."""

    def evict_oldest(self) -> None:
        """Forget the oldest value; there is one, for what is empty is not counted."""


class EvictingShares:
    """The bytes of all evictables of one worker."""

    def __init__(self, total: int, each: int) -> None:
        """`each`: of one tenant."""
        self._total = total
        self._each = each
        self._sizes: dict[Evictable, int] = {}
        """As counted; the least recently used comes first."""
        self._of_tenant: Counter[str] = Counter()

    @property
    def used(self) -> int:
        return self._of_tenant.total()

    def use(self, owner: Evictable) -> None:
        """Count what an evictable remembers now, as used last; evict what there is no room for."""
        self.leave(owner)
        if not owner.size:
            return
        self._sizes[owner] = owner.size
        self._of_tenant[owner.tenant] += owner.size
        while self._of_tenant[owner.tenant] > self._each:
            self._evict(next(other for other in self._sizes if other.tenant == owner.tenant))
        while self.used > self._total:
            self._evict(next(iter(self._sizes)))

    def leave(self, owner: Evictable) -> None:
        """Count an evictable no longer: it ends."""
        size = self._sizes.pop(owner, 0)
        self._of_tenant[owner.tenant] -= size
        if not self._of_tenant[owner.tenant]:
            del self._of_tenant[owner.tenant]

    def recount(self, owner: Evictable) -> None:
        """Count an evictable that has forgotten something, without counting that as a use."""
        if owner not in self._sizes:
            return
        if not owner.size:
            self.leave(owner)
            return
        self._of_tenant[owner.tenant] -= self._sizes[owner] - owner.size
        self._sizes[owner] = owner.size

    def _evict(self, owner: Evictable) -> None:
        owner.evict_oldest()
        self.recount(owner)

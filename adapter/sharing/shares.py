"""Shares: how much of a worker's room one tenant may use at a time.

A worker has room for so many bytes of request bodies, background responses, file fetches, PDF files. A tenant may use
a part of it (`ADAPTER_TENANT_SHARE`), so that one that fills its own leaves room for the others. What does not wait for
room is refused (`Shares`): with 429 if the tenant's own share is in use, with 503 if the worker's whole room is. What
waits (`TenantSemaphore`) waits behind its own tenant only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gevent.lock import BoundedSemaphore

from translators.errors import UpstreamError

SERVER_FULL: Final = "server_is_overloaded"
SHARE_USED: Final = "rate_limit_exceeded"
"""Codes of the two refusals. Source: OpenAI guide, Error codes."""


class NoRoom(UpstreamError):
    """A request is refused because of what others, or its own tenant, use of this server; no provider was asked."""


def share_of(total: int, percent: int) -> int:
    """Return a tenant's share of a total, at least one."""
    return max(1, total * percent // 100)


class Shares:
    """The use of one resource: by each tenant, and by all together."""

    def __init__(self, what: str, total: int, each: int, *, advice: str, retry_after: float) -> None:
        """`what` and `advice` are for messages: what there is no room for, and what its tenant can do about it."""
        self._what = what
        self._total = total
        self._each = min(each, total)
        self._advice = advice
        self._retry_after = retry_after
        self._used: dict[str, int] = {}
        self.used = 0
        """By all tenants together."""

    def open(self, tenant: str) -> "Holding":
        """Return a holding of a tenant, of nothing yet."""
        return Holding(self, tenant)

    def take(self, tenant: str, amount: int) -> None:
        """Count an amount as used by a tenant; raise NoRoom."""
        used = self._used.get(tenant, 0) + amount
        if used > self._each < self._total:
            raise NoRoom(
                f"Your requests use all of the {self._what} that one key may have at a time here ({self._each}). "
                f"{self._advice}",
                status=429, type="rate_limit_error", code=SHARE_USED, retry_after=self._retry_after,
            )  # fmt: skip
        if self.used + amount > self._total:
            raise NoRoom(
                f"This server has no room for more {self._what} at the moment. Please try again later.",
                status=503, code=SERVER_FULL, retry_after=self._retry_after,
            )  # fmt: skip
        self._used[tenant] = used
        self.used += amount

    def give_back(self, tenant: str, amount: int) -> None:
        """Count an amount as free again."""
        left = self._used[tenant] - amount
        if left:
            self._used[tenant] = left
        else:
            del self._used[tenant]
        self.used -= amount


class Holding:
    """What one request has of a resource. It is given back when the object is freed, however the request ends.

    So a resource counts as used for as long as something can still refer to it: an answer in progress, a background
    response, a waiting message.
    """

    __slots__ = ("_amount", "_shares", "_tenant")

    def __init__(self, shares: Shares, tenant: str) -> None:
        self._shares = shares
        self._tenant = tenant
        self._amount = 0

    def grow(self, amount: int) -> None:
        """Take more; raise NoRoom."""
        self._shares.take(self._tenant, amount)
        self._amount += amount

    def close(self) -> None:
        """Give all of it back, before the object is freed."""
        amount, self._amount = self._amount, 0
        if amount:
            self._shares.give_back(self._tenant, amount)

    __del__ = close


class TenantSemaphore:
    """Work of which a worker does so many pieces at a time, and each tenant fewer."""

    def __init__(self, total: int, each: int) -> None:
        self._all = BoundedSemaphore(total)
        self._each = each
        self._of_tenant: dict[str, tuple[BoundedSemaphore, int]] = {}
        """A semaphore for each tenant whose work runs or waits, and how many pieces that is."""

    @contextmanager
    def wait(self, tenant: str) -> Iterator[None]:
        """Wait until one more piece of a tenant may run, which the `with` block does."""
        own, users = self._of_tenant.get(tenant) or (BoundedSemaphore(self._each), 0)
        self._of_tenant[tenant] = own, users + 1
        try:
            with own, self._all:
                yield
        finally:
            own, users = self._of_tenant.pop(tenant)
            if users > 1:
                self._of_tenant[tenant] = own, users - 1

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
        self._advice = advice
        self._retry_after = retry_after
        self.total = total
        self.each = min(each, total)
        """What one tenant may use."""
        self.used = 0
        """By all tenants together."""
        self.used_by: dict[str, int] = {}
        """By each tenant that uses any. Only holdings change what is used."""

    def share_used(self) -> NoRoom:
        """Return the error for a tenant that uses its whole share."""
        return NoRoom(
            f"Your requests use all of the {self._what} that one key may have at a time here ({self.each}). "
            f"{self._advice}",
            status=429, type="rate_limit_error", code=SHARE_USED, retry_after=self._retry_after,
        )  # fmt: skip

    def all_used(self) -> NoRoom:
        """Return the error for anyone while the whole room is in use."""
        return NoRoom(
            f"This server has no room for more {self._what} at the moment. Please try again later.",
            status=503, code=SERVER_FULL, retry_after=self._retry_after,
        )  # fmt: skip


class Holding:
    """What one request has of a resource. It is given back when the object is freed, however the request ends.

    So a resource counts as used for as long as something can still refer to it: an answer in progress, a background
    response, a waiting message.
    """

    __slots__ = ("_amount", "_shares", "_tenant")

    def __init__(self, shares: Shares, tenant: str) -> None:
        """Hold nothing yet."""
        self._shares = shares
        self._tenant = tenant
        self._amount = 0

    def grow(self, amount: int) -> None:
        """Take more; raise NoRoom."""
        shares = self._shares
        used = shares.used_by.get(self._tenant, 0) + amount
        if used > shares.each < shares.total:
            raise shares.share_used()
        if shares.used + amount > shares.total:
            raise shares.all_used()
        shares.used_by[self._tenant] = used
        shares.used += amount
        self._amount += amount

    def close(self) -> None:
        """Give all of it back, before the object is freed."""
        amount, self._amount = self._amount, 0
        if amount:
            shares = self._shares
            left = shares.used_by[self._tenant] - amount
            if left:
                shares.used_by[self._tenant] = left
            else:
                del shares.used_by[self._tenant]
            shares.used -= amount

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

"""Quotas: how many bytes and items one tenant may have stored.

What each tenant has is counted when it is first asked for, and then about once a minute, more rarely if counting takes
long. One worker counts, and the others find its result in the store. Between two counts a worker adds what it stores
itself. So a tenant can exceed its quota by what other workers store for it within that time, and no write pays for the
counting. On a server without keys each key that a caller makes up is a tenant, so there all of them share one quota.
"""

import time
from typing import Final

import gevent
from msgspec import Struct

from adapter.sharing.shares import SHARE_USED, NoRoom
from adapter.store.base import StoreDown, Usage
from adapter.store.files.protocols import FileStore
from adapter.store.protocols import Store
from adapter.telemetry.logs import log
from translators.wire import Decoder, NotJSON, encode

_COUNT_SECONDS: Final = 60.0
"""Between two counts."""
_RECOUNT_SECONDS: Final = 5.0
"""Between two counts after a refusal: who has deleted something need not wait for long."""
_WORK_SHARE: Final = 50
"""A count that took a second is repeated after so many seconds at the earliest."""
_KEY: Final = "usage"


class _Count(Struct, frozen=True):
    """A count, as it is stored."""

    at: float
    """Unix time of its end."""
    took: float
    """Seconds."""
    usage: dict[str, Usage]


_decode: Final = Decoder(_Count).decode


class Quota:
    """The quota of each tenant, as one worker counts it."""

    def __init__(
        self, store: Store, *, max_bytes: int, max_items: int, files: FileStore | None = None, is_open: bool = False
    ) -> None:
        """`is_open`: callers make up their keys, so that only one quota for all of them bounds anything."""
        self._is_open = is_open
        self._store = store
        self._files = files
        self._max_bytes = max_bytes
        self._max_items = max_items
        self._usage: dict[str, Usage] = {}
        self._pause = 0.0
        """Seconds between the last count and the next."""
        self._shortest_pause = _RECOUNT_SECONDS
        """The least pause, for the time that the last count took."""
        self._counted = -_COUNT_SECONDS
        """When the last count was read, on the monotonic clock."""
        self._counting: gevent.Greenlet[..., None] | None = None

    def check(self, tenant: str) -> None:
        """Raise NoRoom if a tenant may not store anything more."""
        if time.monotonic() >= self._counted + self._pause and (self._counting is None or self._counting.ready()):
            self._counting = gevent.spawn(self._count)
        usage = self._usage.get("" if self._is_open else tenant)
        if usage is None or (usage.bytes < self._max_bytes and usage.items < self._max_items):
            return
        self._pause = min(self._pause, self._shortest_pause)
        raise NoRoom(
            f"{'All callers have' if self._is_open else 'Your key has'} stored {usage.items} items of {usage.bytes} "
            f"bytes here, and may have {self._max_items} of "
            f"{self._max_bytes}. Delete responses, conversations or files, or send 'store': false.",
            status=429, type="rate_limit_error", code=SHARE_USED, retry_after=self._shortest_pause, retry=False,
        )  # fmt: skip

    def add(self, tenant: str, size: int, items: int) -> None:
        """Count what was just stored for a tenant."""
        if self._is_open:
            tenant = ""
        usage = self._usage.get(tenant, Usage(0, 0))
        self._usage[tenant] = Usage(usage.items + items, usage.bytes + size)

    def stop(self) -> None:
        """End a count under way."""
        if self._counting is not None:
            self._counting.kill()

    def _count(self) -> None:
        """Take over the count of another worker, if it is recent enough, else count."""
        began, now = time.monotonic(), time.time()
        self._counted = began
        try:
            found = self._stored(now)
            if found is None or found.at + (self._pause or _COUNT_SECONDS) <= now:
                usage = self._store.usage()
                if self._files is not None and self._files.is_in_use():
                    usage = _add(usage, self._files.usage())
                found = _Count(time.time(), time.monotonic() - began, usage)
                self._store.set_value(_KEY, encode(found), found.at + _COUNT_SECONDS + _WORK_SHARE * found.took)
        except StoreDown as error:
            log.warning("stored data not counted", error=str(error))
            self._pause = _RECOUNT_SECONDS
            return
        self._usage = dict(found.usage)
        if self._is_open:
            every = found.usage.values()
            self._usage = {"": Usage(sum(one.items for one in every), sum(one.bytes for one in every))}
        self._shortest_pause = max(_RECOUNT_SECONDS, _WORK_SHARE * found.took)
        self._pause = max(_COUNT_SECONDS, self._shortest_pause)

    def _stored(self, now: float) -> _Count | None:
        value = self._store.values(_KEY, now).get(_KEY)
        try:
            return None if value is None else _decode(value)
        except NotJSON:
            return None  # another version of this program wrote it


def _add(some: dict[str, Usage], more: dict[str, Usage]) -> dict[str, Usage]:
    """Return the sum of two usages for each tenant."""
    none = Usage(0, 0)
    pairs = {tenant: (some.get(tenant, none), more.get(tenant, none)) for tenant in some.keys() | more.keys()}
    return {tenant: Usage(one.items + two.items, one.bytes + two.bytes) for tenant, (one, two) in pairs.items()}

"""What named keys have used: collected by a worker, and added to the store every few seconds.

A worker that is killed loses what it has not stored yet; the budgets of its machine still count it, until the server
ends (`sharing/rates.py`). A store that is down gets it later.
"""

from typing import Final

import gevent
import structlog

from adapter.sharing.periods import date_of, utc_day
from adapter.store.base import KeyUsage, StoreDown
from adapter.store.protocols import KeyUsageStore
from translators.responses.response import Usage

log = structlog.get_logger()

_TICKS: Final = 2
"""Of the heartbeat, between two writes."""


class UsageRecorder:
    """What the keys have used here since the last write. A member of the heartbeat."""

    def __init__(self, store: KeyUsageStore) -> None:
        self._store = store
        self._unsaved: dict[tuple[str, str, str, str], KeyUsage] = {}
        self._ticks = 0
        self._writing: gevent.Greenlet[..., None] | None = None
        self._is_down = False

    def add(self, key: str, upstream: str, model: str, *, failed: bool, usage: Usage | None, estimate: int) -> None:
        """Count a response that has ended. Without a `usage`, it cost an `estimate` of tokens."""
        day = date_of(utc_day()).isoformat()
        if usage is None:
            one = KeyUsage(key, day, upstream, model, 1, int(failed), estimate)
        else:
            one = KeyUsage(
                key, day, upstream, model, 1, int(failed),
                usage.input_tokens, usage.input_tokens_details.cached_tokens,
                usage.output_tokens, usage.output_tokens_details.reasoning_tokens,
            )  # fmt: skip
        self._add(one)

    def tick(self) -> None:
        """Write, every second call, unless an earlier write is still under way."""
        self._ticks += 1
        if self._unsaved and self._ticks % _TICKS == 0 and (self._writing is None or self._writing.ready()):
            self._writing = gevent.spawn(self.write)

    def write(self) -> None:
        """Add all to the store; what cannot be written is written later."""
        unsaved, self._unsaved = self._unsaved, {}
        if not unsaved:
            return
        try:
            self._store.add_key_usage(list(unsaved.values()))
            self._is_down = False
        except StoreDown as error:
            for one in unsaved.values():
                self._add(one)
            if not self._is_down:
                self._is_down = True
                log.error("usage of keys not stored", error=str(error))

    def close(self) -> None:
        """Write what is left, once the writes under way have ended."""
        if self._writing is not None:
            self._writing.join()
        self.write()

    def _add(self, one: KeyUsage) -> None:
        before = self._unsaved.get(one.place)
        self._unsaved[one.place] = one if before is None else before.plus(one)

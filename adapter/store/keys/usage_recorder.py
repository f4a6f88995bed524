"""What named keys have used: collected by a worker, and added to the store every few seconds.

A worker that is killed loses what it has not stored yet; the budgets of its machine still count it, until the server
ends (`sharing/rates.py`). A store that is down gets it later.
"""

from typing import Final

import gevent

from adapter.sharing.periods import date_of, utc_day
from adapter.store.base import USAGE_COUNTS, KeyUsage, StoreDown
from adapter.store.protocols import KeyUsageStore
from adapter.telemetry.logs import log
from translators.responses.response import Usage

_TICKS: Final = 2
"""Of the heartbeat, between two writes."""


class UsageRecorder:
    """What the keys have used here since the last write. A member of the heartbeat."""

    def __init__(self, store: KeyUsageStore) -> None:
        self._store = store
        self._unsaved: dict[tuple[str, str, str, str], list[int]] = {}
        """The counts of each place, in the order of USAGE_COUNTS."""
        self._day = 0
        self._date = ""
        self._ticks = 0
        self._writing: gevent.Greenlet[..., None] | None = None
        self._is_down = False

    def add(self, key: str, upstream: str, model: str, *, failed: bool, usage: Usage | None, cost: int) -> None:
        """Count a response that has ended. Without a `usage`, it cost so many tokens, as estimated."""
        day = utc_day()
        if day != self._day:
            self._day, self._date = day, date_of(day).isoformat()
        place = key, self._date, upstream, model
        counts = self._unsaved.get(place)
        if counts is None:
            counts = self._unsaved[place] = [0] * len(USAGE_COUNTS)
        counts[0] += 1
        counts[1] += failed
        if usage is None:
            counts[2] += cost
        else:
            counts[2] += usage.input_tokens
            counts[3] += usage.input_tokens_details.cached_tokens
            counts[4] += usage.output_tokens
            counts[5] += usage.output_tokens_details.reasoning_tokens

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
            self._store.add_key_usage([KeyUsage(*place, *counts) for place, counts in unsaved.items()])
            self._is_down = False
        except StoreDown as error:
            for place, counts in unsaved.items():
                since = self._unsaved.get(place, [0] * len(counts))
                self._unsaved[place] = [before + after for before, after in zip(counts, since, strict=True)]
            if not self._is_down:
                self._is_down = True
                log.error("usage of keys not stored", error=str(error))

    def close(self) -> None:
        """Write what is left, once the writes under way have ended."""
        if self._writing is not None:
            self._writing.join()
        self.write()

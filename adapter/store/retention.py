"""What nobody uses any more is erased after the time that the operator has set.

Every worker looks now and then; who finds that nobody has pruned for a while does. The store's own values are the
note about it that all workers and machines see. Two that look in the same moment both prune, which does no harm.
"""

import time
from typing import Final

import gevent
import structlog

from adapter.store.base import EVENT_RETENTION_SECONDS, StoreDown
from adapter.store.protocols import Store

log = structlog.get_logger()

_KEY: Final = "pruned"
_EVERY: Final = 3600.0
"""Seconds between two prunings; a tenth of a retention that is shorter than ten hours."""


def prune(store: Store, retention: float) -> int:
    """Erase what nobody has used for so many seconds; return how many responses and conversations it were."""
    now = time.time()
    store.delete_events(now - EVENT_RETENTION_SECONDS)
    return store.prune(now - retention)


class Retention:
    """Prunes as long as it is not stopped."""

    def __init__(self, store: Store, seconds: int | None) -> None:
        self._store = store
        self._seconds = seconds
        self._looking: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begin, if anything is to be erased at all."""
        if self._seconds is not None:
            self._looking = gevent.spawn(self._look_now_and_then, self._seconds)

    def stop(self) -> None:
        if self._looking is not None:
            self._looking.kill()

    def _look_now_and_then(self, seconds: int) -> None:
        pause = min(_EVERY, seconds / 10)
        while True:
            try:
                self.look(seconds, pause)
            except StoreDown as error:
                log.warning("not pruned", error=str(error))
            gevent.sleep(pause)

    def look(self, seconds: int, pause: float) -> None:
        """Prune, if nobody has for `pause` seconds."""
        now = time.time()
        if self._store.values(_KEY, now):
            return
        self._store.set_value(_KEY, b"", now + pause)
        if erased := prune(self._store, seconds):
            log.info("pruned", erased=erased)

"""Retention: unused responses, conversations and files are erased after the time that the operator has set.

Every worker checks from time to time, and prunes if no worker of any machine has done so for a while: the time of the
last pruning is a value in the store. Two workers that check at the same moment both prune, which is harmless.
"""

import time
from typing import Final

import gevent

from adapter.store.base import EVENT_RETENTION_SECONDS, StoreDown
from adapter.store.files.protocols import FileStore
from adapter.store.protocols import Store
from adapter.telemetry.logs import log

_KEY: Final = "pruned"
_MAX_INTERVAL_SECONDS: Final = 3600.0
"""Between two prunings: often enough that each erases little, and that retentions are met within a fraction; a tenth of
a retention that is shorter than ten hours."""


def prune(store: Store, retention: float, files: FileStore | None = None) -> int:
    """Erase everything unused for so many seconds; return the number of responses, conversations and files."""
    now = time.time()
    store.delete_events(now - EVENT_RETENTION_SECONDS)
    erased = store.prune(now - retention)
    if files is not None and files.is_in_use():
        erased += files.prune_files(now - retention)
    return erased


class Retention:
    """Prunes the store from time to time until it is stopped."""

    def __init__(self, store: Store, seconds: int | None, files: FileStore | None = None) -> None:
        self._store = store
        self._files = files
        self._seconds = seconds
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begin, if there is a retention at all."""
        if self._seconds is not None:
            self._greenlet = gevent.spawn(self._prune_regularly, self._seconds)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()

    def _prune_regularly(self, seconds: int) -> None:
        interval = min(_MAX_INTERVAL_SECONDS, seconds / 10)
        while True:
            try:
                self.prune_if_due(seconds, interval)
            except StoreDown as error:
                log.warning("not pruned", error=str(error))
            gevent.sleep(interval)

    def prune_if_due(self, seconds: int, interval: float) -> None:
        """Prune, unless some worker has within the last `interval` seconds."""
        now = time.time()
        if self._store.values(_KEY, now):
            return
        self._store.set_value(_KEY, b"", now + interval)
        if erased := prune(self._store, seconds, self._files):
            log.info("pruned", erased=erased)

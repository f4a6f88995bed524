"""Upkeep of a file store, by every worker: what is due is erased and indexed.

What has expired, and what uploads and deletions have left, is erased about once a minute; two workers that meet do the
same work twice, which is harmless. Files that a worker which died was indexing go on more often.
"""

import random
import time
from collections.abc import Callable
from typing import Final

import gevent

from adapter.store.base import StoreDown
from adapter.store.files.protocols import FileStore
from adapter.telemetry.logs import log

_SECONDS: Final = 15.0
"""Between two looks of a worker; a tenth more or less, so that workers do not meet every time."""
_LOOKS_PER_SWEEP: Final = 4


class FileUpkeep:
    """Has due files of a store indexed and erased from time to time, until it is stopped."""

    def __init__(self, store: FileStore | None, index: Callable[[], None]) -> None:
        """`index` begins to index the files that are due."""
        self._store = store
        self._index = index
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begin, if there is a file store."""
        if self._store is not None:
            self._greenlet = gevent.spawn(self._look_regularly, self._store)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()

    def _look_regularly(self, store: FileStore) -> None:
        looks = 0
        while True:
            looks += 1
            gevent.sleep(_SECONDS * random.uniform(0.9, 1.1))
            if store.is_in_use():
                try:
                    self.look(store, time.time(), sweeps=looks % _LOOKS_PER_SWEEP == 0)
                except StoreDown as error:
                    log.warning("files not swept", error=str(error))

    def look(self, store: FileStore, now: float, *, sweeps: bool) -> None:
        """Have indexed what is due, and erase it if this look `sweeps`."""
        if store.vectors.has_due(now):
            self._index()
        if sweeps:
            sweep(store, now)


def sweep(store: FileStore, now: float) -> None:
    """Erase what is due, and log how much that was."""
    if erased := store.sweep_files(now):
        log.info("files swept", erased=erased)

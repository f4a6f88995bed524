"""Upkeep of a file store: what has expired, and what uploads and deletions have left, is erased about once a minute.

Every worker does it: two that meet do the same work twice, which is harmless.
"""

import random
import time
from typing import Final

import gevent
import structlog

from adapter.store.base import StoreDown
from adapter.store.files.protocols import FileStore

log = structlog.get_logger()

_SECONDS: Final = 60.0
"""Between two sweeps of a worker; a tenth more or less, so that workers do not meet every time."""


class FileUpkeep:
    """Sweeps a file store from time to time until it is stopped."""

    def __init__(self, store: FileStore | None) -> None:
        self._store = store
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begin, if there is a file store."""
        if self._store is not None:
            self._greenlet = gevent.spawn(self._sweep_regularly, self._store)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()

    def _sweep_regularly(self, store: FileStore) -> None:
        while True:
            gevent.sleep(_SECONDS * random.uniform(0.9, 1.1))
            if store.is_in_use():
                try:
                    sweep(store, time.time())
                except StoreDown as error:
                    log.warning("files not swept", error=str(error))


def sweep(store: FileStore, now: float) -> None:
    """Erase what is due, and log how much that was."""
    if erased := store.sweep_files(now):
        log.info("files swept", erased=erased)

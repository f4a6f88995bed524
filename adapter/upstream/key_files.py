"""Keys of an upstream that come from files (`file:/path`), read again when a file has changed.

So a key is rotated without a restart, as when a secret is mounted into a container. A file that cannot be read, or has
no usable key, leaves the key as it was.
"""

import os
import time
from collections.abc import Sequence
from typing import Final

import structlog

from adapter.settings.secret_values import KEY, Secret, read_secret
from adapter.settings.tables import TableError

log = structlog.get_logger()

_SECONDS_BETWEEN_LOOKS: Final = 2.0
"""At the files' dates, at most this often."""
_PREFIX: Final = "file:"


class KeyFiles:
    """The current keys of one upstream. Constructed without I/O."""

    def __init__(self, upstream: str, keys: Sequence[Secret]) -> None:
        self.keys = [key.value for key in keys]
        self._upstream = upstream
        self._files = {at: key.shown for at, key in enumerate(keys) if key.shown.startswith(_PREFIX)}
        self._dates: dict[int, int] = {}
        self._next_look = 0.0

    def refresh(self) -> bool:
        """Read the files that have changed, if it is time to look; tell whether any key is another one."""
        if not self._files or time.monotonic() < self._next_look:
            return False
        self._next_look = time.monotonic() + _SECONDS_BETWEEN_LOOKS
        before = list(self.keys)
        for at, shown in self._files.items():
            self._read(at, shown)
        return self.keys != before

    def _read(self, at: int, shown: str) -> None:
        try:
            date = os.stat(shown.removeprefix(_PREFIX)).st_mtime_ns
            if self._dates.get(at) == date:
                return
            self._dates[at] = date
            key = read_secret(shown, f"upstreams.{self._upstream}.keys[{at}]", KEY, {}).value
        except (OSError, TableError) as error:
            log.error("keys not read anew", file=shown, error=str(error))
            return
        if key != self.keys[at]:
            self.keys[at] = key
            log.info("keys read anew", file=shown, keys=1)

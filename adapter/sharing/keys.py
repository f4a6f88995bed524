"""The keys that callers may present: those of `api_keys`, and the named ones of the configuration file and the store.

The file is read anew when it or a file with a key that it names changes, so a key is added or revoked within seconds,
without a restart. If it cannot be read, the keys stay as they are.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct

from adapter.settings.caller_keys import CallerKey, digest_of
from adapter.settings.settings import Settings, SettingsError
from adapter.settings.sources import load_caller_keys
from adapter.telemetry.logs import log

_SECONDS_BETWEEN_LOOKS: Final = 2.0
"""At the file's date, at most this often."""
_MAX_KNOWN_DIGESTS: Final = 128
"""Of the keys that were presented last. OpenSSL takes longer to begin a digest than all other checks of a key."""


class Identity(Struct, frozen=True):
    """Who presents a key."""

    tenant: str
    key: CallerKey | None
    """None: the key has no name, and no limits."""


class CallerKeys:
    """All keys. Constructed without I/O."""

    def __init__(self, settings: Settings) -> None:
        self.are_required = settings.requires_keys
        self._unnamed = frozenset(map(digest_of, settings.api_keys))
        self._path = settings.config if settings.keys else None
        self._named = _by_digest(settings.keys)
        self._stored: Mapping[str, CallerKey] = {}
        self.on_unknown: Callable[[], None] | None = None
        """Called for a key that is not known, before it is refused: `set_stored` may follow."""
        self._dates: list[int] = []
        """Of the configuration file, and of the files with keys that it names."""
        self._next_look = 0.0
        self._last_error = ""
        """Why they cannot be read; "" if they can. Logged when it changes."""

    def find(self, key: str) -> Identity | None:
        """Return who presents a key; None: it is not accepted. Without any keys, every key is a tenant's.

        Raises StoreDown if the keys of the store could not be read yet.
        """
        digest = _digest_of(key)
        if self._path is not None and time.monotonic() >= self._next_look:
            self._look_at_file(self._path)
        named = self._named.get(digest) or self._stored.get(digest)
        if named is None and digest not in self._unnamed and self.on_unknown is not None:
            self.on_unknown()
            named = self._stored.get(digest)
        if named is not None:
            return Identity(named.tenant, named)
        if digest in self._unnamed or not self.are_required:
            return Identity(digest, None)
        return None

    def set_stored(self, keys: Iterable[CallerKey]) -> None:
        """Accept these keys of the store, and no others of it. One of the name of a key in the file is not accepted."""
        names = self.names_in_file()
        stored = _by_digest(key for key in keys if key.name not in names)
        if stored != self._stored:
            self._stored = stored
            log.info("keys read anew", file="the store", keys=len({key.name for key in stored.values()}))

    def named(self) -> list[CallerKey]:
        """Return the named keys, sorted by name."""
        return sorted({*self._named.values(), *self._stored.values()}, key=lambda key: key.name)

    def names_in_file(self) -> frozenset[str]:
        """Return the names of the keys in the configuration file, as it was when it was last read."""
        return frozenset(key.name for key in self._named.values())

    def _key_files(self) -> list[str]:
        return sorted({key.file for key in self._named.values() if key.file is not None})

    def _look_at_file(self, path: str) -> None:
        self._next_look = time.monotonic() + _SECONDS_BETWEEN_LOOKS
        try:
            dates = [os.stat(file).st_mtime_ns for file in (path, *self._key_files())]
            if dates == self._dates:
                return
            named = _by_digest(load_caller_keys(path))
        except (OSError, SettingsError) as error:
            # Without their dates, they are read again at the next look: the error may be in a file that is new.
            self._dates = []
            if str(error) != self._last_error:
                self._last_error = str(error)
                log.error("keys not read anew", file=path, error=str(error))
            return
        was_broken = bool(self._last_error)
        self._dates, self._last_error = dates, ""
        if named != self._named or was_broken:
            self._named = named
            log.info("keys read anew", file=path, keys=len({key.name for key in named.values()}))


_digest_of: Final = lru_cache(_MAX_KNOWN_DIGESTS)(digest_of)


def _by_digest(keys: Iterable[CallerKey]) -> Mapping[str, CallerKey]:
    return {digest: key for key in keys for digest in key.digests}

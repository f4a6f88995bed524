"""Secrets that come from files (`file:/path`), read again when a file has changed.

So a key, or the value of a header or of a query, is rotated without a restart, as when a secret is mounted into a
container. A file that cannot be read, or has no usable value, leaves the value as it was.
"""

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from adapter.settings.secret_values import HEADER_VALUE, KEY, Secret, read_secret
from adapter.settings.tables import TableError
from adapter.settings.upstreams import UpstreamSettings
from adapter.telemetry.logs import log

_SECONDS_BETWEEN_LOOKS: Final = 2.0
"""At the files' dates, at most this often."""
_PREFIX: Final = "file:"


def is_from_file(secret: Secret) -> bool:
    return secret.shown.startswith(_PREFIX)


class SecretReader:
    """Reads secrets anew whose files have changed. Constructed without I/O."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Secret]] = {}
        """The date of its file and the secret, by the place of the value."""

    def read(self, secret: Secret, where: str, pattern: re.Pattern[str]) -> Secret:
        """Return the secret of a place as its file has it now; as it was if it is from no file, or cannot be read."""
        if not is_from_file(secret):
            return secret
        known_date, known = self._known.get(where, (0, secret))
        try:
            date = os.stat(secret.shown.removeprefix(_PREFIX)).st_mtime_ns
            if date == known_date:
                return known
            self._known[where] = date, known
            current = read_secret(secret.shown, where, pattern, {})
        except (OSError, TableError) as error:
            log.error("keys not read anew", file=secret.shown, error=str(error))
            return known
        if current != known:
            log.info("keys read anew", file=secret.shown, keys=1)
        self._known[where] = date, current
        return current


class SecretFiles:
    """The secrets of one upstream. Constructed without I/O."""

    def __init__(self, settings: UpstreamSettings, use: Callable[[UpstreamSettings], None]) -> None:
        """`use` gets the settings with other secrets in them whenever a file has another one."""
        self._settings = settings
        self._use = use
        self._read = SecretReader().read
        self._next_look = 0.0

    def refresh(self) -> None:
        """Read the files that have changed, if it is time to look."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _SECONDS_BETWEEN_LOOKS
        before, where = self._settings, f"upstreams.{self._settings.name}"
        self._settings = replace(
            before,
            keys=tuple(self._read(key, f"{where}.keys[{at}]", KEY) for at, key in enumerate(before.keys)),
            headers=self._read_each(before.headers, f"{where}.headers"),
            query=self._read_each(before.query, f"{where}.query"),
        )
        if self._settings != before:
            self._use(self._settings)

    def _read_each(self, secrets: Mapping[str, Secret], where: str) -> dict[str, Secret]:
        return {name: self._read(secret, f"{where}.{name}", HEADER_VALUE) for name, secret in secrets.items()}


def find_secret_files(settings: UpstreamSettings, use: Callable[[UpstreamSettings], None]) -> SecretFiles | None:
    """Return the secrets of an upstream if any of them comes from a file; `use` as in `SecretFiles`."""
    named = (*settings.keys, *settings.headers.values(), *settings.query.values())
    return SecretFiles(settings, use) if any(map(is_from_file, named)) else None

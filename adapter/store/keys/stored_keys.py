"""Named keys in the store: made, replaced and revoked for all servers that share it.

A key is stored as the table that the configuration file would have (`settings/caller_keys.py`), with the hash of each
text that is accepted and the time until which it is. Workers read all of them every two seconds, sooner when a caller
presents a key that they do not know: a new key works at once, and a revoked one is refused within seconds.
While the store is down, the keys stay as they were.
"""

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any, Final, NamedTuple

import gevent
from msgspec import Struct
from msgspec.structs import replace

from adapter.settings.caller_keys import CallerKey, digest_of, read_caller_keys
from adapter.settings.tables import TableError
from adapter.sharing.keys import CallerKeys
from adapter.sharing.new_keys import create_key
from adapter.store.base import StoreDown
from adapter.store.protocols import ValueStore
from adapter.telemetry.logs import log
from translators.wire import Decoder, NotJSON, encode

_PREFIX: Final = "caller-key/"
_FOR_EVER: Final = 1e12
_SECONDS_BETWEEN_READS: Final = 2.0
_SECONDS_BETWEEN_MISSES: Final = 0.1
"""Between two reads for keys that are not known, which wait for it: who tries keys must not make the store busy."""
_MAX_HASHES: Final = 8


class StoredKey(Struct, frozen=True):
    """One key, as it is stored."""

    name: str
    table: dict[str, Any]
    """Its settings as in the configuration file, without hashes; the date as text."""
    hashes: dict[str, float | None]
    """SHA-256 of each accepted text → the Unix time until which it is; None: as long as the key exists."""
    created_at: float

    def caller_key(self, now: float | None = None) -> CallerKey | None:
        """Return the key as it is at a Unix time (default: now); None: none of its texts is accepted any more.

        Raises TableError.
        """
        now = time.time() if now is None else now
        hashes = [f"sha256:{digest}" for digest, until in self.hashes.items() if until is None or until > now]
        return _read_table(self.name, self.table, hashes) if hashes else None


class KeyNotFound(Exception):
    """There is no key of this name in the store."""


class KeyExists(Exception):
    """There is a key of this name already."""


_decode: Final = Decoder(StoredKey).decode


def list_keys(store: ValueStore) -> list[StoredKey]:
    """Return the keys in a store, sorted by name; raise StoreDown."""
    found = (_decode_one(value) for value in store.values(_PREFIX, time.time()).values())
    return sorted((one for one in found if one is not None), key=lambda one: one.name)


def add_key(store: ValueStore, name: str, table: Mapping[str, Any]) -> str:
    """Store a new key with the settings of a table; return its text, which is stored nowhere.

    Raises TableError, KeyExists, StoreDown.
    """
    text = create_key()
    _read_table(name, table, [f"sha256:{digest_of(text)}"])
    stored = StoredKey(name, dict(table), {digest_of(text): None}, time.time())
    if not store.replace_value(_place(name), None, encode(stored), _FOR_EVER):
        raise KeyExists(name)
    return text


def rotate_key(store: ValueStore, name: str, overlap: float) -> str:
    """Give a key a new text, and return it; the old ones are accepted for `overlap` seconds.

    Raises KeyNotFound, StoreDown.
    """
    text, place = create_key(), _place(name)
    while True:  # another may rotate or revoke it at the same moment
        now = time.time()
        value = store.values(place, now).get(place)
        stored = None if value is None else _decode_one(value)
        if stored is None:
            raise KeyNotFound(name)
        hashes = {**_ending(stored.hashes, now, now + overlap), digest_of(text): None}
        if store.replace_value(place, value, encode(replace(stored, hashes=hashes)), _FOR_EVER):
            return text


def revoke_key(store: ValueStore, name: str) -> None:
    """Delete a key; raise KeyNotFound, StoreDown."""
    if not store.delete_values(_place(name)):
        raise KeyNotFound(name)


def _ending(hashes: dict[str, float | None], now: float, by: float) -> dict[str, float | None]:
    """Return the hashes that are still accepted, each until a Unix time at most; so few that there is room for one."""
    ends = {digest: by if until is None else min(until, by) for digest, until in hashes.items()}
    newest = sorted(ends.items(), key=lambda one: one[1])[-(_MAX_HASHES - 1) :]
    return {digest: until for digest, until in newest if until > now}


class _Known(NamedTuple):
    """A value, and the key that it is until a Unix time; None: it is none."""

    value: bytes
    key: CallerKey | None
    until: float


class StoredKeys:
    """Keeps the keys of a worker as they are in the store. A member of the heartbeat."""

    def __init__(self, store: ValueStore, keys: CallerKeys) -> None:
        self._store = store
        self._keys = keys
        self._known: dict[str, _Known] = {}
        """What was read last, by its place: only what has changed, or expired, is decoded again."""
        self._read_at = 0.0
        self._has_read = False
        self._is_down = False
        self._reading: gevent.Greenlet[..., None] | None = None
        keys.on_unknown = self._read_for_unknown

    def tick(self) -> None:
        """Read the store again if it is time."""
        if time.monotonic() >= self._read_at + _SECONDS_BETWEEN_READS and (
            self._reading is None or self._reading.ready()
        ):
            self._reading = gevent.spawn(self._read_again)

    def read(self) -> None:
        """Read the store; raise StoreDown."""
        self._read_at = time.monotonic()
        now = time.time()
        values = self._store.values(_PREFIX, now)
        self._known = {place: self._decode_if_new(place, value, now) for place, value in values.items()}
        self._has_read, self._is_down = True, False
        self._keys.set_stored(known.key for known in self._known.values() if known.key is not None)

    def _decode_if_new(self, place: str, value: bytes, now: float) -> "_Known":
        known = self._known.get(place)
        if known is not None and known.value == value and now < known.until:
            return known
        stored = _decode_one(value)
        if stored is None:
            return _Known(value, None, math.inf)
        ends = (until for until in stored.hashes.values() if until is not None and until > now)
        return _Known(value, stored.caller_key(now), min(ends, default=math.inf))

    def _read_again(self) -> None:
        try:
            self.read()
        except StoreDown as error:
            if not self._is_down:
                self._is_down = True
                log.error("keys not read anew", file="the store", error=str(error))

    def _read_for_unknown(self) -> None:
        """Read the store because of a key that is not known; raise StoreDown if no key is known yet."""
        if not self._has_read:
            self.read()
            return
        seen = self._read_at
        gevent.sleep(max(0.0, seen + _SECONDS_BETWEEN_MISSES - time.monotonic()))
        if self._read_at == seen:  # else another request has read it meanwhile
            self._read_again()


def _read_table(name: str, table: Mapping[str, Any], hashes: list[str]) -> CallerKey:
    """Return the key that a table describes; raise TableError."""
    if forbidden := {"hash", "hashes", "key"} & table.keys():
        raise TableError(f"keys.{name}.{min(forbidden)} is not a setting of a key in the store: its text is made here.")
    read: dict[str, Any] = {**table, "hashes": hashes}
    if isinstance(read.get("expires"), str):
        with suppress(ValueError):
            read["expires"] = date.fromisoformat(read["expires"])
    (key,) = read_caller_keys({name: read}, {})
    return key


def _decode_one(value: bytes) -> StoredKey | None:
    """Return a key, None for one that cannot be used, as another version of this program may have stored it."""
    try:
        stored = _decode(value)
        stored.caller_key()
    except (*NotJSON, TableError) as error:
        log.warning("stored key cannot be used", error=str(error))
        return None
    return stored


def _place(name: str) -> str:
    """Return the key of its value; the slash at the end is in no name."""
    return f"{_PREFIX}{name}/"

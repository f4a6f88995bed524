"""New keys for callers, and the keys of the configuration, as the command line shows them.

A key is `ra-`, 32 random bytes and their checksum, in letters and digits, so that scanners for leaked secrets recognise
it. The server has only its SHA-256: 32 random bytes cannot be guessed, so no slower hash is needed.
"""

import secrets
import zlib
from datetime import UTC, datetime, timedelta
from typing import Final

from adapter.settings.caller_keys import CallerKey, digest_of
from adapter.settings.settings import Settings
from adapter.settings.tables import quote_key

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_CHARS: Final = 43
"""32 bytes in base 62."""
_CHECKSUM_CHARS: Final = 6
"""A CRC-32 in base 62."""


def create_key() -> str:
    """Return a new key."""
    secret = _base62(int.from_bytes(secrets.token_bytes(32)), _SECRET_CHARS)
    return f"ra-{secret}{_base62(zlib.crc32(secret.encode()), _CHECKSUM_CHARS)}"


def table_of(name: str, key: str, *, days: int | None = None, **limits: int | None) -> str:
    """Return the table for the configuration file that makes a server accept a key."""
    lines = [f"[keys.{quote_key(name)}]", f'hash = "sha256:{digest_of(key)}"']
    if days is not None:
        lines.append(f"expires = {(datetime.now(UTC) + timedelta(days=days)).date()}")
    lines += [f"{limit} = {value}" for limit, value in limits.items() if value is not None]
    return "\n".join(lines)


def report(settings: Settings) -> list[str]:
    """Return a line for each key of the configuration."""
    lines = [_describe(key) for key in settings.keys]
    if settings.api_keys:
        lines.append(f"{len(settings.api_keys)} without a name, of ADAPTER_API_KEYS")
    return lines or ["There are no keys: anyone who reaches the server may use it."]


def _describe(key: CallerKey) -> str:
    described = key.describe()
    shown = [f"{name} {value}" for name, value in described.items() if value and name not in ("tenant", "hashes")]
    if key.tenant != key.name:
        shown.insert(0, f"tenant {key.tenant}")
    if len(key.digests) > 1:
        shown.append(f"{len(key.digests)} hashes")
    return f"{key.name}: {', '.join(shown) or 'no limits'}"


def _base62(number: int, chars: int) -> str:
    text = ""
    for _ in range(chars):
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return text

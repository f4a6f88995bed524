"""New keys for callers.

A key is `ra-`, 32 random bytes and their checksum, in letters and digits, so that scanners for leaked secrets recognise
it. The server has only its SHA-256: 32 random bytes cannot be guessed, so no slower hash is needed.
"""

import secrets
import zlib
from typing import Final

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_CHARS: Final = 43
"""32 bytes in base 62."""
_CHECKSUM_CHARS: Final = 6
"""A CRC-32 in base 62."""


def create_key() -> str:
    """Return a new key."""
    secret = _base62(int.from_bytes(secrets.token_bytes(32)), _SECRET_CHARS)
    return f"ra-{secret}{_base62(zlib.crc32(secret.encode()), _CHECKSUM_CHARS)}"


def _base62(number: int, chars: int) -> str:
    text = ""
    for _ in range(chars):
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return text

"""Who calls: the bearer key of a request → its tenant.

Each key is a tenant of its own, identified by the SHA-256 of the key. With `api_keys` set, a key must be one of them;
without, anyone may call, and callers without a key share the tenant "". Keys are compared as digests and in constant
time, so that the delay of an answer says nothing about them. Source: RFC 6750 §2.1.
"""

import hashlib
import hmac
import re
from functools import lru_cache
from typing import Final

from translators.errors import RequestError

_BEARER: Final = re.compile(r"bearer +([!-~]+) *", re.I)


def read_bearer(header: str | None) -> str | None:
    """Return the key in an Authorization header, None without a header; raise RequestError (401) for other schemes."""
    if not header:
        return None
    found = _BEARER.fullmatch(header)
    if found is None:
        raise _unauthorized(
            "The Authorization header is malformed. It should be 'Authorization: Bearer YOUR_KEY'.",
            code="invalid_api_key",
        )
    return found[1]


def authenticate(key: str | None, accepted: tuple[str, ...]) -> str:
    """Return the tenant of a key; raise RequestError (401) for one that is not accepted. No `accepted`: any key is."""
    if key is None:
        if accepted:
            raise _unauthorized(
                "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'.", code=None
            )
        return ""
    digest = hashlib.sha256(key.encode()).digest()
    if accepted and not any(hmac.compare_digest(digest, one) for one in _digests(accepted)):
        raise _unauthorized(f"Incorrect API key provided: {_mask(key)}.", code="invalid_api_key")
    return digest.hex()


@lru_cache(maxsize=1)
def _digests(keys: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(key.encode()).digest() for key in keys)


def _mask(key: str) -> str:
    """Return enough of a key for its owner to recognise it."""
    if len(key) < 16:
        return "*" * len(key)
    return f"{key[:3]}{'*' * 8}{key[-4:]}"


def _unauthorized(message: str, code: str | None) -> RequestError:
    return RequestError(message, code=code, status=401)

"""Who calls: the bearer key of a request, and the tenant it stands for.

Each key is a tenant of its own, known by the SHA-256 of the key. With `api_keys` set, a key must be one of them;
without, anyone may call, and those who send no key share the tenant "". Keys are compared as digests in
constant time, so that an answer's delay says nothing about them.
"""

import hashlib
import hmac
import re
from functools import lru_cache
from typing import Final

from flask import request

from adapter.api.current import services
from translators.errors import RequestError

_BEARER: Final = re.compile(r"bearer +([!-~]+) *", re.I)


def authenticate() -> str:
    """Return the tenant of the current request; raise RequestError (401) if it may not call."""
    key = bearer()
    known = services().settings.api_keys
    if key is None:
        if known:
            raise _unauthorized(
                "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'.", code=None
            )
        return ""
    digest = hashlib.sha256(key.encode()).digest()
    if known and not any(hmac.compare_digest(digest, one) for one in _digests(known)):
        raise _unauthorized(f"Incorrect API key provided: {_masked(key)}.", code="invalid_api_key")
    return digest.hex()


def bearer() -> str | None:
    """Return the key that the current request carries; raise RequestError (401) for what is no bearer key."""
    header = request.environ.get("HTTP_AUTHORIZATION")
    if not header:
        return None
    found = _BEARER.fullmatch(header)
    if found is None:
        raise _unauthorized(
            "The Authorization header is malformed. It should be 'Authorization: Bearer YOUR_KEY'.",
            code="invalid_api_key",
        )
    return found[1]


@lru_cache(maxsize=1)
def _digests(keys: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(key.encode()).digest() for key in keys)


def _masked(key: str) -> str:
    """Return as much of a key as lets its owner recognise it."""
    if len(key) < 16:
        return "*" * len(key)
    return f"{key[:3]}{'*' * 8}{key[-4:]}"


def _unauthorized(message: str, code: str | None) -> RequestError:
    return RequestError(message, code=code, status=401)

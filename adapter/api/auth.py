"""Who calls: the key of a request → its tenant.

The key is in `Authorization: Bearer`; without one there, in `api-key` (Azure's clients) or `x-api-key`. An empty bearer
key, which clients send that have none, is none.

Each key is a tenant of its own, identified by the SHA-256 of the key. With `api_keys` set, a key must be one of them;
without, anyone may call, and callers without a key share the tenant "". Keys are compared as digests and in constant
time, so that the delay of an answer says nothing about them. Source: RFC 6750 §2.1.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from translators.errors import RequestError

_BEARER: Final = re.compile(r"bearer(?: +([!-~]+))? *", re.I)
_KEY: Final = re.compile(r"[!-~]+")
_OTHER_HEADERS: Final = {"HTTP_API_KEY": "api-key", "HTTP_X_API_KEY": "x-api-key"}
"""Source: Azure OpenAI docs, Authentication; BerriAI/litellm#4077."""


def read_key(environ: Mapping[str, Any]) -> str | None:
    """Return the key of a request, None if it has none; raise RequestError (401) for one that cannot be read."""
    key = read_bearer(environ.get("HTTP_AUTHORIZATION"))
    return _read_other_headers(environ) if key is None else key


def _read_other_headers(environ: Mapping[str, Any]) -> str | None:
    for variable, name in _OTHER_HEADERS.items():
        key: str = environ.get(variable, "").strip()
        if key:
            if _KEY.fullmatch(key) is None:
                raise _unauthorized(f"The header {name} is malformed. It should be the key alone.", "invalid_api_key")
            return key
    return None


def read_bearer(header: str | None) -> str | None:
    """Return the key in an Authorization header, None without one; raise RequestError (401) for other schemes."""
    if not header:
        return None
    found = _BEARER.fullmatch(header)
    if found is None:
        raise _unauthorized(
            "The Authorization header is malformed. It should be 'Authorization: Bearer YOUR_KEY'.",
            code="invalid_api_key",
        )
    key: str | None = found[1]
    return key


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

"""Who calls: the key of a request → its tenant.

The key is in `Authorization: Bearer`; without one there, in `api-key` (Azure's clients) or `x-api-key`. An empty bearer
key, which clients send that have none, is none.

A named key (`[keys]`) says whose tenant it is; any other is a tenant of its own, identified by the SHA-256 of the key.
With keys configured, a key must be one of them; without, anyone may call, and callers without a key share the tenant
"". Keys are looked up by their digest, so that the delay of an answer says nothing about them.
Source: RFC 6750 §2.1.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from adapter.sharing.keys import CallerKeys, Identity
from translators.errors import RequestError

_BEARER: Final = re.compile(r"bearer(?: +([!-~]+))? *", re.I)
_KEY: Final = re.compile(r"[!-~]+")
_OTHER_HEADERS: Final = {"HTTP_API_KEY": "api-key", "HTTP_X_API_KEY": "x-api-key"}
"""Source: Azure OpenAI docs, Authentication; BerriAI/litellm#4077."""


def read_key(environ: Mapping[str, Any]) -> str | None:
    """Return the key of a request, None if it has none; raise RequestError (401) for one that cannot be read."""
    header = environ.get("HTTP_AUTHORIZATION")
    if header and (key := _read_bearer(header)) is not None:
        return key
    return _read_other_headers(environ)


@lru_cache(maxsize=128)  # of keys that were presented last, as in `CallerKeys`
def _read_bearer(header: str) -> str | None:
    found = _BEARER.fullmatch(header)
    if found is None:
        raise _unauthorized(
            "The Authorization header is malformed. It should be 'Authorization: Bearer YOUR_KEY'.",
            code="invalid_api_key",
        )
    return found[1]


def _read_other_headers(environ: Mapping[str, Any]) -> str | None:
    for variable, name in _OTHER_HEADERS.items():
        key: str = environ.get(variable, "").strip()
        if key:
            if _KEY.fullmatch(key) is None:
                raise _unauthorized(f"The header {name} is malformed. It should be the key alone.", "invalid_api_key")
            return key
    return None


def authenticate(key: str | None, keys: CallerKeys) -> Identity:
    """Return who presents a key; raise RequestError (401) if it is missing, not accepted or expired."""
    if key is None:
        if keys.are_required:
            raise _unauthorized(
                "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'.", code=None
            )
        return Identity("", None)
    who = keys.find(key)
    if who is None:
        raise _unauthorized(f"Incorrect API key provided: {_mask(key)}.", code="invalid_api_key")
    if who.key is not None and who.key.expires is not None and datetime.now(UTC).date() > who.key.expires:
        raise _unauthorized(f"The API key '{who.key.name}' expired on {who.key.expires}.", code="invalid_api_key")
    return who


def _mask(key: str) -> str:
    """Return enough of a key for its owner to recognise it."""
    if len(key) < 16:
        return "*" * len(key)
    return f"{key[:3]}{'*' * 8}{key[-4:]}"


def _unauthorized(message: str, code: str | None) -> RequestError:
    return RequestError(message, code=code, status=401)

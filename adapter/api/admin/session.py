"""The browser's proof that an operator has entered the admin key: a cookie, since pages cannot send headers.

Its value is the time at which it ends and an HMAC of it under the admin key, so no worker has to remember it, and a new
key ends all sessions.
"""

import hashlib
import hmac
import time
from typing import Any, Final

from werkzeug.http import parse_cookie

SECONDS: Final = 8 * 3600
COOKIE: Final = "responses_adapter_admin"


def sign_in(key: bytes) -> str:
    """Return the value of a cookie that is valid from now on."""
    until = str(int(time.time()) + SECONDS)
    return f"{until}.{_sign(key, until)}"


def is_signed_in(environ: dict[str, Any], key: bytes) -> bool:
    """Whether a request has a cookie that is valid."""
    until, _, signature = parse_cookie(environ).get(COOKIE, "").partition(".")
    if not (until.isdecimal() and len(until) < 16 and int(until) > time.time()):
        return False
    return hmac.compare_digest(signature.encode(), _sign(key, until).encode())


def _sign(key: bytes, until: str) -> str:
    return hmac.new(key, f"admin session until {until}".encode(), hashlib.sha256).hexdigest()

"""Which web pages may use the server: none but its own, and those of the origins that the operator names.

A browser lets any page open a WebSocket to a server on the user's machine or network, and send it some requests, which
use the operator's key to the provider. So an `Origin`, which only browsers are bound to send, must be the server's own
or one of `cors_origins`; the answers to these carry the headers that let the page read them. A page can also make its
own host name resolve to this machine (DNS rebinding), and then has the server's own origin; so a server that is open to
anyone on this machine checks that `Host` names this machine.
Source: RFC 6454; RFC 6455 §10.2; WHATWG Fetch, CORS protocol.
"""

import re
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, request

from adapter.settings.kinds import is_loopback
from adapter.settings.settings import Settings
from translators.errors import RequestError, shorten

_ALLOWED: Final = "adapter.allowed_origin"
_METHODS: Final = "GET, POST, DELETE"
_EXPOSED: Final = (
    "x-request-id, x-adapter-notes, x-should-retry, retry-after, retry-after-ms, openai-version, openai-processing-ms, "
    "x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
    "x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens"
)
_MAX_AGE_SECONDS: Final = "7200"
"""Chromium remembers a preflight no longer."""
_HEADER_NAMES: Final = re.compile(r"[A-Za-z0-9_\-, ]{1,2000}")


def init_origins(app: Flask, settings: Settings) -> None:
    """Make an app check `Origin` and `Host` before anything else, and answer preflights."""
    origins = Origins(settings)
    app.before_request(lambda: origins.check_request(request.environ))
    if settings.cors_origins:
        app.after_request(_add_headers)


class Origins:
    """The checks of `Origin` and `Host`, as the settings want them."""

    def __init__(self, settings: Settings) -> None:
        self._named = frozenset(settings.cors_origins)
        self._only_local = not settings.requires_keys and not settings.allow_open  # then `bind` is a loopback address

    def check_request(self, environ: dict[str, Any]) -> Response | None:
        """Return the answer to a preflight, None for other requests; raise RequestError (403)."""
        host = environ.get("HTTP_HOST")
        if not self.accepts_host(host):
            raise RequestError(
                f"This server has no keys, so it answers on this machine only: to localhost, not to "
                f"'{shorten(host or '')}'. Set ADAPTER_API_KEYS, or ADAPTER_ALLOW_OPEN=1 if anyone may use it.",
                code="host_not_allowed",
                status=403,
            )
        if "HTTP_ORIGIN" in environ:
            return self._check_origin(environ, environ["HTTP_ORIGIN"])
        return None

    def accepts_host(self, host: str | None) -> bool:
        """Whether a `Host` names this machine, or the server is not only for callers on it.

        HTTP/1.0 has none, and browsers do not speak it.
        """
        return not self._only_local or host is None or _is_this_machine(host)

    def _check_origin(self, environ: dict[str, Any], origin: str) -> Response | None:
        if origin in self._named or "*" in self._named:
            environ[_ALLOWED] = origin
            if environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
                return _preflight_answer(environ)
        elif not _is_own(origin, environ.get("HTTP_HOST", "")):
            raise RequestError(
                f"Web pages of the origin '{shorten(origin)}' may not use this server. To allow them, set "
                "ADAPTER_CORS_ORIGINS.",
                code="origin_not_allowed",
                status=403,
            )
        return None


@lru_cache(maxsize=64)
def _is_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return is_loopback(f"{name}:0")


def _is_own(origin: str, host: str) -> bool:
    """Whether an origin is the host of the request, under either scheme: a proxy in front may speak TLS."""
    scheme, _, address = origin.lower().partition("://")
    default_port = {"http": ":80", "https": ":443"}.get(scheme)
    if default_port is None or not address:
        return False
    return address.removesuffix(default_port) == host.lower().removesuffix(default_port)


def _preflight_answer(environ: dict[str, Any]) -> Response:
    answer = Response(status=204)
    answer.headers["Access-Control-Allow-Methods"] = _METHODS
    answer.headers["Access-Control-Max-Age"] = _MAX_AGE_SECONDS
    names = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
    if _HEADER_NAMES.fullmatch(names):
        answer.headers["Access-Control-Allow-Headers"] = names  # SDKs send a dozen of their own
    if environ.get("HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK") == "true":
        answer.headers["Access-Control-Allow-Private-Network"] = "true"
    return answer


def _add_headers(response: Response) -> Response:
    origin = request.environ.get(_ALLOWED)
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    response.headers.add("Vary", "Origin")
    return response

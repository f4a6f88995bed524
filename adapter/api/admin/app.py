"""The admin application: what operators see and do, at an address of its own (`admin_bind`).

Nothing of it is served at the public address, and nothing of the API here: behind a proxy on the same machine every
caller seems to be local, so only the listener tells one from the other. A web page cannot use it either: `Host` must be
a name of this address, which a page whose name was made to resolve to this machine does not send (DNS rebinding), and a
request that changes something must come from no other page. With `admin_key`, every request needs the key,
or a named key with `admin`.
"""

import hmac
from typing import Final, NoReturn

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from adapter.api import current
from adapter.api.admin import keys, metrics, usage
from adapter.api.admin.session import is_signed_in
from adapter.api.auth import authenticate, read_key
from adapter.api.errors import init_errors
from adapter.services import Services
from adapter.settings.kinds import is_loopback, split_address
from adapter.settings.settings import Settings
from adapter.sharing.keys import CallerKeys
from translators.errors import RequestError, shorten

_MAX_BODY_BYTES: Final = 64 * 1024
_LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
_OPEN_PATHS: Final = frozenset(
    {"/inspector/sign-in", "/inspector/static/style.css", "/inspector/static/sign-in.js"}
)
"""The form that asks for the key, and what it looks like."""
_OVERVIEW: Final = """\
This is the admin address of responses-adapter, for those who run it.

  metrics    GET {base}/metrics
  keys       GET {base}/keys
  usage      GET {base}/usage
  inspector  {inspector}
"""


def create_admin_app(services: Services) -> Flask:
    """Return the WSGI application of the admin address."""
    app = Flask("adapter.admin", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY_BYTES  # a longer body is refused, or cut if it is sent chunked
    app.extensions["adapter"] = services
    init_errors(app)
    guard = _Guard(services.settings, services.caller_keys, has_pages=services.recorder is not None)
    app.before_request(guard.check_request)
    app.add_url_rule("/", view_func=_show_overview)
    for part in (keys, metrics, usage):
        app.register_blueprint(part.blueprint)
    if services.recorder is None:
        for rule in ("/inspector", "/inspector/<path:page>"):
            app.add_url_rule(rule, view_func=_explain_inspector)
    else:  # imported late: mostly nothing is recorded
        from adapter.api.admin.inspector import chains, pages, recordings, replay, state

        for page in (recordings, chains, state, replay, pages):
            app.register_blueprint(page.blueprint)
    return app


def _show_overview() -> Response:
    base = request.host_url.rstrip("/")
    inspector = f"{base}/inspector, in a browser"
    if current.services().recorder is None:
        inspector = "off; to use it, set ADAPTER_INSPECTOR to heads, contents or all"
    text = _OVERVIEW.format(base=base, inspector=inspector)
    return Response(text, content_type="text/plain; charset=utf-8")


def _explain_inspector(page: str = "") -> NoReturn:
    raise RequestError("The inspector is off. To use it, set ADAPTER_INSPECTOR to heads, contents or all.", status=404)


class _Guard:
    def __init__(self, settings: Settings, keys: CallerKeys, *, has_pages: bool) -> None:
        self._keys = keys
        self._has_pages = has_pages
        assert settings.admin_bind is not None
        host, port = split_address(settings.admin_bind)
        names = {f"[{host}]" if ":" in host else host, *_LOCAL_NAMES, *settings.admin_hosts}
        self._hosts = frozenset(names | {f"{name}:{port}" for name in names})
        self._key = None if settings.admin_key is None else settings.admin_key.encode()
        self._checks_host = is_loopback(settings.admin_bind) or bool(settings.admin_hosts)

    def check_request(self) -> BaseResponse | None:
        """Raise RequestError (401, 403, 421) for a request that is not the operator's.

        A person who opens a page is sent to the form that asks for the key; None: go on.
        """
        environ = request.environ
        host = environ.get("HTTP_HOST", "")
        if host.lower() not in self._hosts and self._checks_host:
            raise RequestError(
                f"The admin address has no name '{shorten(host)}'. To give it one, set ADAPTER_ADMIN_HOSTS.",
                code="host_not_allowed",
                status=421,
            )
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and request.method not in ("GET", "HEAD") and origin.partition("://")[2] != host:
            raise RequestError("Pages of other origins may not use the admin address.", status=403)
        if self._key is not None:
            if request.path in _OPEN_PATHS or is_signed_in(environ, self._key):
                return None
            key = read_key(environ)
            if key is None and request.method == "GET" and self._has_pages and _is_page(request.path):
                return redirect("/inspector/sign-in")
            if key is None or not (hmac.compare_digest(key.encode(), self._key) or self._is_admins(key)):
                raise RequestError("The admin key is missing or wrong.", code="invalid_api_key", status=401)
        return None

    def _is_admins(self, key: str) -> bool:
        """Whether it is a named key with `admin`; raise RequestError (401) for one that is not accepted."""
        who = authenticate(key, self._keys)
        return who.key is not None and who.key.admin


def _is_page(path: str) -> bool:
    return path in ("/", "/inspector") or (path.startswith("/inspector/") and not path.startswith("/inspector/api/"))

"""The pages: one shell for all views, static files, and the form that asks for the admin key.

No page may load anything from elsewhere, run a script that is not a file of this folder, or make HTML of a string
(`require-trusted-types-for`), so what callers and models write can only be shown as text.
Source: W3C, Content Security Policy Level 3; W3C, Trusted Types.
"""

import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Final

from flask import Blueprint, Response, request

from adapter.api.admin.session import COOKIE, SECONDS, sign_in
from adapter.api.current import services
from translators.errors import RequestError

blueprint = Blueprint("inspector_pages", __name__)

_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}
_POLICY: Final = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src data:",
    "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
    "trusted-types 'none'",
))  # fmt: skip
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # without any, a browser sends the origin null with the form
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@blueprint.get("/inspector")
@blueprint.get("/inspector/")
@blueprint.get("/inspector/<path:view>")
def show_view(view: str = "") -> Response:
    """Return the shell; the script in it shows the view that the path names. Raise RequestError below the API."""
    if view.startswith("api/"):
        raise RequestError("The inspector's API has no such path.", status=404)
    return _send("index.html")


@blueprint.get("/inspector/static/<name>")
def send_file(name: str) -> Response:
    return _send(name)


@blueprint.get("/inspector/sign-in")
def ask_for_key() -> Response:
    return _send("sign-in.html")


@blueprint.post("/inspector/sign-in")
def check_key() -> Response:
    """Answer the form: with the cookie, or with the form once more."""
    key = services().settings.admin_key
    given = request.form.get("key", "").strip().encode()
    if key is not None and not hmac.compare_digest(given, key.encode()):
        return _redirect("/inspector/sign-in?wrong")
    answer = _redirect("/inspector")
    if key is not None:
        answer.set_cookie(
            COOKIE, sign_in(key.encode()), max_age=SECONDS, httponly=True, samesite="Strict", secure=request.is_secure
        )
    return answer


@blueprint.post("/inspector/sign-out")
def sign_out() -> Response:
    answer = _redirect("/inspector/sign-in")
    answer.delete_cookie(COOKIE, httponly=True, samesite="Strict", secure=request.is_secure)
    return answer


def _redirect(to: str) -> Response:
    return Response(status=303, headers={"Location": to, "Cache-Control": "no-store"})


def _send(name: str) -> Response:
    found = _read(name)
    if found is None:
        raise RequestError(f"There is no file {name[:60]}.", status=404)
    body, tag = found
    answer = Response(body, content_type=_TYPES[name.rpartition(".")[2]], headers=HEADERS)
    answer.set_etag(tag)
    answer.make_conditional(request)
    return answer


@lru_cache(maxsize=64)
def _read(name: str) -> tuple[bytes, str] | None:
    """Return a static file and its tag; None: there is none of this name."""
    for file in files(__package__).joinpath("static").iterdir():
        if file.name == name and name.rpartition(".")[2] in _TYPES:
            body = file.read_bytes()
            return body, hashlib.sha256(body).hexdigest()[:16]
    return None

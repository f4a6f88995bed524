"""`GET /`, for a person who opens the address to see whether anything is there.

A browser gets the page, which may load nothing and send only to this server; anything else, curl for example, gets a
few lines of text.
"""

import html
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, request

from adapter.api.current import services

blueprint = Blueprint("landing", __name__)

_TEXT: Final = """\
This is responses-adapter: OpenAI's Responses API in front of a chat-completions provider. It is running.

  base URL for clients   {base}/v1
  requests               POST {base}/v1/responses
  models                 GET {base}/v1/models
  is it ready?           GET {base}/readyz
"""
_WITH_KEY: Final = {
    "CURL_KEY": '\n     -H "Authorization: Bearer $RESPONSES_KEY" \\',
    "API_KEY": "YOUR-KEY",
    "CODEX_KEY": '\nenv_key = "RESPONSES_KEY"',
}
"""What the page's examples have in these places on a server that needs keys."""
_WITHOUT_KEY: Final = {"CURL_KEY": "", "API_KEY": "sk-anything", "CODEX_KEY": ""}


@blueprint.get("/")
def show() -> Response:
    base = request.host_url.rstrip("/")
    if request.accept_mimetypes.best_match(["text/plain", "text/html"]) != "text/html":
        return Response(_TEXT.format(base=base), content_type="text/plain; charset=utf-8", headers={"Vary": "Accept"})
    page, policy = _read_page()
    headers = {"Content-Security-Policy": policy, "Vary": "Accept", "Cache-Control": "no-store"}
    places = _WITH_KEY if services().settings.requires_keys else _WITHOUT_KEY
    for place, text in {"BASE": base, **places}.items():
        page = page.replace(place, html.escape(text))
    return Response(page, content_type="text/html; charset=utf-8", headers=headers)


@cache
def _read_page() -> tuple[str, str]:
    """Return the page and its Content-Security-Policy, which allows the page's own style and script and no other."""
    page = Path(__file__).with_name("landing.html").read_text()
    style, script = (
        f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
        for name in ("style", "script")
        for text in re.findall(rf"<{name}>(.*?)</{name}>", page, re.S)
    )
    policy = (
        f"default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return page, policy

"""What a provider's error means to whoever checks it, and what to do about it: the sentences of `check`."""

import re
from typing import Final
from urllib.parse import urlsplit

from adapter.settings.settings import CREDENTIALS
from adapter.settings.upstreams import DEFAULT, UpstreamSettings
from translators.errors import UpstreamError
from translators.failures.words import NOT_CHAT, UNKNOWN_MODEL, WRONG_URL

_VERSION: Final = re.compile(r"/v\d")
"""In the path of a base URL, which nearly always has one."""
_LOADING: Final = re.compile(r"\bload(s|ing)\b|not (yet )?(loaded|ready)", re.IGNORECASE)
_NOTHING_LOADED: Final = re.compile(r"\bno models? (is |are )?loaded", re.IGNORECASE)
"""LM Studio, which loads models for a request only if that is switched on."""
_TO_PULL: Final = re.compile(r"\btry pulling", re.IGNORECASE)
"""Ollama."""
_OF_PROXIES: Final = frozenset({502, 503, 504})
_OVERLOADED: Final = frozenset({408, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""Those of Cloudflare, as far as the origin is their cause, among them. Source: Cloudflare docs, 5xx errors."""
_PAGES: Final = {
    401: "a login before the provider refuses the request.",
    403: "a firewall, a proxy or a login before the provider refuses the request.",
    413: "a proxy before the provider takes no requests of this size.",
    429: "too many requests at the moment; try again later.",
}
"""What a web page in place of an answer means, by status."""


def describe_page(status: int, message: str, base_url: str) -> str:
    """Return what a web page in place of an answer means; `message` ends with its title, if it has one."""
    _, colon, title = message.partition(": ")
    page = f'{status}, a web page instead of JSON{f" ({title})" if colon else ""}'
    if status in _OF_PROXIES:
        return f"{page}: a proxy before the provider cannot reach it."
    if status >= 500:
        return f"{page}: the provider, or a proxy before it, has failed."
    question = ask_about_base(base_url)
    return f"{page}: {_PAGES.get(status) or question[0].lower() + question[1:]}"


def describe_redirect(path: str, to: str) -> str:
    """Return where an answer leads, as a base URL if it is one: neither a server nor a check goes there."""
    base = to.partition("?")[0].removesuffix(path)
    if base != to and base.startswith(("http://", "https://")):
        return f"a redirect, which is not followed: is {base} the base URL?"
    return f"a redirect to {to or 'nowhere'}, which is not followed: is the base URL right?"


def has_version(base_url: str) -> bool:
    """Return whether a base URL has a version in its path."""
    return _VERSION.search(urlsplit(base_url).path) is not None


def is_usual_base(base_url: str) -> bool:
    """Return whether a base URL has a version in its path, once."""
    return len(_VERSION.findall(urlsplit(base_url).path)) == 1


def ask_about_base(base_url: str) -> str:
    """Return the question whether a base URL is right, and what is unusual about it."""
    if urlsplit(base_url).path.endswith("/v1/v1"):
        return "Is the base URL right? It ends in /v1 twice."
    return "Is the base URL right?" + ("" if has_version(base_url) else " It often ends in /v1.")


def tell_key(status: int, upstream: UpstreamSettings, index: int, config: str | None) -> str:
    """Return what to do about a key: the one at `index` was refused, or none was sent."""
    setting, headers = "ADAPTER_UPSTREAM_API_KEY", "ADAPTER_UPSTREAM_HEADERS"
    if upstream.name != DEFAULT:
        setting, headers = (f"upstreams.{upstream.name}.{name} in {config}" for name in ("key", "headers"))
    if upstream.keys:
        shown = upstream.keys[index].shown
        source = f" ({shown})" if ":" in shown else ""
        if status == 403:
            return f"403, this is not allowed with the key that was sent: {setting}{source}."
        return f"{status}, the key was refused: correct {setting}{source}."
    if not CREDENTIALS.isdisjoint(name.lower() for name in upstream.headers):
        return f"{status}, the key was refused: correct {headers}."
    if upstream.name != DEFAULT and upstream.callers_key:
        return f"{status}, no key was sent: this upstream uses the callers' keys, and a check has none."
    return f"{status}, no key was sent: set {setting}."


def advise(status: int, message: str, error: UpstreamError, base_url: str, *, of_model: bool) -> str:
    """Return what to do about an error; "": its message has to do. `of_model`: a model was asked."""
    if _NOTHING_LOADED.search(message):
        return "Load a model there first."
    if status >= 500 and _LOADING.search(message):
        return "The server still loads its model: try again in a moment."
    if error.code == "insufficient_quota":
        return "The account has no credit; the key itself is right."
    if error.code == "rate_limit_exceeded" or status == 429:
        return "Too many requests at the moment; the key itself is right."
    if NOT_CHAT.search(message):
        return "This adapter itself is there, or another one: give the base URL of a provider of chat completions."
    if error.code == "model_not_found" and _is_about_model(error):
        pull = "Pull it there, or name" if _TO_PULL.search(message) else "Name"
        return f"{pull} another model with --model." if of_model else ""
    if status in (404, 405) and (of_model or WRONG_URL.search(message) or not is_usual_base(base_url)):
        return ask_about_base(base_url)
    if status == 407:
        return "A proxy on the way wants a name and a password: write them into the URL of HTTPS_PROXY or HTTP_PROXY."
    return "The provider is overloaded or down: try again later." if status in _OVERLOADED else ""


def _is_about_model(error: UpstreamError) -> bool:
    """Return whether it is the model that a provider does not know: it may be the path."""
    said = error.provider_error
    return said is not None and UNKNOWN_MODEL.search(said.words) is not None


def sentence(text: str) -> str:
    """Return a text with a full stop at its end, unless it has one."""
    return text if text.endswith((".", "!", "?")) else f"{text}."

"""What is wrong with a text that should be a provider's base URL: the mistakes that people make."""

import re
from typing import Final
from urllib.parse import urlsplit

_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
"""A part of a host's name, with underscores, which names of containers have. Source: RFC 1123 §2.1."""


def find_fault(text: str) -> str:
    """Return a sentence about a mistake, and what to write; "": none of the usual ones."""
    base = text.partition("?")[0]
    scheme, colon, rest = base.partition("://")
    if text[:1] in "'\"" or text[-1:] in "'\"":
        return "Leave out the quotes."
    if " " in text:
        return "There is a space in it."
    if not colon:
        slip = re.match(r"https?[:/]", base)
        return "After http come a colon and two slashes." if slip else "Write http:// or https:// before it."
    if scheme.lower() not in ("http", "https"):
        return "It has to begin with http:// or https://."
    if "://" in rest:
        return "It is one URL; several providers are tables of the file, [upstreams.NAME]."
    place = rest.partition("/")[0].rpartition("@")[2]
    if place.count(":") > 1 and "[" not in place:
        return "An IPv6 address is written in brackets, for example http://[::1]:8000/v1."
    return "" if "[" in place or _is_host(urlsplit(text).hostname or "") else "The name of its host is not valid."


def _is_host(name: str) -> bool:
    try:
        ascii = name.removesuffix(".").encode("idna").decode()
    except UnicodeError:
        return False
    return all(_LABEL.fullmatch(label) for label in ascii.split("."))

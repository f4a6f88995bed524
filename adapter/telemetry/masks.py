"""Replace secrets in bytes by as many asterisks, so that all lengths stay right.

What the inspector records passes here, and what a provider sends where it is passed on unread. A secret may be there as
it is, in a URL, or escaped in JSON, for which libraries differ.
"""

import ctypes
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import quote

_SELF_EVIDENT_CHARS: Final = 8
"""A secret of this length is replaced anywhere. A shorter one may be part of ordinary words ("none" in "nonetheless"):
it is replaced only between characters that are no part of a word."""
MIN_SECRET_CHARS: Final = 4
"""A shorter text hides nothing: it is in any data."""
_OF_JSON: Final = re.compile(rf"null|true|false|[0-9.eE+-]{{1,{_SELF_EVIDENT_CHARS - 1}}}")
"""Words and numbers: masked, JSON would no longer be JSON."""
_ESCAPED: Final = (
    {ord("/"): r"\/"},  # PHP
    {ord(char): f"\\u{ord(char):04x}" for char in "&<>"},  # Go
    {ord(char): f"\\u{ord(char):04x}" for char in "&<>='"},  # Gson
    {ord(char): f"\\u{ord(char):04X}" for char in "&<>'+`"},  # .NET
)
"""What libraries escape in JSON beside what they must. Source: PHP manual, json_encode; Go packages, encoding/json;
Gson docs, GsonBuilder.disableHtmlEscaping; .NET API, JavaScriptEncoder.Default."""
_BEARER: Final = re.compile(rb"(?i)(bearer +)([A-Za-z0-9._~+/=-]{16,})")
_MUCH_BYTES: Final = 1 << 10
"""Of data in which the C library finds a text sooner than Python: in kilobytes, in a tenth of the time."""
_COMPARED: Final = 32
"""Bytes of a text that the C library looks for: with the time for longer ones, which callers choose, too, it would stop
a worker for seconds, as it holds the interpreter's lock."""
_strstr: Final = ctypes.PyDLL(None).strstr
_strstr.argtypes = ctypes.c_char_p, ctypes.c_char_p
_strstr.restype = ctypes.c_void_p


def mask_secrets(data: bytes, secrets: Iterable[str]) -> bytes:
    """Return data without these secrets; if one begins with another, it must come first.

    Those that no data could be without (a letter, `null`, a number) stay.
    """
    for secret in secrets:
        for form in _forms_of(secret):
            if contains(data, form):  # mostly not, and this is quick
                data = re.sub(pattern_of(form.decode()).encode(), _asterisks, data)
    return data


def mask_tokens(data: bytes) -> bytes:
    """Return data without the tokens after `Bearer`, whatever they give access to.

    It is looked for as it is usually written, also in lower or upper case: to look for any spelling would cost more
    than all other masks.
    """
    if not contains(data, b"earer ") and not contains(data, b"EARER "):
        return data
    return _BEARER.sub(lambda found: found[1] + b"*" * len(found[2]), data)


def contains(data: bytes, text: bytes) -> bool:
    """Return whether a text, without null bytes, is in data.

    `in` would first try to read it as a number, and fail: that takes longer. To the C library data end at a null byte.
    """
    if len(data) >= _MUCH_BYTES and _strstr(data, text[:_COMPARED]) is None and data.find(0) < 0:
        return False
    return data.find(text) >= 0


def pattern_of(secret: str) -> str:
    """Return the regular expression that finds a secret."""
    escaped = re.escape(secret)
    return escaped if len(secret) >= _SELF_EVIDENT_CHARS else rf"(?<!\w){escaped}(?!\w)"


@lru_cache(maxsize=1024)
def _forms_of(secret: str) -> tuple[bytes, ...]:
    """Return a secret as it is in UTF-8, in JSON and in a URL; nothing for one that is not replaced.

    Most keys have only letters, digits, - and _: those have one form.
    """
    if len(secret) < MIN_SECRET_CHARS or _OF_JSON.fullmatch(secret):
        return ()
    in_json, in_url = json.dumps(secret)[1:-1], quote(secret, safe="", errors="replace")
    forms = [in_json, in_url, re.sub("%..", lambda found: found[0].lower(), in_url)]
    forms += [in_json.translate(escaped) for escaped in _ESCAPED]
    return tuple({secret.encode("utf-8", "replace"), *(form.encode() for form in forms)})


def _asterisks(found: re.Match[bytes]) -> bytes:
    return b"*" * len(found[0])

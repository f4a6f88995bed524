"""JSON as models and providers write it: with text after it, with raw line ends and lone surrogates in its strings.

What a caller sends is read strictly, by `wire.py`. What a model or a provider writes is used as far as it can be.
"""

import json
import re
from typing import Any, Final

from translators.wire import Decoder, NotJSON, Raw, decode

_lenient: Final = json.JSONDecoder(strict=False)
_object: Final = Decoder(dict[str, Raw])

_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)


def is_json_object(text: str) -> bool:
    """Whether text is one whole JSON object."""
    try:
        _object.decode(text)
    except NotJSON:
        return False
    return True


def is_json_prefix(text: str) -> bool:
    """Whether text is a JSON value or could become one if more of it came."""
    try:
        decode(text)
    except NotJSON as error:
        return str(error) == "Input data was truncated"
    return True


def loose_value(text: str) -> Any:
    """Return the JSON value in text; None if there is none.

    Its strings may hold raw control characters, and halves of surrogate pairs, which are replaced.
    """
    try:
        return decode(text)
    except NotJSON:
        try:
            return replace_lone_surrogates(_lenient.decode(text))
        except (ValueError, RecursionError):
            return None


def loose_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object in text, whose strings may hold raw control characters; None if there is none."""
    value = loose_value(text)
    return value if isinstance(value, dict) else None


def decode_prefix(payload: bytes) -> Any:
    """Return the JSON value at the start of a payload, ignoring what follows it; None if there is none.

    Its strings may contain lone surrogates: see `replace_lone_surrogates`.
    """
    try:
        return json.JSONDecoder().raw_decode(payload.decode("utf-8", "replace").lstrip())[0]
    except (ValueError, RecursionError):
        return None


def replace_lone_surrogates(value: Any) -> Any:
    """Return a decoded value with U+FFFD for each half of a surrogate pair without its other half.

    UTF-8 cannot encode such a half, so it would fail when the value is written.
    """
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [replace_lone_surrogates(element) for element in value]
    if isinstance(value, dict):
        return {replace_lone_surrogates(name): replace_lone_surrogates(member) for name, member in value.items()}
    return value


def unescape(inside: str) -> str:
    """Return the text of a JSON string, given without its quotes.

    Line ends and other control characters may be unescaped, as models write them. An invalid escape stays as it is; a
    lone surrogate becomes U+FFFD.
    """
    if "\\" not in inside:
        return inside
    try:
        text: str = _lenient.decode(f'"{inside}"')
    except ValueError:
        text = _ESCAPE.sub(_unescape_one, inside)
    return text if text.isascii() else str(replace_lone_surrogates(text))


def _unescape_one(escape: re.Match[str]) -> str:
    try:
        text: str = _lenient.decode(f'"{escape[0]}"')
    except ValueError:
        return escape[0]
    return text

"""JSON in and out; the only user of `msgspec.json`.

Decoders are built once, at import. A caller's JSON that does not fit its type becomes a `RequestError`
whose `param` is the exact path (`input[3].content[0].text`), whatever msgspec called it.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from translators.errors import RequestError
from translators.misfits import explain, shortened

T = TypeVar("T")

Raw = msgspec.Raw
Decoder = msgspec.json.Decoder

encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode
decode: Final[Callable[[bytes | str], Any]] = msgspec.json.Decoder().decode

NotJSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for bytes that are not JSON, or not of the type (ValidationError is a DecodeError)."""

UNPARSABLE = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
    "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
)


MOST_MEMBERS: Final = 256


class _Key(str):
    """A key of the outermost object, its own type so that a repeated one can be seen."""

    __slots__ = ()


def decode_members(body: bytes) -> dict[str, Raw]:
    """Split a request body into its top-level members without decoding them.

    Raises RequestError for anything but one JSON object, for a key that stands there twice, and for more keys than
    any request has.
    """
    keys: list[str] = []

    def seen(_: type, key: str) -> _Key:
        if len(keys) == MOST_MEMBERS:
            raise RequestError(
                f"The request body has too many properties. Expected at most {MOST_MEMBERS}.",
                code="object_above_max_properties",
            )
        keys.append(key)
        return _Key(key)

    try:
        members = msgspec.json.decode(body, type=dict[_Key, Raw], dec_hook=seen)
    except msgspec.ValidationError:
        raise RequestError("The request body must be a JSON object.", code="invalid_type") from None
    except NotJSON as error:
        raise RequestError(f"{UNPARSABLE} The parser says: {_reason(error)}") from None
    if len(members) != len(keys):
        twice = shortened(next(key for key in keys if keys.count(key) > 1))
        raise RequestError(f"Duplicate parameter: '{twice}'.", param=twice, code="invalid_value")
    return {str(key): raw for key, raw in members.items()}


def decode_param(decoder: "msgspec.json.Decoder[T]", raw: bytes | Raw, param: str) -> T:
    """Decode one parameter of a request; raise RequestError naming the place that does not fit."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise explain(error, param, decoder.type) from None
    except NotJSON as error:
        raise RequestError(f"{UNPARSABLE} The parser says: {_reason(error)}", param=param) from None


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "a string is not valid UTF-8"
    if str(error) == "Input data was truncated":
        return "the JSON ends too early, or has one half of a surrogate pair (\\ud800 to \\udfff)"
    return str(error)


def decode_prefix(payload: bytes) -> Any:
    """Return the JSON value that bytes begin with, ignoring what follows it; None when there is none.

    Its strings may hold halves of surrogate pairs, which no UTF-8 can.
    """
    try:
        return json.JSONDecoder().raw_decode(payload.decode("utf-8", "replace").lstrip())[0]
    except (ValueError, RecursionError):
        return None


def without_halves(value: Any) -> Any:
    """Return a decoded value with U+FFFD for each half of a surrogate pair that stands alone."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [without_halves(element) for element in value]
    if isinstance(value, dict):
        return {without_halves(name): without_halves(member) for name, member in value.items()}
    return value


def is_complete(text: str) -> bool:
    """Tell whether text is one whole JSON value."""
    try:
        decode(text)
    except NotJSON:
        return False
    return True


_is_object: Final = msgspec.json.Decoder(dict[str, Raw]).decode


def is_object(text: str) -> bool:
    """Tell whether text is one whole JSON object."""
    try:
        _is_object(text)
    except NotJSON:
        return False
    return True


_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)


def _unescaped(escape: re.Match[str]) -> str:
    try:
        text: str = _lenient.decode(f'"{escape[0]}"')
    except ValueError:
        return escape[0]
    return text


_lenient = json.JSONDecoder(strict=False)


def decode_text(inside: str) -> str:
    """Return the text of a JSON string, given without its quotes.

    Line ends and other control characters may stand there unescaped, as models write them; what is wrong with an escape
    stays as it is, and half a surrogate pair becomes U+FFFD.
    """
    if "\\" not in inside:
        return inside
    try:
        text: str = _lenient.decode(f'"{inside}"')
    except ValueError:
        text = _ESCAPE.sub(_unescaped, inside)
    return text if text.isascii() else str(without_halves(text))

"""JSON in and out; the only user of `msgspec.json`.

Decoders are built once, at import. A caller's JSON that does not fit its type becomes a `RequestError`
whose `param` is the exact path (`input[3].content[0].text`); `validation.py` words it. JSON that models and
providers write is read more tolerantly, by `loose_json.py`.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from translators.errors import RequestError, shorten
from translators.validation import to_request_error

T = TypeVar("T")

Raw = msgspec.Raw
Decoder = msgspec.json.Decoder

encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode
encode_into: Final[Callable[[Any, bytearray, int], None]] = msgspec.json.Encoder().encode_into
"""Write JSON into a buffer, from a place on; -1: at its end."""
decode: Final[Callable[[bytes | str], Any]] = msgspec.json.Decoder().decode

NotJSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for bytes that are not JSON, or not of the type (ValidationError is a DecodeError)."""

UNPARSABLE = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
    "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
)


MAX_REQUEST_PROPERTIES: Final = 256
"""Top-level keys of a request body, some eight times as many as the API has; decoding never builds a larger dict."""


class _Key(str):
    """A key of the outermost object; a type of its own makes msgspec call the hook for each key, repeated ones too."""

    __slots__ = ()


def decode_members(body: bytes) -> dict[str, Raw]:
    """Split a request body into its top-level members without decoding them.

    Raises RequestError for anything but one JSON object, for a repeated key, and for more keys than
    MAX_REQUEST_PROPERTIES.
    """
    keys: list[str] = []

    def count_key(_: type, key: str) -> _Key:
        if len(keys) == MAX_REQUEST_PROPERTIES:
            raise RequestError(
                f"The request body has too many properties. Expected at most {MAX_REQUEST_PROPERTIES}.",
                code="object_above_max_properties",
            )
        keys.append(key)
        return _Key(key)

    try:
        members = msgspec.json.decode(body, type=dict[_Key, Raw], dec_hook=count_key)
    except msgspec.ValidationError:
        raise RequestError("The request body must be a JSON object.", code="invalid_type") from None
    except NotJSON as error:
        raise RequestError(f"{UNPARSABLE} The parser says: {_reason(error)}") from None
    if len(members) != len(keys):
        repeated = shorten(next(key for key in keys if keys.count(key) > 1))
        raise RequestError(f"Duplicate parameter: '{repeated}'.", param=repeated, code="invalid_value")
    return {str(key): raw for key, raw in members.items()}


def decode_param(decoder: "msgspec.json.Decoder[T]", raw: bytes | Raw, param: str) -> T:
    """Decode one parameter of a request; raise RequestError with the path of what does not fit."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise to_request_error(error, param, decoder.type) from None
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

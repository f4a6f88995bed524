"""Characters that no request may contain: bytes that are not UTF-8, and NUL.

JSON can express NUL as \\u0000, but neither databases nor most tokenizers accept it, so it is rejected at the border,
for the price of one search through the body. Only if it is found, its path is searched, by descending into the part
that contains it. The body's UTF-8 is checked as a whole, since a decoder checks only the strings that it reads.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from translators.errors import RequestError, invalid_parameter
from translators.wire import UNPARSABLE, Decoder, NotJSON, Raw

_NUL: Final = rb"\u0000"
_NUL_PREFIX: Final = _NUL[:-1]
"""Searched first: CPython finds up to five bytes by a faster method than six."""
_MAX_SEARCHED_BYTES: Final = 1 << 20
"""Larger arrays and objects are not decoded for the path: an error is not worth the time."""

_elements: Final = Decoder(list[Raw])
_members: Final = Decoder(dict[str, Raw])


def check_characters(body: bytes, members: Mapping[str, Raw | bytes], known_input_bytes: int = 0) -> None:
    """Raise RequestError if a body is not UTF-8, or one of its members contains NUL.

    So many bytes of the member `input`, from its first, are known to contain none.
    """
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise RequestError(
                f"{UNPARSABLE} The parser says: byte {error.start} is not valid UTF-8", code="invalid_value"
            ) from None
    if known_input_bytes and not any(
        _NUL_PREFIX in bytes(memoryview(raw)[known_input_bytes:] if name == "input" else raw)
        for name, raw in members.items()
    ):
        return
    if _NUL_PREFIX in body and _NUL in body:
        for name, raw in members.items():
            if _has_nul(bytes(raw)):
                path = name + _path_below(bytes(raw))
                raise invalid_parameter(path, "a string must not contain the NUL character (\\u0000)")


def _has_nul(raw: bytes) -> bool:
    """Whether JSON contains an escaped NUL; `u0000` after an escaped backslash is not one."""
    return _NUL in raw and _NUL in raw.replace(rb"\\", b"__")


def _path_below(raw: bytes) -> str:
    """Return the path below a value to the string with the NUL, as far as it can be found cheaply."""
    if len(raw) <= _MAX_SEARCHED_BYTES:
        for step, below in _parts(raw):
            if _has_nul(below):
                return step + _path_below(below)
    return ""


def _parts(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the elements of an array or members of an object, each after its step of the path."""
    try:
        if raw[:1] == b"[":
            for at, element in enumerate(_elements.decode(raw)):
                yield f"[{at}]", bytes(element)
        elif raw[:1] == b"{":
            for name, member in _members.decode(raw).items():
                yield f".{name}", bytes(member)
    except NotJSON:
        return

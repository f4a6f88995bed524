"""Characters that no request may hold: bytes that are not UTF-8, and NUL.

JSON can write NUL as \\u0000, but neither databases nor most tokenizers take it, so it is refused at the border, at the
price of one search through the body. Only then is looked for the place, by descending into the part that has it. A
decoder would find wrong UTF-8 only in the strings that it reads, not in those that it skips.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from translators.errors import RequestError
from translators.wire import UNPARSABLE, Decoder, NotJSON, Raw

_NUL: Final = rb"\u0000"
_NUL_SOON: Final = _NUL[:-1]
"""Looked for first: CPython searches for up to five bytes with a quicker method than for six."""
_PLACED: Final = 1 << 20
"""Bytes up to which an array or object is taken apart to name the place within."""

_elements: Final = Decoder(list[Raw])
_members: Final = Decoder(dict[str, Raw])


def refuse_bad_characters(body: bytes, members: Mapping[str, Raw]) -> None:
    """Raise RequestError if a body, or one of its members, holds what it must not."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise RequestError(
                f"{UNPARSABLE} The parser says: byte {error.start} is not valid UTF-8", code="invalid_value"
            ) from None
    if _NUL_SOON in body and _NUL in body:
        for name, raw in members.items():
            if _has_nul(bytes(raw)):
                place = name + _place(bytes(raw))
                raise RequestError(
                    f"Invalid '{place}': a string must not contain the NUL character (\\u0000).",
                    param=place,
                    code="invalid_value",
                )


def _has_nul(raw: bytes) -> bool:
    """Tell whether JSON holds an escaped NUL; the escaped backslash in front of `u0000` is none."""
    return _NUL in raw and _NUL in raw.replace(rb"\\", b"__")


def _place(raw: bytes) -> str:
    """Return the path below a value to the string with the NUL, as far as it can be told cheaply."""
    if len(raw) <= _PLACED:
        for step, below in _parts(raw):
            if _has_nul(below):
                return step + _place(below)
    return ""


def _parts(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what an array or object consists of, each with the step that leads to it."""
    try:
        if raw[:1] == b"[":
            for at, element in enumerate(_elements.decode(raw)):
                yield f"[{at}]", bytes(element)
        elif raw[:1] == b"{":
            for name, member in _members.decode(raw).items():
                yield f".{name}", bytes(member)
    except NotJSON:
        return

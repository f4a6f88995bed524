"""What is common to the arrays `input` and `tools`: a limit of their elements, and the members that show a kind.

An array with too many elements is rejected before they are decoded.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final

from msgspec import Struct

from translators.errors import RequestError, unsupported_value
from translators.policy import Row, refusal_of
from translators.wire import Decoder, Raw, decode_param

MIN_BYTES_COUNTED: Final = 1 << 19
"""Arrays from this size are counted before they are decoded; for shorter ones that costs more than it saves."""
ABSENT: Final = Raw(b"")


class Head(Struct, gc=False):
    """The members that distinguish kinds of items and tools."""

    type: str | None = None
    role: Raw = ABSENT
    name: Raw = ABSENT
    function: Raw = ABSENT
    custom: Raw = ABSENT


class _Counted(Struct, gc=False):
    """Any object; the first one beyond the limit stops the decoder."""

    def __post_init__(self) -> None:
        room = _room.get()
        if not room:
            raise _NoRoom
        room.pop()


class _NoRoom(Exception):
    """An array has more elements than it may have."""


_room: ContextVar[list[None]] = ContextVar("room")

_counted: Final = Decoder(list[_Counted])
heads: Final = Decoder(Head)


def reject_unserved(table: Mapping[str, Row], type: str, param: str) -> None:
    """Raise RequestError if the type is one of the API that is not served here."""
    if why := refusal_of(table, type):
        raise unsupported_value(param, type, why)


def check_length(raw: bytes, param: str, limit: int) -> None:
    """Raise RequestError for a large array of more than `limit` elements, without decoding them."""
    if len(raw) < MIN_BYTES_COUNTED or raw.count(b",") < limit or raw[:1] != b"[":
        return
    token = _room.set([None] * limit)
    try:
        decode_param(_counted, raw, param)
    except _NoRoom:
        raise too_many(param, limit) from None
    finally:
        _room.reset(token)


def too_many(param: str, limit: int, got: int | None = None) -> RequestError:
    """Return the error for an array of more than `limit` elements; `got`: how many it has, if that is known."""
    instead = "a longer one" if got is None else f"an array with length {got}"
    return RequestError(
        f"Invalid '{param}': array too long. Expected an array with maximum length {limit}, but got {instead} "
        "instead.",
        param=param,
        code="array_above_max_length",
    )

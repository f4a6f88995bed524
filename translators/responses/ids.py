"""Ids of responses and of their items.

An id is `<prefix>_` + 32 lower-case hex digits: 12 of Unix milliseconds (ids sort by time), 12 random ones
that the response shares with all of its items, and 8 that distinguish the items of one response. The last four
of the random ones are the family, which all responses of a chain share. So an id is opaque to clients, never
derived from the provider's, and an item id leads back to its response. Output items count from 1; input items,
which need no id until they are listed, from 0x80000000. The upper half of an output item's number is the round of the
response (a chat call) that it belongs to: a history with ids shows which calls one answer of the model made.
"""

from hashlib import sha256
from typing import Final

_FIRST_INPUT: Final = 0x8000_0000
_ROUND_BITS: Final = 16
"""The lower half of an output item's number, which counts within a round."""


class Ids:
    """The ids of one response, minted in order from its `seed` (24 hex digits, see `seed`)."""

    __slots__ = ("_minted", "_seed", "family", "response")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._minted = 0
        self.response = f"resp_{seed}00000000"
        self.family = seed[20:]

    @property
    def conversation(self) -> str:
        return f"conv_{self._seed}00000000"

    def item(self, prefix: str) -> str:
        """Return the next output item's id."""
        self._minted += 1
        return f"{prefix}_{self._seed}{self._minted:08x}"

    def call(self) -> str:
        """Return a call_id for a call whose provider sent no usable one."""
        self._minted += 1
        return f"call_{self._seed}{self._minted:08x}"

    def next_round(self) -> None:
        """Mint from here on the ids of the next round's items."""
        self._minted = ((self._minted >> _ROUND_BITS) + 1) << _ROUND_BITS


def seed(milliseconds: int, entropy: int, family: str | None = None) -> str:
    """Return the seed for one response: Unix time in milliseconds and 48 random bits, 16 of them its family's."""
    bits = (milliseconds & 0xFFFF_FFFF_FFFF) << 48 | entropy & 0xFFFF_FFFF_FFFF
    digits = bits.to_bytes(12).hex()
    return digits if family is None else digits[:20] + family


def family_of(id: str) -> str | None:
    """Return the family of a response, four digits, by its id or an item's; None for an id that is not ours."""
    response = response_of(id)
    return None if response is None else response[25:29]


def family_from_name(name: str) -> str:
    """Return the family for a name, the same each time."""
    return sha256(name.encode("utf-8", "replace")).hexdigest()[:4]


def input_item_id(prefix: str, response_id: str, position: int) -> str:
    """Return the id of the `position`-th input item of a response, the same each time."""
    return f"{prefix}_{response_id[5:29]}{_FIRST_INPUT + position:08x}"


def response_of(item_id: str) -> str | None:
    """Return the id of the response that an item id of ours belongs to, or None if it is not ours."""
    _, _, digits = item_id.rpartition("_")
    if len(digits) != 32 or digits.strip("0123456789abcdef"):
        return None
    return f"resp_{digits[:24]}00000000"


def round_of(item_id: object) -> str | None:
    """Return what the output items of one round of a response share in their ids; None for an id that is not ours."""
    if not isinstance(item_id, str) or response_of(item_id) is None:
        return None
    return item_id[-32:-4]


def call_id_of_item(item_id: object) -> str | None:
    """Return the call_id of a call that the adapter ran, by its item's id; None for an id that is not ours."""
    return None if round_of(item_id) is None else f"call_{str(item_id)[-32:]}"


def input_position(item_id: str) -> int | None:
    """Return which input item of its response an id of ours names, or None if it names an output item."""
    number = int(item_id[-8:], 16)
    return number - _FIRST_INPUT if number >= _FIRST_INPUT else None

"""Notes: what the adapter approximated or dropped in a request or its answer; it does neither without a note.

A note goes into a response header, the store beside the response, the log, and the output of `responses-adapter
translate`.
"""

from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct

from translators.wire import Decoder, encode


class Note(Struct, frozen=True, gc=False):
    """One deviation: where (a parameter path or an upstream field), what was done, and why."""

    param: str
    action: Literal["dropped", "approximated", "repaired", "renamed", "estimated"]
    reason: str


_read: Final = Decoder(list[Note]).decode


class Notes(dict[Note, None]):
    """The notes of one request, in order; equal notes are added once."""

    has_news = False
    """Whether notes may have been added since this was last set to false."""

    def add(
        self,
        param: str,
        action: Literal["dropped", "approximated", "repaired", "renamed", "estimated"],
        reason: str,
    ) -> None:
        self[Note(param, action, reason)] = None
        self.has_news = True

    def repeat(self, notes: Iterable[Note]) -> None:
        """Add notes that were made elsewhere."""
        self.update(dict.fromkeys(notes))
        self.has_news = True

    @classmethod
    def of(cls, *parts: Iterable[Note]) -> "Notes":
        """Return the notes of several parts, in their order."""
        notes = cls()
        for part in parts:
            if part:  # mostly there are none
                notes.repeat(part)
        return notes

    @classmethod
    def read(cls, json: bytes) -> "Notes":
        """Return the notes that `json` once returned."""
        return cls(dict.fromkeys(_read(json)))

    def json(self) -> bytes:
        return encode(list(self))

"""Notes: what the adapter approximated or dropped in a request or its answer; it does neither without a note.

A note goes into a response header, the store beside the response, the log, and the output of `responses-adapter
translate`.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from msgspec import Struct

from translators.wire import Decoder, encode


class Note(Struct, frozen=True, gc=False):
    """One deviation: where (a parameter path or an upstream field), what was done, and why."""

    param: str
    action: Literal["dropped", "approximated", "repaired", "renamed", "estimated"]
    reason: str


_read: Final = Decoder(list[Note]).decode


class Notes(Struct, eq=False):
    """The notes of one request, in order; equal notes are added once."""

    _notes: dict[Note, None] = {}
    has_news: bool = False
    """Whether notes may have been added since this was last set to false."""

    def add(
        self,
        param: str,
        action: Literal["dropped", "approximated", "repaired", "renamed", "estimated"],
        reason: str,
    ) -> None:
        self._notes[Note(param, action, reason)] = None
        self.has_news = True

    def repeat(self, notes: "Iterable[Note] | Notes") -> None:
        """Add notes that were made elsewhere."""
        self._notes.update(notes._notes if isinstance(notes, Notes) else dict.fromkeys(notes))
        self.has_news = True

    @classmethod
    def of(cls, *parts: "Iterable[Note] | Notes") -> "Notes":
        """Return the notes of several parts, in their order."""
        notes = cls()
        for part in parts:
            if part := part._notes if isinstance(part, Notes) else part:  # mostly there are none
                notes.repeat(part)
        return notes

    @classmethod
    def read(cls, json: bytes) -> "Notes":
        """Return the notes that `json` once returned."""
        notes = cls()
        notes._notes = dict.fromkeys(_read(json))
        return notes

    def json(self) -> bytes:
        return encode(list(self._notes))

    def __iter__(self) -> Iterator[Note]:
        return iter(self._notes)

    def __len__(self) -> int:
        return len(self._notes)

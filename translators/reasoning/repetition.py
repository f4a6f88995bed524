"""Thinking that comes twice: in a member of the deltas, and once more between tags or in blocks at the end.

Some servers pass on the text that their reasoning parser has read already, and some gateways end a stream with whole
`thinking_blocks`. What is the same as the thinking so far, white space aside, is not written a second time.
"""

import re
from itertools import islice
from typing import Final

_INK: Final = re.compile(r"\S")


class Repetition:
    """Compares thinking with the `original`, whose pieces may still grow; held back until the two differ."""

    __slots__ = ("_ahead", "_at", "_held", "_matched", "_next", "_original", "_piece", "differs")

    def __init__(self, original: list[str]) -> None:
        self._original = original
        self._next = 0
        """Pieces of the original that were looked at."""
        self._piece = ""
        """The last of them, without white space, and how far it was compared."""
        self._at = 0
        self._held: list[str] = []
        self._matched = 0
        """Characters that were equal."""
        self._ahead = ""
        """What the original does not have yet."""
        self.differs = not original
        """It is not the same thinking, or there was none before."""

    def add(self, text: str) -> str:
        """Return what is new in a piece of the thinking, with what was held back before it."""
        if self.differs:
            return text
        self._held.append(text)
        self.differs = not self._matches(self._ahead + "".join(text.split()))
        if not self.differs:
            return ""
        held = "".join(self._held)
        self._held.clear()
        return held

    def end(self) -> str:
        """Return what the thinking has beyond the original, now that it is over."""
        self.differs = not self._matches(self._ahead)
        held = "".join(self._held)
        self._held.clear()
        if self.differs or not self._ahead:
            return held if self.differs else ""
        ends = islice((found.end() for found in _INK.finditer(held)), max(0, self._matched - 1), None)
        return held[next(ends) if self._matched else 0 :]

    def _matches(self, text: str) -> bool:
        """Compare text without white space with the original from where the last comparison ended."""
        at = 0
        while at < len(text):
            if self._at == len(self._piece):
                if self._next == len(self._original):
                    break
                self._piece, self._at = "".join(self._original[self._next].split()), 0
                self._next += 1
                continue
            size = min(len(text) - at, len(self._piece) - self._at)
            if text[at : at + size] != self._piece[self._at : self._at + size]:
                return False
            at += size
            self._at += size
            self._matched += size
        self._ahead = text[at:]
        return True

"""Thinking inside content: `<think>…</think>` at the start of an answer, told apart as it streams.

Providers without a reasoning parser (or with it off) send the model's thinking as text between tags. Only tags that
open the content count: a later `<think>` is the model writing about tags. A tag may be split over chunks anywhere;
what could still become a tag is held back, nothing else is. Line ends right behind the closing tag are passed over.
White space ahead of the opening tag is a few characters at most; more than that is what the model has to say.

Some chat templates write the opening tag themselves, so that only the closing one comes (DeepSeek-R1, QwQ and Qwen3's
thinking models, served without a reasoning parser). Nobody can tell that before it comes, and what has gone out as text
cannot be called back; so it has to be known beforehand (`begun`). Where it is not, a closing tag without an opening
one is text: recorded answers have stray ones behind or in the middle of what they say to the user.
"""

from typing import Final

_NAMES: Final = ("think", "thinking", "thought")
_OPENING: Final = tuple(f"<{name}>" for name in _NAMES)
_CLOSING: Final = "</think>"
"""What ends thinking whose opening tag nobody has seen."""
_MOST_SPACE: Final = 64
"""Characters of white space that may stand ahead of a tag."""

Piece = tuple[bool, str]
"""Whether it is thinking, and the text."""


class ThinkTags:
    """Splits content until the thinking is over; then `over` is true and the rest is plain text.

    `feed` and `flush` return pieces in order. `begun`: the content begins inside the thinking, tag or no tag.
    """

    __slots__ = ("_begun", "_closing", "_held", "_thought", "over")

    def __init__(self, begun: bool = False) -> None:
        self.over = False
        self._begun = begun
        self._held = ""
        self._closing: str | None = None
        """The tag that ends the thinking, once it began."""
        self._thought = False
        """The thinking is over and the line ends behind it are being passed over."""

    def feed(self, text: str) -> list[Piece]:
        text = self._held + text
        self._held = ""
        if self._closing is not None:
            return self._think(text)
        if self._thought:
            return self._answer(text)
        return self._sniff(text)

    def flush(self) -> list[Piece]:
        """Return what was held back, because something else than content comes, or nothing any more."""
        held, self._held = self._held, ""
        if not held:
            return []
        if self._begun and not self._thought:
            self._closing = self._closing or _CLOSING
        thinking = self._closing is not None
        self.over = not thinking
        return [(thinking, held)]

    def _sniff(self, text: str) -> list[Piece]:
        start = text.lstrip()
        if len(text) - len(start) <= _MOST_SPACE:
            for tag in _OPENING:
                if start.startswith(tag):
                    self._closing = "</" + tag[1:]
                    return self._think(start[len(tag) :])
            if not start or any(tag.startswith(start) for tag in _OPENING):
                self._held = text
                return []
        if self._begun:
            self._closing = _CLOSING
            return self._think(text)
        self.over = True
        return [(False, text)]

    def _think(self, text: str) -> list[Piece]:
        assert self._closing is not None
        thinking, closed, rest = text.partition(self._closing)
        if not closed:
            kept = len(text) - _overlap(text, self._closing)
            self._held = text[kept:]
            return [(True, text[:kept])] if kept else []
        self._closing = None
        self._thought = True
        return ([(True, thinking)] if thinking else []) + self._answer(rest)

    def _answer(self, text: str) -> list[Piece]:
        text = text.lstrip("\r\n")
        if not text:
            return []
        self.over = True
        return [(False, text)]


def _overlap(text: str, tag: str) -> int:
    """Return the length of the longest end of `text` that is a beginning of `tag`."""
    for size in range(min(len(tag) - 1, len(text)), 0, -1):
        if text.endswith(tag[:size]):
            return size
    return 0

"""Thinking inside content: `<think>…</think>` at the start of an answer, split off as it streams.

Providers without a reasoning parser (or with it off) send the model's thinking as text between tags. Only tags that
open the content count: a later `<think>` is the model writing about tags. A tag may be split over chunks anywhere;
characters that could still become a tag wait for the next chunk, no others do. Line ends right after the closing tag
are dropped. White space before the opening tag is a few characters at most; more than that is part of the answer.

Some chat templates write the opening tag themselves, so that only the closing one arrives (DeepSeek-R1, QwQ and Qwen3's
thinking models, served without a reasoning parser). That cannot be seen before it arrives, and text that has gone out
cannot be taken back; so the dialect has to say it (`begun`). Otherwise a closing tag without an opening one is text:
recorded answers have stray ones at the end or in the middle of their text. Source: vLLM docs, Reasoning outputs.
"""

from typing import Final

_TAG_NAMES: Final = ("think", "thinking", "thought")
_OPENING: Final = tuple(f"<{name}>" for name in _TAG_NAMES)
_CLOSING: Final = "</think>"
"""Ends thinking that began without an opening tag."""
_MAX_LEADING_SPACE: Final = 64
"""Characters of white space before a tag: templates write a few line ends, and more must not wait for ever."""

Piece = tuple[bool, str]
"""Whether the text is thinking, and the text."""


class ThinkTags:
    """Splits content until the thinking is over; then `over` is true and the rest is plain text.

    `feed` and `flush` return pieces in order. `begun`: the content begins inside the thinking, tag or no tag.
    """

    __slots__ = ("_begun", "_closing", "_dropping_line_ends", "_pending", "over")

    def __init__(self, begun: bool = False) -> None:
        self.over = False
        self._begun = begun
        self._pending = ""
        self._closing: str | None = None
        """The tag that ends the thinking, once it began."""
        self._dropping_line_ends = False
        """The thinking is over; line ends right after it are dropped."""

    def feed(self, text: str) -> list[Piece]:
        text = self._pending + text
        self._pending = ""
        if self._closing is not None:
            return self._think(text)
        if self._dropping_line_ends:
            return self._answer(text)
        return self._sniff(text)

    def flush(self) -> list[Piece]:
        """Return the text that waits for the rest of a tag: other than content arrives, or the answer ends."""
        pending, self._pending = self._pending, ""
        if not pending:
            return []
        if self._begun and not self._dropping_line_ends:
            self._closing = self._closing or _CLOSING
        thinking = self._closing is not None
        self.over = not thinking
        return [(thinking, pending)]

    def _sniff(self, text: str) -> list[Piece]:
        start = text.lstrip()
        if len(text) - len(start) <= _MAX_LEADING_SPACE:
            for tag in _OPENING:
                if start.startswith(tag):
                    self._closing = "</" + tag[1:]
                    return self._think(start[len(tag) :])
            if not start or any(tag.startswith(start) for tag in _OPENING):
                self._pending = text
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
            end = len(text) - _overlap(text, self._closing)
            self._pending = text[end:]
            return [(True, text[:end])] if end else []
        self._closing = None
        self._dropping_line_ends = True
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

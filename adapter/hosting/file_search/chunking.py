"""Text → chunks of a limited size, which overlap.

A chunk ends where a paragraph does, else a sentence, a word, and only then in the middle of one. Sizes are in tokens of
four bytes, which is what a model's tokens are on average in most languages.
"""

from collections.abc import Iterator
from typing import Final

import regex

BYTES_PER_TOKEN: Final = 4
_BOUNDARIES: Final = (
    regex.compile(r"(?<=\n)(?=[^\n])"),  # lines
    regex.compile(r"(?<=[.!?…。！？।])\s*(?=\S)"),  # sentences
    regex.compile(r"(?<=\s)(?=\S)"),  # words
)


def split_text(text: str, max_tokens: int, overlap_tokens: int) -> Iterator[str]:
    """Yield the chunks of a text; a text of nothing but blanks has none."""
    limit, overlap = max_tokens * BYTES_PER_TOKEN, overlap_tokens * BYTES_PER_TOKEN
    held: list[tuple[str, int]] = []
    size = 0
    fresh = False
    for piece in _pieces(text, limit):
        length = len(piece.encode("utf-8", "replace"))
        if size + length > limit and fresh:
            yield from _chunk(held)
            while held and (size > overlap or size + length > limit):
                size -= held.pop(0)[1]
        held.append((piece, length))
        size += length
        fresh = True
    if fresh:
        yield from _chunk(held)


def _chunk(pieces: list[tuple[str, int]]) -> Iterator[str]:
    text = "".join([piece for piece, _ in pieces]).strip()
    if text:
        yield text


def _pieces(text: str, limit: int, level: int = 0) -> Iterator[str]:
    """Yield the text in pieces of at most `limit` bytes, which end at the best boundaries."""
    if level == len(_BOUNDARIES):
        step = max(1, limit // 4)
        yield from (text[at : at + step] for at in range(0, len(text), step))
        return
    at = 0
    for found in _BOUNDARIES[level].finditer(text):
        yield from _whole_or_split(text[at : found.end()], limit, level)
        at = found.end()
    yield from _whole_or_split(text[at:], limit, level)


def _whole_or_split(piece: str, limit: int, level: int) -> Iterator[str]:
    if not piece:
        return
    # A line of a few sentences is better cut between them than taken whole into an overlap.
    if len(piece) * 4 <= limit or (level == len(_BOUNDARIES) - 1 and len(piece.encode("utf-8", "replace")) <= limit):
        yield piece
    else:
        yield from _pieces(piece, limit, level + 1)

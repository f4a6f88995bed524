"""How many columns of a terminal a text takes, and how it is folded into so many."""

import unicodedata
from collections.abc import Iterator


def fold(line: str, width: int) -> Iterator[str]:
    """Yield a line in pieces of at most so many columns (2 or more), without the blanks between them."""
    line = line.expandtabs()
    at = 0
    while (end := piece_end(line, at, width)) < len(line):
        yield line[at:end].rstrip()
        at = end
    yield line[at:]


def piece_end(line: str, at: int, width: int) -> int:
    """Return the end of the piece that begins at a position: behind a space where that leaves half.

    Without the blanks at its end it has at most so many columns.
    """
    end = _last_fitting(line, at, width)
    if end == len(line):
        return end
    space = line.rfind(" ", at + (end - at) // 2, end + 1)
    return end if space < 0 else space + 1


def columns_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _last_fitting(line: str, at: int, width: int) -> int:
    """Return the end of what begins at a position and has at most so many columns."""
    if line.isascii():
        return min(len(line), at + width)
    taken = 0
    for end in range(at, len(line)):
        taken += _columns(line[end])
        if taken > width:
            return end
    return len(line)


def _columns(char: str) -> int:
    """Return the columns of a character: ideographs and emoji have two, marks on other characters none."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1

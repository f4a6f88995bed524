"""How many columns of a terminal a text takes, and how it is folded into so many."""

import unicodedata
from collections.abc import Iterator


def fold(line: str, width: int) -> Iterator[str]:
    """Yield a line in pieces of at most so many columns (2 or more), broken behind a space where that leaves half."""
    line = line.expandtabs()
    at = 0
    while (end := _end_of_piece(line, at, width)) < len(line):
        space = line.rfind(" ", at + (end - at) // 2, end + 1)
        end = end if space < 0 else space + 1
        yield line[at:end].rstrip()
        at = end
    yield line[at:]


def _end_of_piece(line: str, at: int, width: int) -> int:
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

"""Find the marks that begin or end something in content, and text that may still become one.

Source: docs/stream-laws.md, law 7: any split of the content gives the same events.
"""

import re
from functools import cache
from typing import Final, NamedTuple

from translators.to_responses.content.forms import AROUND_CALLS, CALL_FORMS, HARMONY_OPENINGS

OPENINGS: Final = (*(form.opening for form in CALL_FORMS), *AROUND_CALLS, *HARMONY_OPENINGS)
_PROOF: Final = 4
"""Characters by which most text with a mark's first character is seen not to be one: code, links, web pages."""


def mark_at_start(text: str, marks: tuple[str, ...]) -> str | None:
    """Return the mark with which a text begins."""
    found = _patterns(marks).whole.match(text)
    return found[0] if found else None


def may_become(text: str, marks: tuple[str, ...]) -> bool:
    """Whether a text is the beginning of a mark."""
    return text in _patterns(marks).beginnings


def first_mark(text: str, marks: tuple[str, ...]) -> tuple[int, str]:
    """Return where the first mark in a text is, and the mark; else where one may begin, and ""."""
    patterns = _patterns(marks)
    found = patterns.whole.search(text)
    end = found.start() if found else len(text)
    for start in patterns.first_character.finditer(text, max(0, len(text) - patterns.longest), end):
        if text[start.start() :] in patterns.beginnings:
            return start.start(), ""
    return (end, found[0]) if found else (end, "")


class _Patterns(NamedTuple):
    """What finds some marks."""

    whole: re.Pattern[str]
    first_character: re.Pattern[str]
    beginnings: frozenset[str]
    """All that a text may end with while a mark is still coming."""
    longest: int


@cache
def _patterns(marks: tuple[str, ...]) -> _Patterns:
    characters = "".join(sorted({mark[0] for mark in marks}))
    return _Patterns(
        re.compile("|".join(map(re.escape, marks)) or "(?!)"),
        re.compile(f"[{re.escape(characters)}]" if marks else "(?!)"),
        frozenset(mark[:size] for mark in marks for size in range(1, len(mark))),
        max(map(len, marks), default=0),
    )


def _beginnings_of(marks: set[str]) -> str:
    """Return the pattern of the beginning of any mark, or of a part of it at the end of a text."""
    rests: dict[str, set[str]] = {}
    for mark in marks - {""}:
        rests.setdefault(mark[0], set()).add(mark[1:])
    return "|".join(
        re.escape(first) + ("" if "" in rest else rf"(?:\Z|{_beginnings_of(rest)})") for first, rest in rests.items()
    )


may_hold_minimax_mark: Final = re.compile(_beginnings_of({mark[:_PROOF] for mark in OPENINGS})).search
"""Finds what could become a mark in text that the splitter gets while it is idle; without it, the text goes out."""
may_hold_mark: Final = re.compile(_beginnings_of({mark[:_PROOF] for mark in OPENINGS if mark[0] != "]"})).search
"""The same for all models but MiniMax's, whose mark begins with "]": text is full of these. The mark is found none the
less, by its second character."""
BEGINNINGS: Final = frozenset(mark[:size] for mark in OPENINGS for size in range(1, len(mark)))

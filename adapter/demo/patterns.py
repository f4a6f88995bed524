"""A text for the `pattern` or `format` of a JSON schema, so that the demo's answers fit schemas that have one.

A few usual texts are tried first, since an address should look like one. Else the text is written from the pattern,
part by part. For a pattern that Python does not know, or that looks ahead, there may be none.
"""

import re
from collections.abc import Iterator
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

FORMATS: Final = {
    "date-time": "2026-01-31T12:30:00Z",
    "date": "2026-01-31",
    "time": "12:30:00Z",
    "duration": "PT1H",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "uri": "https://example.com/",
}
_CHARACTERS: Final = "a0A-_. /,:@" + "".join(map(chr, range(33, 127))) + "\n\té"
"""What to try where a pattern leaves the choice, the plainest first."""
_CATEGORIES: Final = {
    ops.CATEGORY_DIGIT: r"\d", ops.CATEGORY_NOT_DIGIT: r"\D", ops.CATEGORY_SPACE: r"\s",
    ops.CATEGORY_NOT_SPACE: r"\S", ops.CATEGORY_WORD: r"\w", ops.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
_LONGEST: Final = 20_000
"""Characters of a repeated part: repetitions within repetitions would take all memory."""


def text_for(pattern: str, shortest: int = 0, longest: int | None = None) -> str | None:
    """Return a text that a pattern of a schema matches, of this length; None if none is found."""
    try:
        tree = parser.parse(pattern)
        fits = re.compile(pattern).search
    except (re.error, RecursionError, OverflowError):
        return None
    for text in _candidates(tree, shortest):
        if fits(text) and len(text) >= shortest and (longest is None or len(text) <= longest):
            return text
    return None


def _candidates(tree: Any, shortest: int) -> Iterator[str]:
    yield from FORMATS.values()
    for more in {0: None, 1: None, 4: None, shortest: None}:
        yield _write(tree, more, [])


def _write(tree: Any, more: int, groups: list[str]) -> str:
    """Write the parts of a pattern, with so many repetitions more than needed; `groups`: those so far, in order."""
    return "".join(_part(op, value, more, groups) for op, value in tree)


def _part(op: Any, value: Any, more: int, groups: list[str]) -> str:
    match op:
        case ops.LITERAL:
            return chr(value)
        case ops.NOT_LITERAL:
            return _character([(ops.NEGATE, None), (ops.LITERAL, value)])
        case ops.ANY:
            return _CHARACTERS[0]
        case ops.IN:
            return _character(value)
        case ops.MAX_REPEAT | ops.MIN_REPEAT | ops.POSSESSIVE_REPEAT:
            least, most, repeated = value
            written = _write(repeated, more, groups)
            times: int = min(least + more, most, _LONGEST // max(len(written), 1))
            return written * times
        case ops.SUBPATTERN:
            written = _write(value[3], more, groups)
            if value[0] is not None:
                groups.append(written)
            return written
        case ops.BRANCH:
            return _write(value[1][0], more, groups)
        case ops.GROUPREF:
            return groups[value - 1] if value <= len(groups) else ""
        case _:  # a place, or something that looks ahead or back: nothing is written
            return ""


def _character(members: list[tuple[Any, Any]]) -> str:
    """Return a character of a set such as `[a-z_]`, or one that is not in a negated one."""
    is_negated = members[0][0] is ops.NEGATE

    def has(character: str) -> bool:
        return any(
            (op is ops.LITERAL and ord(character) == value)
            or (op is ops.RANGE and value[0] <= ord(character) <= value[1])
            or (op is ops.CATEGORY and re.match(_CATEGORIES[value], character) is not None)
            for op, value in members
        )

    own = [chr(value if op is ops.LITERAL else value[0]) for op, value in members if op in (ops.LITERAL, ops.RANGE)]
    return next((one for one in (*_CHARACTERS, *own) if has(one) != is_negated), "")

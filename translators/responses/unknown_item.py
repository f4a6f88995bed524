"""What a client keeps in its history and is not known here: items and parts of newer types, nulls of newer clients.

Refused, it would end the session. So an unknown item or part is kept with all its members, for what it says, and a null
in place of an optional member counts as left out, as do a status and a detail of images that are not known. Source:
OpenAI API reference, Responses: create.
"""

import re
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from translators.wire import NotJSON, Raw, decode, encode

_UNKNOWN_PART: Final = "_unknown_part"
"""A tag that begins so is no type of the API (`validation.py`)."""
_NULL_AT: Final = re.compile(r"Expected `[^`]*`, got `null` - at `\$(?P<path>(?:\.\w+|\[\d+\])*\.\w+)`")
_UNKNOWN_AT: Final = re.compile(
    r"Invalid value '.*' - at `\$(?P<typed>\.\w+\[\d+\])\.type`"
    r"|Object missing required field `type` - at `\$(?P<untyped>\.\w+\[\d+\])`",
    re.DOTALL,
)
_LABEL_AT: Final = re.compile(
    r"Invalid enum value '.*' - at `\$(?P<path>(?:\.\w+|\[\d+\])*\.(?:status|detail))`", re.DOTALL
)
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")


class UnknownItem(Struct, frozen=True, gc=False, tag_field="type", tag="unknown_item"):
    """One of a client's history that is not known here, with all its members; the tag is for our own records."""

    kind: str
    members: dict[str, Any]
    id: str | None | UnsetType = UNSET


class UnknownPart(Struct, frozen=True, gc=False, tag_field="type", tag=_UNKNOWN_PART):
    """A part of an item of a history that is not known here, with all its members; the tag is for our own records."""

    kind: str
    members: dict[str, Any]


def without_null(raw: bytes | Raw, problem: str) -> bytes | None:
    """Return an item without the null that msgspec complains of; None if it complains of something else."""
    found = _NULL_AT.fullmatch(problem)
    if found is None:
        return None
    try:
        whole, place, last = _place(raw, found["path"])
        if place[last] is not None:
            return None
        del place[last]
    except (KeyError, IndexError, TypeError, *NotJSON):
        return None
    return encode(whole)


def without_label(raw: bytes | Raw, problem: str) -> bytes | None:
    """Return an item without the status or detail that msgspec does not know; None if it complains of another thing."""
    found = _LABEL_AT.fullmatch(problem)
    if found is None:
        return None
    whole, place, last = _place(raw, found["path"])
    del place[last]
    return encode(whole)


def with_unknown_part(raw: bytes | Raw, problem: str) -> bytes | None:
    """Return an item with the part that msgspec does not know as an `UnknownPart`; None if it complains of another."""
    found = _UNKNOWN_AT.fullmatch(problem)
    if found is None:
        return None
    try:
        path = found["typed"] or found["untyped"]
        whole, place, last = _place(raw, path)
        part = place[last]
        kind = part.get("type")
        in_summary = path.startswith(".summary")
        if in_summary or kind == _UNKNOWN_PART:  # thinking, which has nothing but text
            text = part.get("members", part).get("text")
            type = "summary_text" if in_summary else "reasoning_text"
            place[last] = {"type": type, "text": text if isinstance(text, str) else ""}
        else:
            members = {"kind": kind if isinstance(kind, str) else "part", "members": part}
            place[last] = {"type": _UNKNOWN_PART, **members}
    except (KeyError, IndexError, TypeError, AttributeError, *NotJSON):
        return None
    return encode(whole)


def _place(raw: bytes | Raw, path: str) -> tuple[Any, Any, Any]:
    """Return decoded JSON, the container in it that a path leads to, and the last step of the path."""
    *way, last = [int(index) if index else name for name, index in _STEP.findall(path)]
    whole = place = decode(bytes(raw))
    for step in way:
        place = place[step]
    return whole, place, last

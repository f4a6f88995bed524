"""What a client keeps in its history and is not known here: items, parts and tools of newer types or in other forms.

Refused, it would end the session. So it is kept with all its members, for what it says; a call and an output of a known
type stay a pair. A null in place of an optional member counts as left out, as do a status and a detail of images that
are not known. Source: OpenAI API reference, Responses: create.
"""

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from translators.wire import NotJSON, Raw, decode, encode

_UNKNOWN_PART: Final = "_unknown_part"
"""A tag that begins so is no type of the API (`validation.py`)."""
_NULL_AT: Final = re.compile(r"Expected `[^`]*`, got `null` - at `\$(?P<path>(?:\.\w+|\[\d+\])*\.\w+)`")
_PART_AT: Final = re.compile(r"(?:.*) - at `\$(?P<path>\.(?:content|summary|output)\[\d+\])[^`]*`", re.DOTALL)
_LABEL_AT: Final = re.compile(
    r"Invalid enum value '.*' - at `\$(?P<path>(?:\.\w+|\[\d+\])*\.(?:status|detail))`", re.DOTALL
)
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")

UNKNOWN_TOOLS: Final = {"unknown_tools": "_unknown_tools"}
"""The member of an item with the tools that cannot be loaded: what it is called in our own records."""
_MAX_CALL_ID: Final = 64
_CALLS: Final = {
    "function_call": "arguments", "custom_tool_call": "input", "local_shell_call": "action", "shell_call": "action",
    "apply_patch_call": "operation", "tool_search_call": "arguments", "computer_call": "action",
}  # fmt: skip
"""Types of calls, each with the member that has the arguments."""
_OUTPUTS: Final = frozenset({*(f"{kind}_output" for kind in _CALLS), "tool_search_output"})


class UnknownItem(Struct, frozen=True, gc=False, tag_field="type", tag="unknown_item"):
    """One of a client's history that is not known here, with all its members; the tag is for our own records."""

    kind: str
    members: dict[str, Any]
    id: str | None | UnsetType = UNSET


class UnknownCall(UnknownItem, frozen=True, gc=False, kw_only=True, tag="_unknown_call"):
    """A call of a known type in another form."""

    call_id: str
    name: str
    arguments: str
    status: str | None | UnsetType = UNSET


class UnknownOutput(UnknownItem, frozen=True, gc=False, kw_only=True, tag="_unknown_output"):
    """The output of a call in another form than its type has."""

    call_id: str


class UnknownPart(Struct, frozen=True, gc=False, tag_field="type", tag=_UNKNOWN_PART):
    """A part of an item of a history that is not known here, with all its members; the tag is for our own records."""

    kind: str
    members: dict[str, Any]


def unknown_item(members: dict[str, Any]) -> UnknownItem:
    """Return an item that is not known here, or not in this form, with all its members."""
    kind, id = members.get("type"), members.get("id")
    kind = kind if isinstance(kind, str) else "message" if "role" in members else "item"
    id = id if isinstance(id, str) else UNSET
    call_id = members.get("call_id") or (kind == "local_shell_call_output" and id)
    if not isinstance(call_id, str) or not call_id:
        return UnknownItem(kind, members, id)
    if len(call_id) > _MAX_CALL_ID:  # alike for a call and its output
        call_id = sha256(call_id.encode()).hexdigest()
    if kind in _OUTPUTS:
        return UnknownOutput(kind, members, id, call_id=call_id)
    if kind not in _CALLS:
        return UnknownItem(kind, members, id)
    name, arguments = members.get("name"), members.get(_CALLS[kind])
    if kind == "custom_tool_call":
        arguments = {"input": arguments}
    return UnknownCall(
        kind, members, id, call_id=call_id,
        name=name if isinstance(name, str) and name else kind.removesuffix("_call"),
        arguments=arguments if isinstance(arguments, str) else encode(arguments or {}).decode(),
        status="incomplete" if members.get("status") == "incomplete" else UNSET,
    )  # fmt: skip


def with_unknown_tools(raw: Raw, can_be_loaded: Callable[[Any], bool]) -> bytes | Raw:
    """Return an item that loads tools with those apart that cannot be loaded; members of namespaces one by one."""
    try:
        item = decode(bytes(raw))
    except NotJSON:
        return raw
    tools, known, unknown = item.get("tools"), [], []
    for tool in tools if isinstance(tools, list) else ():
        if can_be_loaded(tool):
            known.append(tool)
            continue
        unknown.append(tool)
        if isinstance(tool, dict) and tool.get("type") == "namespace" and isinstance(tool.get("tools"), list):
            members = [one for one in tool["tools"] if can_be_loaded(one)]
            left = {**tool, "tools": members}
            if members and can_be_loaded(left):
                known.append(left)
                unknown[-1] = {**tool, "tools": [one for one in tool["tools"] if one not in members]}
    return encode({**item, "tools": known, "_unknown_tools": unknown}) if unknown else raw


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
    """Return an item with the part that msgspec complains of as an `UnknownPart`; None if it complains of another."""
    found = _PART_AT.fullmatch(problem)
    if found is None:
        return None
    try:
        whole, place, last = _place(raw, found["path"])
        part = place[last] if isinstance(place[last], dict) else {"text": place[last]}
        kind = part.get("type")
        in_summary = found["path"].startswith(".summary")
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

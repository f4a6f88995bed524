"""What a client keeps in its history and is not known here: items, parts and tools of newer types or in other forms.

Refused, it would end the session. So it is kept with all its members, for what it says; a call and an output of a known
type stay a pair. Source: OpenAI API reference, Responses: create.
"""

from hashlib import sha256
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from translators.wire import encode

UNKNOWN_TOOLS: Final = {"unknown_tools": "_unknown_tools"}
"""The member of an item with the tools that cannot be loaded: what it is called in our own records."""
_MAX_CALL_ID: Final = 64
_CALLS: Final = {
    "function_call": "arguments", "custom_tool_call": "input", "local_shell_call": "action", "shell_call": "action",
    "apply_patch_call": "operation", "tool_search_call": "arguments", "computer_call": "action",
}  # fmt: skip
"""Types of calls, each with the member that has the arguments."""
_IDENTIFIED: Final = frozenset({*_CALLS, "local_shell_call_output"})
"""Types whose `id` stands in for a missing `call_id`."""
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


class UnknownPart(Struct, frozen=True, gc=False, tag_field="type", tag="_unknown_part"):
    """A part of an item of a history that is not known here, with all its members; the tag is for our own records."""

    kind: str
    members: dict[str, Any]


def unknown_item(members: dict[str, Any]) -> UnknownItem:
    """Return an item that is not known here, or not in this form, with all its members."""
    kind, id = members.get("type"), members.get("id")
    kind = kind if isinstance(kind, str) else "message" if "role" in members else "item"
    id = id if isinstance(id, str) else UNSET
    call_id = members.get("call_id") or (kind in _IDENTIFIED and id)
    if kind == "message" and members.get("role") == "tool":  # a chat message in the place of the output
        kind, call_id = "function_call_output", members.get("tool_call_id")
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

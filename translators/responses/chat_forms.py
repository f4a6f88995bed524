"""Hints for errors about items in the forms of chat completions: which items and parts the Responses API has instead.

Source: OpenAI API reference, Responses: create; OpenAI API reference, Chat: create.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from translators.responses.unknown_item import UnknownItem

_PART_HINTS: Final = {
    re.compile(r"^Invalid value: 'image_url'|\.image_url': expected a string"):
        "In the Responses API, a picture is a part of type 'input_image', and its 'image_url' is a string.",
    re.compile(r"^Invalid value: 'file'"):
        "In the Responses API, a file is a part of type 'input_file'; its 'file_data', 'file_id' and 'filename' are "
        "members beside 'type', not inside 'file'.",
}  # fmt: skip
"""By the words of errors about parts."""
_PARTS: Final = ("text", "image_url", "input_audio", "file", "input_text", "input_image", "input_file")
"""Types of parts, here and in chat, that are sent as items."""
_IN_A_MESSAGE: Final = "A part belongs in the 'content' of a message."
_CALLS: Final = (
    "In the Responses API, a call is an item of type 'function_call', and what it returned is an item of type "
    "'function_call_output' with the same 'call_id'."
)


def find_hint(error: str, members: Mapping[str, Any]) -> str:
    """Return a hint for the message of an error about an item with these members, "" if it is in no form of chat."""
    if members.get("type") in _PARTS:
        return _IN_A_MESSAGE
    hint = next((hint for words, hint in _PART_HINTS.items() if words.search(error)), None)
    return hint or (_CALLS if _has_calls(members) else "")


def find_calls_hint(items: Iterable[Any]) -> str:
    """Return a hint for a call without an output, or the reverse; "" if no unknown item has one as chat does."""
    return _CALLS if any(isinstance(item, UnknownItem) and _has_calls(item.members) for item in items) else ""


def _has_calls(members: Mapping[str, Any]) -> bool:
    """Whether an item is a message with calls, one with what a tool returned, or a call by itself."""
    return (
        members.get("role") in ("tool", "function")
        or bool(members.get("tool_calls") or members.get("function_call"))
        or (members.get("type") == "function" and "function" in members)
    )

"""The names that the installed openai package knows, read from its types.

Requests are TypedDicts there, answers are pydantic models; both say what they are in a `type` that is a literal.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NotRequired, Required, get_args, get_origin, get_type_hints

from openai.types.conversations import message as conversation_message
from openai.types.responses import (
    ResponseContentPartAddedEvent,
    ResponseCreateParams,
    ResponseIncludable,
    ResponseInputItemParam,
    ResponseOutputItem,
    ResponseReasoningItemParam,
    ResponsesServerEvent,
    ResponseStreamEvent,
    ToolParam,
)
from openai.types.responses.response_create_params import ToolChoice
from openai.types.responses.response_format_text_config_param import ResponseFormatTextConfigParam
from pydantic import BaseModel
from typing_extensions import is_typeddict

_OF_THEIR_OWN = ("input", "tools", "tool_choice")
"""Fields whose contents have tables of their own."""
_CONTENT = ("content", "output", "summary")
"""Members of items that hold content parts."""


def fields() -> set[str]:
    """Return the fields of a create request, those of nested objects with their path."""
    return {path for params in _members(ResponseCreateParams) for path in _paths(params)}


def includable() -> set[str]:
    return set(get_args(ResponseIncludable))


def formats() -> set[str]:
    return _types(ResponseFormatTextConfigParam)


def input_items() -> set[str]:
    return _types(ResponseInputItemParam)


def content_parts() -> set[str]:
    """Return the types of part in a message, reasoning, or the output of a tool."""
    holders = [
        *_members(ResponseInputItemParam), ResponseReasoningItemParam, conversation_message.Message,
    ]  # fmt: skip
    found = _types(_annotations(ResponseContentPartAddedEvent)["part"])
    for holder in holders:
        annotations = _annotations(holder)
        for member in _CONTENT:
            if member in annotations:
                found |= _types(annotations[member])
    return found


def tools() -> set[str]:
    return _types(ToolParam)


def tool_choices() -> set[str]:
    """Return the words that are a tool_choice, and the types of those that are objects."""
    words = {word for member in _members(ToolChoice) if get_origin(member) is Literal for word in get_args(member)}
    return words | _types(ToolChoice)


def output_items() -> set[str]:
    return _types(ResponseOutputItem)


def events() -> set[str]:
    """Return the events of a stream, and those that only a WebSocket has."""
    return _types(ResponseStreamEvent) | _types(ResponsesServerEvent)


def _paths(params: Any, prefix: str = "") -> Iterator[str]:
    for name, annotation in _annotations(params).items():
        if name == "type":
            continue
        yield prefix + name
        if name not in _OF_THEIR_OWN or prefix:
            for member in _members(annotation):
                if is_typeddict(member):
                    yield from _paths(member, f"{prefix}{name}.")


def _types(annotation: Any) -> set[str]:
    """Return the values of `type` in the members of a union."""
    found: set[str] = set()
    for member in _members(annotation):
        for tag in _members(_annotations(member).get("type", str)):
            if get_origin(tag) is Literal:
                found |= set(get_args(tag))
    return found


def _annotations(member: Any) -> dict[str, Any]:
    if is_typeddict(member):
        return get_type_hints(member)
    if isinstance(member, type) and issubclass(member, BaseModel):
        return {name: field.annotation for name, field in member.model_fields.items()}
    return {}


def _members(annotation: Any) -> list[Any]:
    """Return what a type may be: the members of a union, the elements of a list, the type itself."""
    origin = get_origin(annotation)
    if origin is None or origin is Literal or origin is dict:
        return [annotation]
    inner = get_args(annotation)[:1] if origin in (Annotated, Required, NotRequired) else get_args(annotation)
    return [member for argument in inner for member in _members(argument)]

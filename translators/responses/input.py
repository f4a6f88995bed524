"""The two arrays of a request: `input` → items, `tools` → tools.

Items mostly say their `type`, and then one pass of the decoder reads them all. Those that do not are told apart by what
they have: a `role` makes a message (the spec's EasyInputMessage, which most SDKs send), nothing but an `id` an
item_reference. So the second way goes item by item, and it is also the one that finds the words for what is wrong and
where. An array with too many elements is refused before anything is made of them. Source: responses-api reference §3.1.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from translators.errors import RequestError, invalid_value, missing_parameter, shorten, too_large, unsupported_parameter
from translators.policy import INPUT_ITEMS, TOOLS, Row, refusal_of
from translators.responses.items import (
    AdditionalTools,
    ContentPart,
    Item,
    ItemReference,
    Message,
    Status,
    Text,
    ToolSearchOutput,
)
from translators.responses.tools import (
    CustomTool,
    FunctionTool,
    NamespaceTool,
    ShellTool,
    Tool,
    ToolSearchTool,
    WebSearch,
)
from translators.validation import allowed_values
from translators.wire import Decoder, NotJSON, Raw, decode_param, encode

MOST_TOOLS: Final = 1024
MOST_TOOL_BYTES: Final = 4 << 20

_COUNTED_FIRST: Final = 1 << 20
"""Bytes of an array from which its elements are counted before they are decoded."""

_ABSENT: Final = Raw(b"")
_LOADING: Final = frozenset({AdditionalTools, ToolSearchOutput})


class _Head(Struct, gc=False):
    """What tells one kind of item or tool from another."""

    type: str | None = None
    role: Raw = _ABSENT
    name: Raw = _ABSENT
    function: Raw = _ABSENT


class _EasyMessage(Struct, gc=False):
    """A message that does not say that it is one; its members are those of Message."""

    role: Literal["user", "assistant", "system", "developer"]
    content: Text | list[ContentPart]
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET
    phase: str | None | UnsetType = UNSET


class _Bare(Struct, gc=False, forbid_unknown_fields=True):
    """An item with nothing but an id."""

    id: str
    type: None = None


class _Counted(Struct, gc=False):
    """Any object; the one for which there is no room stops the decoder."""

    def __post_init__(self) -> None:
        room = _room.get()
        if not room:
            raise _NoRoom
        room.pop()


class _NoRoom(Exception):
    """An array has more elements than it may have."""


_room: ContextVar[list[None]] = ContextVar("room")

_heads: Final = Decoder(_Head)
_items: Final = Decoder(tuple[Item, ...])
_item: Final = Decoder(Item)
_easy_message: Final = Decoder(_EasyMessage)
_bare: Final = Decoder(_Bare)
_tool: Final = Decoder(Tool)
_text_or_array: Final = Decoder(Text | list[Raw])
_array: Final = Decoder(list[Raw])
_counted: Final = Decoder(list[_Counted])

_ITEM_TYPES: Final = tuple(allowed_values(Item, ".type"))
_TOOL_TYPES: Final = tuple(allowed_values(Tool, ".type"))


def decode_items(raw: bytes, limit: int | None = None, param: str = "input") -> tuple[Item, ...]:
    """Return the items of an `input`, or of another parameter; a string is one user message, an empty one nothing.

    Raises RequestError naming the place that does not fit, or when there are more than `limit` items.
    """
    if limit is not None:
        _count(raw, param, limit)
    try:
        items = _items.decode(raw)
    except NotJSON:
        items = _one_by_one(raw, param)
    if limit is not None and len(items) > limit:
        raise _too_many(param, limit, len(items))
    if not _LOADING.isdisjoint(map(type, items)):
        _check_loaded(items, param)
    return items


def _check_loaded(items: Sequence[Item], param: str) -> None:
    """Refuse what is wrong with tools that items bring along, as with those that are declared."""
    for at, item in enumerate(items):
        if isinstance(item, (AdditionalTools, ToolSearchOutput)):
            for place, tool in enumerate(item.tools):
                _check(tool, f"{param}[{at}].tools[{place}]")


def _one_by_one(raw: bytes, param: str) -> tuple[Item, ...]:
    elements = decode_param(_text_or_array, raw, param)
    if isinstance(elements, str):
        return (Message(role="user", content=elements),) if elements else ()
    return tuple(_decode_item(element, f"{param}[{at}]") for at, element in enumerate(elements))


def _decode_item(raw: Raw, param: str) -> Item:
    head = decode_param(_heads, raw, param)
    if head.type in _ITEM_TYPES:
        item: Item = decode_param(_item, raw, param)
        return item
    if head.type is not None:
        _refuse(INPUT_ITEMS, head.type, param)
        raise invalid_value(param, shorten(head.type), _ITEM_TYPES)
    if head.role is not _ABSENT:
        easy = decode_param(_easy_message, raw, param)
        return Message(easy.role, easy.content, easy.id, easy.status, easy.phase)
    try:
        return ItemReference(_bare.decode(raw).id)
    except NotJSON:
        raise missing_parameter(f"{param}.type") from None


def _refuse(table: Mapping[str, Row], type: str, param: str) -> None:
    """Raise RequestError for a type that the API has and that is not served here."""
    if why := refusal_of(table, type):
        raise unsupported_parameter(param, f"'{type}' {why}")


def decode_tools(raw: bytes) -> tuple[Tool, ...]:
    """Return the declared tools; raise RequestError naming the place that does not fit, or a name declared twice."""
    if len(raw) > MOST_TOOL_BYTES:
        raise too_large("tools", MOST_TOOL_BYTES)
    _count(raw, "tools", MOST_TOOLS)
    elements = decode_param(_array, raw, "tools")
    if len(elements) > MOST_TOOLS:
        raise _too_many("tools", MOST_TOOLS, len(elements))
    tools = tuple(_decode_tool(element, f"tools[{at}]") for at, element in enumerate(elements))
    declared: set[tuple[str | None, str]] = set()
    for at, tool in enumerate(tools):
        for name in _names(tool):
            if name in declared:
                raise RequestError(
                    f"Duplicate tool name: '{shorten(name[1])}'.", param=f"tools[{at}].name", code="invalid_value"
                )
            declared.add(name)
    return tools


def _names(tool: Tool) -> list[tuple[str | None, str]]:
    """Return the names that a tool declares, each with its namespace."""
    match tool:
        case FunctionTool() | CustomTool():
            return [(None, tool.name)]
        case NamespaceTool():
            return [(tool.name, member.name) for member in tool.tools]
        case WebSearch():
            return []
        case _:  # there is one of its kind, which no namespace is named as
            return [("", str(tool.__struct_config__.tag))]


def _decode_tool(raw: Raw, param: str) -> Tool:
    head = decode_param(_heads, raw, param)
    if head.type is None:
        raise missing_parameter(f"{param}.type")
    if head.type not in _TOOL_TYPES:
        _refuse(TOOLS, head.type, f"{param}.type")
        raise invalid_value(f"{param}.type", shorten(head.type), _TOOL_TYPES)
    if head.name is _ABSENT and head.function is not _ABSENT:
        raise _nested(f"{param}.name")
    tool: Tool = decode_param(_tool, raw, param)
    _check(tool, param)
    return tool


def _check(tool: Tool, param: str) -> None:
    """Refuse a tool that cannot be what it says."""
    _check_parameters(tool, param)
    _check_callers(tool, param)
    if isinstance(tool, ShellTool) and tool.environment is not None and tool.environment.type != "local":
        raise unsupported_parameter(f"{param}.environment", "must be of type 'local': no container is run here.")


def _check_parameters(tool: Tool, param: str) -> None:
    """Refuse schemas of arguments that are no object."""
    if isinstance(tool, NamespaceTool):
        for at, member in enumerate(tool.tools):
            if isinstance(member, FunctionTool):
                _check_parameters(member, f"{param}.tools[{at}]")
    elif isinstance(tool, (FunctionTool, ToolSearchTool)) and tool.parameters:
        _check_schema(tool.parameters, getattr(tool, "name", "tool_search"), param)


def _check_callers(tool: Tool, param: str) -> None:
    """Refuse a tool that only a program of OpenAI's may call."""
    callers = getattr(tool, "allowed_callers", None)
    if callers and "direct" not in callers:
        raise unsupported_parameter(
            f"{param}.allowed_callers", "must hold 'direct': no program is run here that could call the tool."
        )


def _check_schema(schema: dict[str, Any], tool: str, param: str) -> None:
    """Raise RequestError for a schema of a tool's arguments that says that they are no object."""
    kind, properties = schema.get("type", "object"), schema.get("properties") or {}
    if kind != "object":
        got = shorten(encode(kind).decode())
        wrong = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: {got}'."
    elif not isinstance(properties, dict):
        wrong = f"{shorten(encode(properties).decode())} is not of type 'object'."
    else:
        return
    raise RequestError(
        f"Invalid schema for function '{shorten(tool)}': {wrong}",
        param=f"{param}.parameters",
        code="invalid_function_parameters",
    )


def _nested(param: str) -> RequestError:
    """Return the refusal of a tool in the shape of chat completions."""
    refusal = missing_parameter(param)
    return RequestError(
        f"{refusal.message} In the Responses API, 'name', 'description', 'parameters' and 'strict' stand "
        "beside 'type', not inside 'function'.",
        param=param,
        code=refusal.code,
    )


def _count(raw: bytes, param: str, limit: int) -> None:
    """Refuse a large array of more than `limit` elements at the cost of skipping through it."""
    if len(raw) < _COUNTED_FIRST or raw.count(b",") < limit or raw[:1] != b"[":
        return
    token = _room.set([None] * limit)
    try:
        decode_param(_counted, raw, param)
    except _NoRoom:
        raise _too_many(param, limit) from None
    finally:
        _room.reset(token)


def _too_many(param: str, limit: int, got: int | None = None) -> RequestError:
    instead = "a longer one" if got is None else f"an array with length {got}"
    return RequestError(
        f"Invalid '{param}': array too long. Expected an array with maximum length {limit}, but got {instead} "
        "instead.",
        param=param,
        code="array_above_max_length",
    )

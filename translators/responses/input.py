"""The two arrays of a request: `input` → items, `tools` → tools.

Items usually have a `type`, and one pass of the decoder reads them all. An item without one is recognised by its
members: a `role` makes it a message (the specification's EasyInputMessage, which most SDKs send), an `id` alone an
item_reference. So if the fast pass fails, items are decoded one by one, which also finds the path and wording of an
error. There, too, a null in place of an optional member counts as left out, and an item or part of an unknown type is
kept if it belongs to a history or follows one: refused, it would end the session of the client that keeps it. So is an
item of a known type in another form; of the tools that it loads, those that can be declared stay. An array with too
many elements is rejected before they are decoded.
Source: OpenAI API reference, Responses: create; OpenAI OpenAPI specification, EasyInputMessage.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, Literal, cast

from msgspec import UNSET, Struct, UnsetType

from translators.errors import RequestError, invalid_value, missing_parameter, shorten, too_large, unsupported_parameter
from translators.policy import INPUT_ITEMS, TOOLS, Row, refusal_of
from translators.responses.items import (
    AdditionalTools,
    ConfigurationUpdate,
    ContentPart,
    Item,
    ItemReference,
    KnownItem,
    Message,
    Status,
    Text,
    ToolSearchOutput,
)
from translators.responses.tools import (
    HOSTED_TOOLS,
    CodeInterpreterTool,
    CustomTool,
    FunctionTool,
    ImageGenerationTool,
    MCPTool,
    NamespaceTool,
    ShellTool,
    Tool,
    ToolSearchTool,
    WebSearch,
)
from translators.responses.unknown_item import (
    unknown_item,
    with_unknown_part,
    with_unknown_tools,
    without_label,
    without_null,
)
from translators.validation import allowed_values
from translators.wire import Decoder, NotJSON, Raw, decode_param, encode

MAX_TOOLS: Final = 1024
"""Far more than any provider accepts; each becomes several objects."""
MAX_TOOL_BYTES: Final = 4 << 20
"""JSON of all tools. Decoded schemas take a multiple of it in memory, and a stream echoes the JSON three times."""

_MIN_BYTES_COUNTED: Final = 1 << 19
"""Arrays from this size are counted before they are decoded; for shorter ones that costs more than it saves."""

_MAX_REPAIRS: Final = 32
"""Nulls and unknown parts that one item may have; each is one more attempt to decode it."""
_ABSENT: Final = Raw(b"")
_IN_FIRST_REQUESTS: Final = frozenset({"message", "additional_tools", "configuration_update"})
"""Types of items that need no earlier turn."""
_LOADING: Final = frozenset({AdditionalTools, ToolSearchOutput})
_LOADING_TYPES: Final = frozenset({"additional_tools", "tool_search_output"})


class _Head(Struct, gc=False):
    """The members that distinguish kinds of items and tools."""

    type: str | None = None
    role: Raw = _ABSENT
    name: Raw = _ABSENT
    function: Raw = _ABSENT


class _EasyMessage(Struct, gc=False):
    """A message without `type`; its members are those of Message."""

    role: Literal["user", "assistant", "system", "developer"]
    content: Text | list[ContentPart]
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET
    phase: str | None | UnsetType = UNSET


class _Bare(Struct, gc=False, forbid_unknown_fields=True):
    """An item with an id and nothing else."""

    id: str
    type: None = None


class _Counted(Struct, gc=False):
    """Any object; the first one beyond the limit stops the decoder."""

    def __post_init__(self) -> None:
        room = _room.get()
        if not room:
            raise _NoRoom
        room.pop()


class _NoRoom(Exception):
    """An array has more elements than it may have."""


_room: ContextVar[list[None]] = ContextVar("room")

_heads: Final = Decoder(_Head)
_items: Final = Decoder(tuple[KnownItem, ...])
_item: Final = Decoder(KnownItem)
_easy_message: Final = Decoder(_EasyMessage)
_members: Final = Decoder(dict[str, Any])
_bare: Final = Decoder(_Bare)
_tool: Final = Decoder(Tool)
_text_or_array: Final = Decoder(Text | list[Raw])
_array: Final = Decoder(list[Raw])
_counted: Final = Decoder(list[_Counted])

_ITEM_TYPES: Final = tuple(allowed_values(KnownItem, ".type"))
_WITHOUT_STRUCT: Final = frozenset(name for name, row in INPUT_ITEMS.items() if row.becomes != "refused").difference(
    _ITEM_TYPES
)
"""Types of items that are served without being known member by member."""
_TOOL_TYPES: Final = tuple(allowed_values(Tool, ".type"))


def decode_items(
    raw: bytes, limit: int | None = None, param: str = "input", *, in_history: bool = False
) -> tuple[Item, ...]:
    """Return the items of an `input`, or of another parameter; a string is one user message, an empty one nothing.

    `in_history`: all of them belong to a history or follow one, whatever their types.

    Raises RequestError naming the place that does not fit, or when there are more than `limit` items.
    """
    if limit is not None:
        _count(raw, param, limit)
    items = None if raw[:1] == b'"' else decode_more_items(raw)
    if items is None:
        items = _decode_each(raw, param, limit, in_history=in_history)
    if limit is not None and len(items) > limit:
        raise _too_many(param, limit, len(items))
    return items


def decode_more_items(raw: bytes) -> tuple[Item, ...] | None:
    """Return the items of an array in one pass; None if one of them does not fit its type, or loads tools."""
    try:
        items: tuple[Item, ...] = _items.decode(raw)
    except NotJSON:
        return None
    return items if _LOADING.isdisjoint(map(type, items)) else None


def _check_loaded(tools: Sequence[Tool], param: str) -> None:
    """Raise RequestError for invalid tools of an item, as for declared ones."""
    for at, tool in enumerate(tools):
        path = f"{param}.tools[{at}]"
        if type(tool) in HOSTED_TOOLS:
            kind = tool.__struct_config__.tag
            raise unsupported_parameter(f"{path}.type", f"'{kind}' has to be declared in 'tools'.")
        _check(tool, path)


def _can_be_loaded(tool: Any) -> bool:
    """Tell whether the JSON of a tool is that of one that items may load."""
    try:
        _check_loaded([_tool.decode(encode(tool))], "input")
    except (RequestError, *NotJSON):
        return False
    return True


def _decode_each(raw: bytes, param: str, limit: int | None, *, in_history: bool) -> tuple[Item, ...]:
    elements = decode_param(_text_or_array, raw, param)
    if isinstance(elements, str):
        return (Message(role="user", content=elements),) if elements else ()
    if limit is not None and len(elements) > limit:
        raise _too_many(param, limit, len(elements))
    items: list[Item] = []
    for at, element in enumerate(elements):
        path, is_last = f"{param}[{at}]", at == len(elements) - 1
        keeps = in_history or not is_last
        try:
            item = _decode_item(element, path, in_history=keeps, is_last=is_last)
        except RequestError:
            members = decode_param(_members, element, path)
            if not keeps or (is_last and members.get("role") == "user"):
                raise
            item = unknown_item(members)
        in_history = in_history or not _asks(item)
        items.append(item)
    return tuple(items)


def _asks(item: Item) -> bool:
    """Tell whether an item can be part of a first request; all others come from a history."""
    return isinstance(item, (AdditionalTools, ConfigurationUpdate)) or (
        isinstance(item, Message) and item.role != "assistant"
    )


def _decode_known(raw: bytes | Raw, param: str, *, keep_unknown: bool) -> Item:
    """Return an item of a known type; a null where another value belongs counts as left out.

    `keep_unknown`: parts of other types or forms are kept for what they say.
    """
    whole: bytes | Raw = raw
    for _ in range(_MAX_REPAIRS):
        try:
            return cast(Item, _item.decode(whole))
        except NotJSON as error:
            left = without_null(whole, str(error))
            if left is None and keep_unknown:
                left = without_label(whole, str(error)) or with_unknown_part(whole, str(error))
        if left is None:
            break
        whole = left
    return cast(Item, decode_param(_item, raw, param))


def _decode_item(raw: Raw, param: str, *, in_history: bool, is_last: bool) -> Item:
    head = decode_param(_heads, raw, param)
    is_users_last = is_last and bytes(head.role) == b'"user"'
    if head.type in _ITEM_TYPES:
        if head.type in _LOADING_TYPES:
            loading = with_unknown_tools(raw, _can_be_loaded) if in_history else raw
            item = _decode_known(loading, param, keep_unknown=False)
            _check_loaded(item.tools, param)  # type: ignore[union-attr]
            return item
        in_history = in_history or head.type not in _IN_FIRST_REQUESTS
        return _decode_known(raw, param, keep_unknown=in_history and not is_users_last)
    if head.type is not None:
        if in_history or head.type in _WITHOUT_STRUCT:
            return unknown_item(decode_param(_members, raw, param))
        _reject_unserved(INPUT_ITEMS, head.type, param)
        raise invalid_value(param, shorten(head.type), _ITEM_TYPES)
    if head.role is not _ABSENT:
        try:
            easy = _easy_message.decode(raw)
        except NotJSON:
            if in_history and not is_users_last:
                return _decode_known(b'{"type":"message",' + bytes(raw).lstrip()[1:], param, keep_unknown=True)
            easy = decode_param(_easy_message, raw, param)
        return Message(easy.role, easy.content, easy.id, easy.status, easy.phase)
    try:
        return ItemReference(_bare.decode(raw).id)
    except NotJSON:
        raise missing_parameter(f"{param}.type") from None


def _reject_unserved(table: Mapping[str, Row], type: str, param: str) -> None:
    """Raise RequestError if the type is one of the API that is not served here."""
    if why := refusal_of(table, type):
        raise unsupported_parameter(param, f"'{type}' {why}")


def decode_tools(raw: bytes) -> tuple[Tool, ...]:
    """Return the declared tools; raise RequestError naming the place that does not fit, or a name declared twice."""
    if len(raw) > MAX_TOOL_BYTES:
        raise too_large("tools", MAX_TOOL_BYTES)
    _count(raw, "tools", MAX_TOOLS)
    elements = decode_param(_array, raw, "tools")
    if len(elements) > MAX_TOOLS:
        raise _too_many("tools", MAX_TOOLS, len(elements))
    tools = tuple(_decode_tool(element, f"tools[{at}]") for at, element in enumerate(elements))
    declared: set[tuple[str | None, str]] = set()
    for at, tool in enumerate(tools):
        member = "server_label" if isinstance(tool, MCPTool) else "name"
        for name in _names(tool):
            if name in declared:
                shown = shorten(name[1] or str(name[0]))
                raise RequestError(
                    f"Duplicate tool name: '{shown}'.", param=f"tools[{at}].{member}", code="invalid_value"
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
        case MCPTool():
            return [(f"mcp__{tool.server_label}", "")]
        case WebSearch():
            return []
        case _:  # the only tool of its kind; "" is the name of no namespace
            return [("", str(tool.__struct_config__.tag))]


def _decode_tool(raw: Raw, param: str) -> Tool:
    head = decode_param(_heads, raw, param)
    if head.type is None:
        raise missing_parameter(f"{param}.type")
    if head.type not in _TOOL_TYPES:
        _reject_unserved(TOOLS, head.type, f"{param}.type")
        raise invalid_value(f"{param}.type", shorten(head.type), _TOOL_TYPES)
    if head.name is _ABSENT and head.function is not _ABSENT:
        raise _nested(f"{param}.name")
    tool: Tool = decode_param(_tool, raw, param)
    _check(tool, param)
    return tool


def _check(tool: Tool, param: str) -> None:
    """Raise RequestError for a tool with members that cannot be honoured."""
    _check_parameters(tool, param)
    _check_callers(tool, param)
    _check_hosted(tool, param)
    if isinstance(tool, ShellTool) and tool.environment is not None and tool.environment.type != "local":
        raise unsupported_parameter(f"{param}.environment", "must be of type 'local': no container is run here.")


def _check_hosted(tool: Tool, param: str) -> None:
    """Raise RequestError for what no sandbox, images API or server of an operator does."""
    if isinstance(tool, MCPTool) and tool.tunnel_id:
        raise unsupported_parameter(f"{param}.tunnel_id", "is not supported: no tunnel leads here. Send 'server_url'.")
    if isinstance(tool, CodeInterpreterTool):
        if isinstance(tool.container, str):
            raise unsupported_parameter(f"{param}.container", "must be of type 'auto': there are no containers here.")
        for member in ("file_ids", "memory_limit", "network_policy"):
            if getattr(tool.container, member):
                raise unsupported_parameter(f"{param}.container.{member}", "is fixed: the sandbox is the operator's.")
    mask = tool.input_image_mask if isinstance(tool, ImageGenerationTool) else None
    if mask and not (mask.image_url or mask.file_id):
        raise missing_parameter(f"{param}.input_image_mask.image_url")


def _check_parameters(tool: Tool, param: str) -> None:
    """Raise RequestError for schemas of arguments that do not describe an object."""
    if isinstance(tool, NamespaceTool):
        for at, member in enumerate(tool.tools):
            if isinstance(member, FunctionTool):
                _check_parameters(member, f"{param}.tools[{at}]")
    elif isinstance(tool, (FunctionTool, ToolSearchTool)) and tool.parameters:
        _check_schema(tool.parameters, getattr(tool, "name", "tool_search"), param)


def _check_callers(tool: Tool, param: str) -> None:
    """Raise RequestError for a tool that only a program at OpenAI may call."""
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
    """Return the error for a tool in the form of chat completions."""
    error = missing_parameter(param)
    return RequestError(
        f"{error.message} In the Responses API, 'name', 'description', 'parameters' and 'strict' stand "
        "beside 'type', not inside 'function'.",
        param=param,
        code=error.code,
    )


def _count(raw: bytes, param: str, limit: int) -> None:
    """Raise RequestError for a large array of more than `limit` elements, without decoding them."""
    if len(raw) < _MIN_BYTES_COUNTED or raw.count(b",") < limit or raw[:1] != b"[":
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

"""`input` → items.

Items usually have a `type`, and one pass of the decoder reads them all. An item without one is recognised by its
members: a `role` makes it a message (the specification's EasyInputMessage, which most SDKs send), an `id` alone an
item_reference. If one item is neither of a type nor such a message, all are looked at one by one, which also finds the
path and wording of an error. There, too, a null in place of an optional member counts as left out, and an item or part
of an unknown type is kept if it belongs to a history or follows one: refused, it would end the session of the client
that keeps it. So is an item of a known type in another form; of the tools that it loads, those that can be declared
stay.
Source: OpenAI API reference, Responses: create; OpenAI OpenAPI specification, EasyInputMessage.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal, cast

from msgspec import UNSET, Struct, UnsetType

from translators.errors import RequestError, invalid_value, missing_parameter, shorten
from translators.policy import INPUT_ITEMS
from translators.responses.chat_forms import find_hint
from translators.responses.decoding.arrays import (
    ABSENT,
    MIN_BYTES_COUNTED,
    check_length,
    heads,
    reject_unserved,
    too_many,
)
from translators.responses.decoding.tools import check_loaded
from translators.responses.decoding.unknown import (
    with_unknown_part,
    with_unknown_tools,
    with_written_output,
    without_label,
    without_null,
)
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
from translators.responses.unknown_item import unknown_item
from translators.validation import allowed_values
from translators.wire import Decoder, NotJSON, Raw, decode_param

_MAX_REPAIRS: Final = 32
"""Nulls and unknown parts that one item may have; each is one more attempt to decode it."""
_IN_FIRST_REQUESTS: Final = frozenset({"message", "additional_tools", "configuration_update"})
"""Types of items that need no earlier turn."""
_LOADING: Final = frozenset({AdditionalTools, ToolSearchOutput})
_LOADING_TYPES: Final = frozenset({"additional_tools", "tool_search_output"})


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


_OF_A_REFERENCE: Final = set(_Bare.__struct_fields__)
_items: Final = Decoder(tuple[KnownItem, ...])
_item: Final = Decoder(KnownItem)
_message: Final = Decoder(Message)
"""Decodes one with its type or without."""
_easy_message: Final = Decoder(_EasyMessage)
_members: Final = Decoder(dict[str, Any])
_bare: Final = Decoder(_Bare)
_array: Final = Decoder(list[Raw])
_text: Final = Decoder(Text)
_text_or_array: Final = Decoder(Text | list[Raw])

_ITEM_TYPES: Final = tuple(allowed_values(KnownItem, ".type"))
_WITHOUT_STRUCT: Final = frozenset(name for name, row in INPUT_ITEMS.items() if row.becomes != "refused").difference(
    _ITEM_TYPES
)
"""Types of items that are served without being known member by member."""


def decode_items(
    raw: bytes, limit: int | None = None, param: str = "input", *, in_history: bool = False
) -> tuple[Item, ...]:
    """Return the items of an `input`, or of another parameter; a string is one user message, an empty one nothing.

    `in_history`: all of them belong to a history or follow one, whatever their types.

    Raises RequestError naming the place that does not fit, or when there are more than `limit` items.
    """
    if raw[:1] == b'"':
        text = decode_param(_text, raw, param)
        return (Message(role="user", content=text),) if text else ()
    if limit is not None and len(raw) >= MIN_BYTES_COUNTED:
        check_length(raw, param, limit)
    items = decode_fitting_items(raw, limit)
    if items is None:
        items = _decode_each(raw, param, limit, in_history=in_history)
    if limit is not None and len(items) > limit:
        raise too_many(param, limit, len(items))
    return items


def decode_fitting_items(raw: bytes, limit: int | None = None) -> tuple[Item, ...] | None:
    """Return the items of an array; None if one of them is neither of a known type nor a message, or loads tools.

    Of more than `limit` items, nothing is returned either.
    """
    try:
        items: Sequence[Item] = _items.decode(raw)
    except NotJSON:
        try:
            elements = _array.decode(raw)
            if limit is not None and len(elements) > limit:
                return None
            items = []
            for element in elements:
                try:
                    items.append(_item.decode(element))
                except NotJSON:
                    items.append(_message.decode(element))
        except NotJSON:
            return None
    return tuple(items) if _LOADING.isdisjoint(map(type, items)) else None


def _decode_each(raw: bytes, param: str, limit: int | None, *, in_history: bool) -> tuple[Item, ...]:
    elements = decode_param(_text_or_array, raw, param)
    if isinstance(elements, str):
        return (Message(role="user", content=elements),) if elements else ()
    if limit is not None and len(elements) > limit:
        raise too_many(param, limit, len(elements))
    items: list[Item] = []
    for at, element in enumerate(elements):
        path, is_last = f"{param}[{at}]", at == len(elements) - 1
        keeps = in_history or not is_last
        try:
            item = _decode_item(element, path, in_history=keeps, is_last=is_last)
        except RequestError as error:
            members = decode_param(_members, element, path)
            if not keeps or _says_nothing(members) or (is_last and members.get("role") == "user"):
                raise _with_hint(error, members) from None
            item = unknown_item(members)
        in_history = in_history or not _asks(item)
        items.append(item)
    return tuple(items)


def _with_hint(error: RequestError, members: dict[str, Any]) -> RequestError:
    """Return the error about an item with a hint, if the item is in a form of chat completions."""
    hint = find_hint(error.message, members)
    return RequestError(f"{error.message} {hint}", param=error.param, code=error.code) if hint else error


def _says_nothing(members: dict[str, Any]) -> bool:
    """Whether an item has no content and no type; stored and given an id, it would be a reference to itself."""
    return members.keys() <= _OF_A_REFERENCE and members.get("type") is None


def _asks(item: Item) -> bool:
    """Whether an item can be part of a first request; all others come from a history."""
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
                problem = str(error)
                left = without_label(whole, problem) or with_written_output(whole, problem)
                left = left or with_unknown_part(whole, problem)
        if left is None:
            break
        whole = left
    return cast(Item, decode_param(_item, raw, param))


def _decode_item(raw: Raw, param: str, *, in_history: bool, is_last: bool) -> Item:
    head = decode_param(heads, raw, param)
    is_users_last = is_last and bytes(head.role) == b'"user"'
    if head.type in _ITEM_TYPES:
        if head.type in _LOADING_TYPES:
            loading = with_unknown_tools(raw) if in_history else raw
            item = _decode_known(loading, param, keep_unknown=False)
            check_loaded(item.tools, param)  # type: ignore[union-attr]
            return item
        in_history = in_history or head.type not in _IN_FIRST_REQUESTS
        return _decode_known(raw, param, keep_unknown=in_history and not is_users_last)
    if head.type is not None:
        if in_history or head.type in _WITHOUT_STRUCT:
            return unknown_item(decode_param(_members, raw, param))
        reject_unserved(INPUT_ITEMS, head.type, param)
        raise invalid_value(param, shorten(head.type), _ITEM_TYPES)
    if head.role is not ABSENT:
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

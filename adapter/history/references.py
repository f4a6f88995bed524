"""Replace each `item_reference` of an input by the stored item that it names.

An item's id contains the id of its response (`translators.responses.ids`), so no index is needed: output items are
found by their id, input items by their id or by the position that it contains. Only items of the tenant's own stored
responses are found. The request is stored with the items in place of the references, so that no chain depends on other
responses. Source: OpenAI API reference, Responses: create (`input`, item reference).
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from adapter.history.request_errors import reference_not_found
from adapter.store.base import NotFound
from adapter.store.protocols import ResponseReader
from translators.responses.decoding.items import decode_items
from translators.responses.ids import input_position, response_of
from translators.responses.items import Item, ItemReference
from translators.responses.request import CreateRequest
from translators.wire import Decoder, Raw, decode, encode


class _Output(Struct, gc=False):
    output: list[Raw]


class _Id(Struct, gc=False):
    id: str | None = None


_array: Final = Decoder(list[Raw]).decode
_output: Final = Decoder(_Output).decode
_id: Final = Decoder(_Id).decode


def resolve_references(request: CreateRequest, store: ResponseReader, tenant: str) -> CreateRequest:
    """Return a request with each reference replaced by its item; raise RequestError for an unknown item.

    The other items keep their bytes.
    """
    if ItemReference not in map(type, request.input):
        return request
    raw = replace_references(request.input, request.raw_input, store, tenant, stored=request.store)
    return replace(request, input=decode_items(raw, in_history=True), raw_input=raw)


def replace_references(
    items: Sequence[Item], raw: bytes, store: ResponseReader, tenant: str, *, stored: bool = True
) -> bytes:
    """Return the JSON of items with each reference replaced by its item; raise RequestError for an unknown item.

    `stored` is the request's `store`, which the error message depends on.
    """
    found = _ReferencedItems(store, tenant)
    elements = _array(raw)
    for position, item in enumerate(items):
        if isinstance(item, ItemReference):
            element = found.item(item.id)
            if element is None:
                raise reference_not_found(item.id, stored=stored)
            elements[position] = element
    return encode(elements)


class _ReferencedItems:
    """Items of the responses that the references of one request name; each response is read once."""

    def __init__(self, store: ResponseReader, tenant: str) -> None:
        self._store = store
        self._tenant = tenant
        self._read: dict[str, tuple[Sequence[Raw], dict[str, Raw]]] = {}
        """Response id → its input items in order, and its items by id."""

    def item(self, id: str) -> Raw | None:
        """Return the JSON of a stored item; None: there is no such item."""
        response_id = response_of(id)
        if response_id is None:
            return None
        input, by_id = self._items_of(response_id)
        if id in by_id:
            return by_id[id]
        position = input_position(id)
        if position is None or position >= len(input):
            return None
        item: dict[str, Any] = decode(bytes(input[position]))
        return Raw(encode({**item, "id": id}))

    def _items_of(self, response_id: str) -> tuple[Sequence[Raw], dict[str, Raw]]:
        if response_id not in self._read:
            try:
                stored = self._store.get(response_id, self._tenant)
            except NotFound:
                self._read[response_id] = [], {}
            else:
                input = _elements(stored.input)
                items = [*_output(stored.response).output, *input]
                self._read[response_id] = input, {id: item for item in items if (id := _id(item).id)}
        return self._read[response_id]


def _elements(input: bytes) -> list[Raw]:
    if input[:1] == b"[":
        return _array(input)
    text: str = decode(input)
    return [Raw(encode({"role": "user", "content": text}))] if text else []

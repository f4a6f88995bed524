"""A cache of decoded inputs and tools, for requests that send again what an earlier one had.

Stateless clients send their whole conversation and all of their tools with every request. Equal bytes have equal items,
which are never changed, so only the items behind those of an earlier request are decoded. What is known has passed all
checks of its own; the checks of the request as a whole are made each time. The cache is per worker and bounded by
bytes. Nothing is shared between tenants.
"""

from collections.abc import Mapping
from typing import Final

from cachetools import LRUCache
from msgspec import Struct

from adapter.history.prefix_cache import begins
from translators.responses.decoding.items import decode_more_items
from translators.responses.items import Item
from translators.responses.request import CreateRequest
from translators.responses.tools import Tool
from translators.wire import Raw

MIN_BYTES: Final = 8192
"""Of a body: shorter ones are decoded at once."""
_KEY_BYTES: Final = 512
"""First bytes of an input that are part of its key, as in `prefix_cache.py`."""
_MAX_FORKS: Final = 4
"""Inputs under one key, which are compared one by one."""
_SIZE_FACTOR: Final = 3
"""Of what is decoded, to its JSON: both are in memory."""
_CONTINUES: Final = ("previous_response_id", "conversation")
"""Members with which an input may have items that a first request must not have."""


class KnownItems(Struct, frozen=True, gc=False):
    json: bytes
    """As the client sent them, without the `]` that closes the array."""
    items: tuple[Item, ...]


class KnownTools(Struct, frozen=True, gc=False):
    json: bytes
    tools: tuple[Tool, ...]
    shown: Raw
    """As the response shows them."""


class KnownParts(Struct, frozen=True, gc=False):
    """What is known of one request."""

    values: dict[str, tuple[Item, ...] | tuple[Tool, ...]]
    """By the name of the member: all of it, decoded."""
    input_bytes: int = 0
    """How many bytes of the input, from its first, have been seen before."""
    shown_tools: Raw | None = None
    items: KnownItems | None = None
    """The cached beginning of the input."""


_Key = tuple[str, bool, bytes]
_Entry = tuple[KnownItems, ...] | KnownTools
NOTHING: Final = KnownParts({})


class KnownInputs:
    """The decoded inputs and tools of one worker."""

    def __init__(self, max_bytes: int) -> None:
        self._items: LRUCache[_Key, tuple[KnownItems, ...]] = LRUCache(max_bytes // 2, getsizeof=_size)
        self._tools: LRUCache[tuple[str, bytes], KnownTools] = LRUCache(max_bytes // 2, getsizeof=_size)

    def of(self, tenant: str) -> "TenantInputs":
        """Return what is known of one tenant's requests."""
        return TenantInputs(tenant, self._items, self._tools)


class TenantInputs(Struct, frozen=True, gc=False):
    """The decoded inputs and tools of one tenant."""

    tenant: str
    _items: LRUCache[_Key, tuple[KnownItems, ...]]
    _tools: LRUCache[tuple[str, bytes], KnownTools]

    def find(self, members: Mapping[str, Raw], max_items: int) -> KnownParts:
        """Return what is known of a request with these members, of at most `max_items` items."""
        values: dict[str, tuple[Item, ...] | tuple[Tool, ...]] = {}
        raw = bytes(members.get("input", b""))
        known = max(
            (one for one in self._items.get(self._key(members, raw), ()) if begins(raw, one.json)),
            key=_length, default=None,
        )  # fmt: skip
        if known is not None:
            items = _with_more(known, raw)
            if items is not None and len(items) <= max_items:
                values["input"] = items
        raw = bytes(members.get("tools", b""))
        tools = self._tools.get((self.tenant, raw[:_KEY_BYTES])) if raw else None
        if tools is None or tools.json != raw:
            tools = None
        else:
            values["tools"] = tools.tools
        return KnownParts(
            values, len(known.json) if known is not None else 0, tools.shown if tools is not None else None, known
        )

    def add(self, members: Mapping[str, Raw], request: CreateRequest, parts: KnownParts) -> None:
        """Cache the input and the tools of a valid request, of which `parts` were known."""
        raw = request.raw_input
        if raw[:1] == b"[" and len(raw) > MIN_BYTES:
            key = self._key(members, raw)
            others = [one for one in self._items.get(key, ()) if one is not parts.items]
            entry = (KnownItems(raw.rstrip()[:-1].rstrip(), tuple(request.input)), *others[: _MAX_FORKS - 1])
            if _size(entry) <= self._items.maxsize:
                self._items[key] = entry
        if request.tools and parts.shown_tools is None:
            tools = KnownTools(bytes(members["tools"]), tuple(request.tools), request.raw_tools)
            if _size(tools) <= self._tools.maxsize:
                self._tools[self.tenant, tools.json[:_KEY_BYTES]] = tools

    def _key(self, members: Mapping[str, Raw], raw: bytes) -> _Key:
        return self.tenant, any(name in members for name in _CONTINUES), raw[:_KEY_BYTES]


def _with_more(known: KnownItems, raw: bytes) -> tuple[Item, ...] | None:
    """Return the items of an input that begins with known ones; None if the others have to be looked at one by one."""
    rest = raw[len(known.json) :].lstrip()
    if rest[:1] == b"]":
        return known.items if len(rest) == 1 else None
    more = decode_more_items(b"[" + rest[1:])
    return None if not more else known.items + more


def _length(known: KnownItems) -> int:
    return len(known.json)


def _size(entry: _Entry) -> int:
    entries = (entry,) if isinstance(entry, KnownTools) else entry
    return sum(_SIZE_FACTOR * len(one.json) for one in entries)

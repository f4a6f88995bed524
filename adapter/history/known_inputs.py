"""What a worker knows of earlier requests, for those that send it again: base requests, and decoded inputs.

Agents repeat with every request all but its input: model, instructions, tools, settings (`known_bases.py`). Stateless
ones send their whole conversation, too. Equal bytes have equal members and items, which are never changed, so only the
items behind those of an earlier request are decoded, and of the rest nothing. What is known has passed all checks of
its own; the checks that depend on the turn are made each time. All caches are per worker and bounded by bytes. Nothing
is shared between tenants.
"""

from collections.abc import Mapping
from typing import Final

from cachetools import LRUCache
from msgspec import Struct
from msgspec.structs import replace

from adapter.history.known_bases import KnownBases, KnownTurn
from adapter.history.prefix_cache import begins
from translators.responses.decoding.items import decode_fitting_items
from translators.responses.items import Item
from translators.responses.request import CreateRequest, base_of
from translators.wire import Raw

MIN_BYTES: Final = 8192
"""Of an input: the items of a shorter one are not looked for."""
_KEY_BYTES: Final = 512
"""First bytes of an input that are part of its key, as in `prefix_cache.py`."""
_MAX_FORKS: Final = 4
"""Inputs under one key, which are compared one by one."""
_SIZE_FACTOR: Final = 3
"""Of what is decoded, to its JSON: both are in memory."""


class KnownItems(Struct, frozen=True, gc=False):
    json: bytes
    """As the client sent them, without the `]` that closes the array."""
    items: tuple[Item, ...]


class KnownInput(Struct, frozen=True, gc=False):
    """What is known of one input."""

    items: tuple[Item, ...] | None = None
    """Its items; None: they have to be decoded."""
    size: int = 0
    """How many bytes of it, from its first, have been seen before."""
    beginning: KnownItems | None = None
    """The cached beginning of it."""


_Key = tuple[str, bool, bytes]
"""Tenant, whether the request continues another, first bytes of the input."""
UNKNOWN: Final = KnownInput()


class KnownInputs:
    """What one worker knows of earlier requests."""

    def __init__(self, max_bytes: int) -> None:
        self._items: LRUCache[_Key, tuple[KnownItems, ...]] = LRUCache(max_bytes // 2, getsizeof=_size)
        self.bases = KnownBases(max_bytes // 2)

    def of(self, tenant: str) -> "TenantInputs":
        """Return what is known of one tenant's requests."""
        return TenantInputs(tenant, self._items, self.bases)


class TenantInputs(Struct, frozen=True, gc=False):
    """What one worker knows of one tenant's requests."""

    tenant: str
    _items: LRUCache[_Key, tuple[KnownItems, ...]]
    _bases: KnownBases

    def find_turn(self, body: bytes, max_items: int) -> tuple[KnownTurn, KnownInput] | None:
        """Return the turn of a body of at most `max_items` items, and what is known of its input.

        None: its base request is not known. A long body whose items are known but for the last ones need not be parsed.
        """
        is_long = len(body) > MIN_BYTES
        if is_long and (turn := self._bases.find_in_place(self.tenant, body)) is not None:
            found = self._find_items_of(turn, max_items)
            if found.items is not None:
                return turn, found
        turn = self._bases.find(self.tenant, body, is_long=is_long)
        if turn is None:
            return None
        return turn, self._find_items_of(turn, max_items) if is_long else UNKNOWN

    def with_base(self, request: CreateRequest, body: bytes, members: Mapping[str, Raw]) -> CreateRequest:
        """Return the valid request of a body with its base, which is cached."""
        base = base_of(request)
        added = self._bases.add(self.tenant, body, members, base, is_long=len(body) > MIN_BYTES)
        return replace(request, base=base) if added else request

    def _find_items_of(self, turn: KnownTurn, max_items: int) -> KnownInput:
        raw, continues = turn.values.get("input", b""), turn.continues
        return self.find_items(raw, max_items, continues=continues) if len(raw) > MIN_BYTES else UNKNOWN

    def find_items(self, raw: bytes, max_items: int, *, continues: bool) -> KnownInput:
        """Return what is known of an input of at most `max_items` items; `continues`: see `decode_items`."""
        found = self._items.get((self.tenant, continues, raw[:_KEY_BYTES]), ())
        known = max([one for one in found if begins(raw, one.json)], key=_length, default=None)
        if known is None:
            return UNKNOWN
        items = _with_more(known, raw, max_items)
        if items is not None and len(items) > max_items:
            items = None
        return KnownInput(items, len(known.json), known)

    def add_items(self, request: CreateRequest, found: KnownInput, *, continues: bool) -> None:
        """Cache the items of a valid request, of whose input so much was found."""
        raw, known = request.raw_input, found.beginning
        if raw[:1] != b"[" or (known is not None and len(request.input) == len(known.items)):
            return
        key = self.tenant, continues, raw[:_KEY_BYTES]
        others = [one for one in self._items.get(key, ()) if one is not known]
        entry = (KnownItems(raw.rstrip()[:-1].rstrip(), tuple(request.input)), *others[: _MAX_FORKS - 1])
        if _size(entry) <= self._items.maxsize:
            self._items[key] = entry


def _with_more(known: KnownItems, raw: bytes, max_items: int) -> tuple[Item, ...] | None:
    """Return the items of an input that begins with known ones; None if the others have to be looked at one by one."""
    rest = raw[len(known.json) :].lstrip()
    if rest[:1] == b"]":
        return known.items if len(rest) == 1 else None
    more = decode_fitting_items(b"[" + rest[1:], max_items)
    return None if not more else known.items + more


def _length(known: KnownItems) -> int:
    return len(known.json)


def _size(entry: tuple[KnownItems, ...]) -> int:
    return sum([_SIZE_FACTOR * len(one.json) for one in entry])

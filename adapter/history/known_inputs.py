"""A cache of base requests and decoded inputs, for requests that send again what an earlier one had.

Agents repeat with every request all but its input: model, instructions, tools, settings. Stateless ones send their
whole conversation, too. Equal bytes have equal members and items, which are never changed, so only the items behind
those of an earlier request are decoded, and of the rest nothing. What is known has passed all checks of its own; the
checks that depend on the turn are made each time. The cache is per worker and bounded by bytes. Nothing is shared
between tenants.

A base request is known by the bytes around the two values that differ from turn to turn, `input` and
`previous_response_id`. They prove enough, however the two values were found in a body: with one JSON value in the place
of another, a valid body stays valid, no member comes twice, and all other members are the same. So a long body with its
input where the last one like it had it need not be parsed: what is around the input is known, and so is its beginning.
"""

from collections.abc import Mapping
from typing import Final

from cachetools import LRUCache
from msgspec import Struct
from msgspec.structs import replace

from adapter.history.prefix_cache import begins
from translators.responses.decoding.items import decode_fitting_items
from translators.responses.items import Item
from translators.responses.request import BaseRequest, CreateRequest, base_of
from translators.wire import Decoder, NotJSON, Raw

MIN_BYTES: Final = 8192
"""Of an input: the items of a shorter one are not looked for."""
_KEY_BYTES: Final = 512
"""First bytes of an input that are part of its key, as in `prefix_cache.py`."""
_MAX_FORKS: Final = 4
"""Inputs under one key, which are compared one by one."""
_SIZE_FACTOR: Final = 3
"""Of what is decoded, to its JSON: both are in memory."""
_BASE_SIZE_FACTOR: Final = 10
"""Of a base request and what is made of it, to its JSON: the schemas of tools become many small objects."""
_BASE_OVERHEAD: Final = 4096
"""Bytes of the objects that every base request consists of, roughly."""
_SOUGHT_BYTES: Final = 64
"""First bytes of an input, by which it is found in its body."""
_HEAD_BYTES: Final = 64
_TAIL_BYTES: Final = 4
"""First and last bytes of bodies that may have their input in the same place; a longer tail is often of the input."""
_MAX_PLACES: Final = 1024
"""Heads and tails with the place of the last input between them: more than the base requests that fit a usual cache."""
_ABSENT: Final = Raw(b"")


class _Turn(Struct, gc=False):
    """The members of a body that differ from turn to turn."""

    input: Raw = _ABSENT
    previous_response_id: Raw = _ABSENT


_turn: Final = Decoder(_Turn).decode


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


class KnownTurn(Struct, frozen=True, gc=False):
    """A body with a known base request."""

    base: BaseRequest
    input: bytes
    previous_response_id: bytes
    """Its JSON; empty: the body has none, or null."""
    found: KnownInput
    """What is known of the input."""


class _SizedBase(Struct, frozen=True, gc=False):
    base: BaseRequest
    size: int


_ItemsKey = tuple[str, bool, bytes]
"""Tenant, whether the request continues another, first bytes of the input."""
_BaseKey = tuple[str | bytes, ...]
"""Tenant, and the bytes around the values of the turn."""
_PlaceKey = tuple[str, bytes, bytes]
"""Tenant, first and last bytes of a body."""
UNKNOWN: Final = KnownInput()


class KnownInputs:
    """What one worker knows of earlier requests."""

    def __init__(self, max_bytes: int) -> None:
        self._items: LRUCache[_ItemsKey, tuple[KnownItems, ...]] = LRUCache(max_bytes // 2, getsizeof=_size)
        self._bases: LRUCache[_BaseKey, _SizedBase] = LRUCache(max_bytes // 2, getsizeof=_size_of_base)
        self._places: LRUCache[_PlaceKey, tuple[int, int]] = LRUCache(_MAX_PLACES)

    def of(self, tenant: str) -> "TenantInputs":
        """Return what is known of one tenant's requests."""
        return TenantInputs(tenant, self._items, self._bases, self._places)


class TenantInputs(Struct, frozen=True, gc=False):
    """What one worker knows of one tenant's requests."""

    tenant: str
    _items: LRUCache[_ItemsKey, tuple[KnownItems, ...]]
    _bases: LRUCache[_BaseKey, _SizedBase]
    _places: LRUCache[_PlaceKey, tuple[int, int]]
    """How many bytes the last body of such a head and tail had before its input and after it."""

    def find_turn(self, body: bytes, max_items: int) -> KnownTurn | None:
        """Return the turn of a body, of at most `max_items` items; None: its base request is not known."""
        if len(body) > MIN_BYTES and (in_place := self._find_in_place(body, max_items)) is not None:
            return in_place
        try:
            turn = _turn(body)
        except NotJSON:
            return None
        input, previous = bytes(turn.input), b""
        if turn.previous_response_id is not _ABSENT:
            previous = _plain_string(turn.previous_response_id)
        key = _base_key(self.tenant, body, input, previous)
        try:
            base = self._bases[key].base
        except KeyError:
            return None
        if len(input) <= MIN_BYTES:
            return KnownTurn(base, input, previous, UNKNOWN)
        self._add_place(body, key)
        continues = previous != b"" or base.members.conversation is not None
        return KnownTurn(base, input, previous, self.find_items(input, max_items, continues=continues))

    def _find_in_place(self, body: bytes, max_items: int) -> KnownTurn | None:
        """Return the turn of a body that has its input where the last one like it had it, if all of it is known."""
        place = self._places.get((self.tenant, body[:_HEAD_BYTES], body[-_TAIL_BYTES:]))
        if place is None:
            return None
        end = len(body) - place[1]
        entry = self._bases.get((self.tenant, body[: place[0]], body[end:]))
        if entry is None:
            return None
        input = body[place[0] : end]
        found = self.find_items(input, max_items, continues=entry.base.members.conversation is not None)
        return None if found.items is None else KnownTurn(entry.base, input, b"", found)

    def _add_place(self, body: bytes, key: _BaseKey) -> None:
        """Remember where a body of this base has its input, unless it has a `previous_response_id`, too."""
        if len(key) == 3:
            self._places[self.tenant, body[:_HEAD_BYTES], body[-_TAIL_BYTES:]] = len(key[1]), len(key[2])

    def with_base(self, request: CreateRequest, body: bytes, members: Mapping[str, Raw]) -> CreateRequest:
        """Return the valid request of a body with its base, which is cached."""
        input = bytes(members.get("input", _ABSENT))
        previous = _plain_string(members.get("previous_response_id", _ABSENT))
        if not _is_once(input[:_SOUGHT_BYTES], body):
            return request
        if request.previous_response_id is not None and not (previous and _is_once(previous, body)):
            return request
        size = _BASE_OVERHEAD + _BASE_SIZE_FACTOR * (len(body) - len(input))
        if size > self._bases.maxsize:
            return request
        base, key = base_of(request), _base_key(self.tenant, body, input, previous)
        self._bases[key] = _SizedBase(base, size)
        if len(input) > MIN_BYTES:
            self._add_place(body, key)
        return replace(request, base=base)

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


def _base_key(tenant: str, body: bytes, input: bytes, previous: bytes) -> _BaseKey:
    """Return the tenant, and what a body has around its input and around its `previous_response_id`, if it has one."""
    at = body.find(input[:_SOUGHT_BYTES])
    if not body.startswith(input, at):
        return ()
    before, after = body[:at], body[at + len(input) :]
    if not previous:
        return tenant, before, after
    return tenant, *before.partition(previous)[::2], *after.partition(previous)[::2]


def _plain_string(raw: Raw) -> bytes:
    """Return the JSON of a string without escapes, as all ids of ours are; nothing for any other value."""
    json = bytes(raw)
    return json if json[:1] == b'"' and b"\\" not in json else b""


def _is_once(part: bytes, body: bytes) -> bool:
    """Whether a part of a body is in one place only."""
    return body.find(part) == body.rfind(part)


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


def _size_of_base(entry: _SizedBase) -> int:
    return entry.size

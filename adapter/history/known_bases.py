"""A cache of base requests: requests without the values that differ from turn to turn.

A base request is known by the bytes of a body around those values, with the names of their members. They prove enough,
however the values were found in a body: it is a body that was valid as a whole, with other JSON values in the place of
JSON values, so it is valid, no member comes twice, and all other members are the same. The values are found by parsing
the body, or in the place where the last body like it had them; then they still have to prove to be JSON.
"""

from collections.abc import Mapping
from typing import Final

from cachetools import LRUCache
from msgspec import Struct
from msgspec.structs import astuple, replace

from translators.responses.request import BaseRequest, CreateRequest, base_of
from translators.wire import Decoder, NotJSON, Raw, encode

_SIZE_FACTOR: Final = 10
"""Of a base request and what is made of it, to its JSON: the schemas of tools become many small objects."""
_OVERHEAD: Final = 4096
"""Bytes of the objects that every base request consists of, roughly."""
_SOUGHT_BYTES: Final = 64
"""First bytes of a value, by which it is found in its body."""
_HEAD_BYTES: Final = 64
_TAIL_BYTES: Final = 4
"""First and last bytes of bodies that may have their values in the same places; a longer tail is often of a value."""
_MAX_PLACES: Final = 1024
"""Heads and tails with the places of the last values between them: more than base requests fit a usual cache."""
_PART_OF_BASE: Final = (b"", b"null", b"{}")
"""JSON of values that is no turn's own; it may also be elsewhere in a body."""
_ABSENT: Final = Raw(b"")


class _Turn(Struct, gc=False):
    """The members that differ from turn to turn."""

    input: Raw = _ABSENT
    previous_response_id: Raw = _ABSENT
    metadata: Raw = _ABSENT
    client_metadata: Raw = _ABSENT


_turn: Final = Decoder(_Turn).decode
_raw: Final = Decoder(Raw).decode
_NAMES: Final = _Turn.__struct_fields__


class Key(Struct, frozen=True, gc=False):
    """What a base request is known by."""

    tenant: str
    names: tuple[str, ...]
    """Of the members with a value of the turn, in their order in the body."""
    around: tuple[bytes, ...]
    """What the body has before each of these values, and behind the last one."""


class KnownTurn(Struct, frozen=True, gc=False):
    """A body with a known base request."""

    base: BaseRequest
    values: dict[str, bytes]
    """JSON of the members of the turn, in their order in the body."""

    @property
    def continues(self) -> bool:
        """Whether its input continues a response or a conversation."""
        return "previous_response_id" in self.values or self.base.members.conversation is not None


class _Place(Struct, frozen=True, gc=False):
    """Where a body has its values."""

    length: int
    values: tuple[tuple[str, int, int], ...]
    """Name, bytes since the value before, and bytes of each value."""


class _Entry(Struct, frozen=True, gc=False):
    base: BaseRequest
    size: int


class KnownBases:
    """The base requests of one worker."""

    def __init__(self, max_bytes: int) -> None:
        self._bases: LRUCache[Key | BaseRequest, _Entry] = LRUCache(max_bytes, getsizeof=_size)
        """Those of requests as they were read, and by each of them, that of a request as it was changed."""
        self._places: LRUCache[tuple[str, bytes, bytes], _Place] = LRUCache(_MAX_PLACES)

    def find(self, tenant: str, body: bytes, *, is_long: bool) -> KnownTurn | None:
        """Return the turn of a tenant's body; None: its base request is not known, or the body is not valid.

        `is_long`: the next body like this one is worth a look in the places of this one.
        """
        try:
            turn = astuple(_turn(body))
        except NotJSON:
            return None
        values: dict[str, bytes] = {}
        for name, raw in zip(_NAMES, turn, strict=True):
            if (json := bytes(raw)) not in _PART_OF_BASE:
                values[name] = json
        key = _key(tenant, body, values)
        try:
            base = self._bases[key].base
        except KeyError:
            return None
        if is_long:
            self._add_place(body, key, values)
        return KnownTurn(base, {name: values[name] for name in key.names} if len(values) > 1 else values)

    def find_in_place(self, tenant: str, body: bytes) -> KnownTurn | None:
        """Return the turn of a body that has its values where the last one like it had them; None: it has not.

        All but its input is valid.
        """
        place = self._places.get((tenant, body[:_HEAD_BYTES], body[-_TAIL_BYTES:]))
        if place is None:
            return None
        values: dict[str, bytes] = {}
        around: list[bytes] = []
        end = 0
        for name, before, size in place.values:
            at = end + before
            around.append(body[end:at])
            end = at + size + (len(body) - place.length if name == "input" else 0)
            values[name] = body[at:end]
        entry = self._bases.get(Key(tenant, tuple(values), (*around, body[end:])))
        if entry is None or (len(values) > 1 and not _are_of_a_turn(values)):
            return None
        return KnownTurn(entry.base, values)

    def add(self, tenant: str, body: bytes, members: Mapping[str, Raw], base: BaseRequest, *, is_long: bool) -> bool:
        """Cache the base of the valid request in a body; return False if its values may also lie elsewhere in it."""
        values = {name: json for name in _NAMES if (json := bytes(members.get(name, _ABSENT))) not in _PART_OF_BASE}
        sought = [json[:_SOUGHT_BYTES] for json in values.values()]
        if "input" not in values or any(body.find(one) != body.rfind(one) for one in sought):
            return False
        key = _key(tenant, body, values)
        entry = _Entry(base, _OVERHEAD + _SIZE_FACTOR * sum(map(len, key.around)))
        if entry.size > self._bases.maxsize:
            return False
        self._bases[key] = entry
        if is_long:
            self._add_place(body, key, values)
        return True

    def of_changed(self, request: CreateRequest) -> CreateRequest:
        """Return a request, changed since it was read, with the base of the last one that was changed to the same.

        Its tools are then the same objects, too. As it came, if the base that it was read with is not known.
        """
        if request.base is None:
            return request
        changed, entry = base_of(request), self._bases.get(request.base)
        if entry is None or entry.base.members != changed.members:
            size = _OVERHEAD + _SIZE_FACTOR * len(encode(changed.members.tools))
            if size > self._bases.maxsize:
                return request
            entry = self._bases[request.base] = _Entry(changed, size)
        return replace(request, base=entry.base, tools=entry.base.members.tools)

    def _add_place(self, body: bytes, key: Key, values: Mapping[str, bytes]) -> None:
        """Remember where a body has its values."""
        places = [(name, len(before), len(values[name])) for name, before in zip(key.names, key.around, strict=False)]
        self._places[key.tenant, body[:_HEAD_BYTES], body[-_TAIL_BYTES:]] = _Place(len(body), tuple(places))


def _key(tenant: str, body: bytes, values: Mapping[str, bytes]) -> Key:
    """Return what the base of a body with these values is known by; nothing, if they overlap where they are found."""
    places: list[tuple[int, str]] = []
    for name, json in values.items():
        places.append((body.find(json[:_SOUGHT_BYTES]), name))
    places.sort()
    names: list[str] = []
    around: list[bytes] = []
    end = 0
    for at, name in places:
        if at < end or not body.startswith(values[name], at):
            return Key("", (), ())
        names.append(name)
        around.append(body[end:at])
        end = at + len(values[name])
    return Key(tenant, tuple(names), (*around, body[end:]))


def _are_of_a_turn(values: Mapping[str, bytes]) -> bool:
    """Whether each value but the input is valid JSON, and none that `find` would take for a part of the base."""
    try:
        for name, json in values.items():
            if name != "input":
                if json in _PART_OF_BASE:
                    return False
                _raw(json)
    except NotJSON:
        return False
    return True


def _size(entry: _Entry) -> int:
    return entry.size

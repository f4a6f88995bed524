"""A cache of rendered inputs, for inputs that begin with the bytes of an earlier one.

Stateless clients send their whole conversation with every request, and each request only adds to its end. The cache
has the bytes of an input and the history it was rendered to (`translators.to_chat.history`); when another input begins
with the same bytes, only the items after them are rendered. An input replaces the shorter one that it extends. The
cache is per worker and bounded by bytes. Nothing is shared between tenants, nor between requests whose tools or
provider would render the same input differently.
"""

from typing import Final

from cachetools import LRUCache
from msgspec import Struct
from msgspec.structs import replace

from translators.notes import Note
from translators.responses.items import Item, Reasoning
from translators.responses.request import CreateRequest
from translators.to_chat.history import History
from translators.to_chat.messages import UNFOLLOWED
from translators.to_chat.request import ChatRequest
from translators.tools.declarations import tools_from_items
from translators.wire import encode

MIN_BYTES: Final = 8192
"""Of an input: a shorter one is not looked for. Rendering it costs less than looking it up and storing it."""
_KEY_BYTES: Final = 512
"""First bytes of an input that are part of its key. Inputs of one client often share their first message, so a short
key would put too many under one entry; a longer one would be hashed for nothing."""
_MAX_FORKS: Final = 4
"""Cached inputs under one key, which are compared one by one: enough for an agent and a few sub-agents of one task."""
_ITEM_OVERHEAD: Final = 256
"""Bytes that an item costs as an object, beside its JSON, roughly."""

Key = tuple[str, str, bytes, bytes]
"""Tenant, rendering key, JSON of the tools, first bytes of the input."""


class CachedPrefix(Struct, frozen=True, gc=False):
    """A cached beginning of an input, empty if there is none."""

    key: Key
    json: bytes = b""
    """The cached items as the client sent them, without the `]` that closes the array."""
    history: History = History()
    notes: tuple[Note, ...] = ()
    size: int = 0
    """Bytes, roughly."""


class PrefixCache:
    """The rendered inputs of one worker."""

    def __init__(self, max_bytes: int) -> None:
        self._cache: LRUCache[Key, tuple[CachedPrefix, ...]] = LRUCache(max_bytes, getsizeof=_size)

    def find(self, request: CreateRequest, tenant: str, rendering_key: str) -> CachedPrefix | None:
        """Return the longest cached beginning of a request's input; None: the input is too short to be cached."""
        raw = request.raw_input
        if len(raw) <= MIN_BYTES or raw[:1] != b"[":
            return None
        key = (tenant, rendering_key, bytes(request.raw_tools), raw[:_KEY_BYTES])
        known = [prefix for prefix in self._cache.get(key, ()) if begins(raw, prefix.json)]
        found = max(known, key=_length, default=None)
        # new tools may change the names of calls
        if found is None or tools_from_items(request.input[found.history.known :]):
            return CachedPrefix(key)
        return found

    def add(self, prefix: CachedPrefix, request: CreateRequest, body: ChatRequest) -> None:
        """Cache what a request's input was rendered to, in place of the prefix that `find` returned for it."""
        key = prefix.key
        if len(request.raw_input) > self._cache.maxsize or prefix.history.known == len(request.input):
            return
        if any(map(_may_be_answered_later, request.input[prefix.history.known :])):
            return
        if any(note.reason == UNFOLLOWED for note in body.notes) and Reasoning in map(type, body.history.pending):
            return
        others = [other for other in self._cache.get(key, ()) if other is not prefix]
        json, pending = request.raw_input.rstrip()[:-1].rstrip(), body.history.pending
        extended = CachedPrefix(
            key,
            json,
            replace(body.history, known=len(request.input)),
            (*prefix.notes, *body.notes),
            len(json) + body.history.size + _ITEM_OVERHEAD * len(pending) + len(encode(pending)),
        )
        entry = (extended, *others[: _MAX_FORKS - 1])
        if _size(entry) <= self._cache.maxsize:
            self._cache[key] = entry


def begins(raw: bytes, json: bytes) -> bool:
    """Whether an array begins with a cached one: a comma or the closing bracket follows it."""
    return raw.startswith(json) and raw[len(json) : len(json) + 64].lstrip()[:1] in (b",", b"]")


def _length(prefix: CachedPrefix) -> int:
    return len(prefix.json)


def _may_be_answered_later(item: Item) -> bool:
    """Whether an item was left out but may be rendered later: an unfinished call whose output may still come."""
    return getattr(item, "status", None) in ("incomplete", "in_progress")


def _size(entry: tuple[CachedPrefix, ...]) -> int:
    return sum([prefix.size for prefix in entry])

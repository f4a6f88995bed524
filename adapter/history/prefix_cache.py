"""Inputs that begin as an earlier one did.

Agents send their whole conversation with every turn, grown at its end. What such an input was rendered to is kept, with
the bytes that it came as; when another begins with the same bytes, only what lies behind them is rendered. That is the
mechanism of `translators.to_chat.history`, found by its content instead of by a response id. Kept per worker and
bounded by bytes; nothing is shared between tenants, nor between requests whose tools or provider would render it
differently. An input that grew takes the place of the one that it grew from.
"""

from typing import Final

from cachetools import LRUCache
from msgspec import Struct
from msgspec.structs import replace

from translators.notes import Note
from translators.responses.items import Item
from translators.responses.request import CreateRequest
from translators.to_chat.history import History
from translators.to_chat.request import ChatRequest
from translators.tools.declared import loaded
from translators.wire import encode

_SHORT: Final = 8192
"""Bytes up to which rendering costs less than remembering."""
_HEAD: Final = 512
"""First bytes of an input, by which those that may begin it are found."""
_FORKS: Final = 4
"""Inputs kept with the same head."""

Key = tuple[str, str, bytes, bytes]


class CachedPrefix(Struct, frozen=True, gc=False):
    """What is known of an input."""

    key: Key | None
    """Where it is kept; None for one that is too short."""
    json: bytes = b""
    """The known part as it came, without what closes the array."""
    history: History = History()
    notes: tuple[Note, ...] = ()


class PrefixCache:
    """Of one worker."""

    def __init__(self, most_bytes: int) -> None:
        self._kept: LRUCache[Key, tuple[CachedPrefix, ...]] = LRUCache(most_bytes, getsizeof=_size)

    def find(self, request: CreateRequest, tenant: str, rendering: str) -> CachedPrefix:
        """Return the longest known beginning of a request's input."""
        raw = request.raw_input
        if len(raw) <= _SHORT or raw[:1] != b"[":
            return CachedPrefix(None)
        key = (tenant, rendering, bytes(request.raw_tools), raw[:_HEAD])
        known = [one for one in self._kept.get(key, ()) if _begins(raw, one.json)]
        found = max(known, key=_length, default=None)
        if found is None or loaded(request.input[found.history.known :]):  # new tools may change the names of calls
            return CachedPrefix(key)
        return found

    def add(self, prefix: CachedPrefix, request: CreateRequest, body: ChatRequest) -> None:
        """Keep what a request's input was rendered to, in the place of the beginning that it had."""
        key = prefix.key
        if key is None or any(map(_may_be_answered_later, request.input[prefix.history.known :])):
            return
        others = [one for one in self._kept.get(key, ()) if one is not prefix]
        kept = CachedPrefix(
            key,
            request.raw_input.rstrip()[:-1].rstrip(),
            replace(body.history, known=len(request.input)),
            (*prefix.notes, *body.notes),
        )
        all_kept = (kept, *others[: _FORKS - 1])
        if _size(all_kept) <= self._kept.maxsize:
            self._kept[key] = all_kept


def _begins(raw: bytes, json: bytes) -> bool:
    """Tell whether an array goes on, or ends, where a known one ended."""
    return raw.startswith(json) and raw[len(json) : len(json) + 64].lstrip()[:1] in (b",", b"]")


def _length(prefix: CachedPrefix) -> int:
    return len(prefix.json)


def _may_be_answered_later(item: Item) -> bool:
    """Tell whether an item was left out that could be rendered yet: a call that was cut short."""
    return getattr(item, "status", None) in ("incomplete", "in_progress")


def _size(kept: tuple[CachedPrefix, ...]) -> int:
    return sum(
        len(one.json) + one.history.size + sum(256 + len(encode(item)) for item in one.history.tail) for one in kept
    )

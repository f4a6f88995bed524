"""The memory of one connection: responses that are not stored, and can be continued while the connection lasts.

The memory is bounded, and that of all connections of a worker together (`adapter/sharing/evicting.py`): the oldest
response is evicted first, and the responses that continue it are then unknown. No
other connection can read them. Source: OpenAI guide, WebSocket mode.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from adapter.history.chain_cache import ChainCache
from adapter.services import FlowServices
from adapter.sharing.evicting import EvictingShares
from adapter.store.base import NotFound, StoredItem, StoredResponse
from adapter.store.protocols import ResponseReader
from translators.responses.events import Event
from translators.wire import Decoder

_CHAIN_CACHE_BYTES: Final = 1 << 20
"""Of rendered histories: room for some turns of the few conversations that one connection has."""
_OVERHEAD_BYTES: Final = 1024
"""What a response costs beside its JSON, roughly."""


class _Ended(Struct):
    status: str


_ended: Final = Decoder(_Ended).decode


class ConnectionMemory:
    """Keeps unstored responses (`ResponseKeeper`), and finds these and the stored ones (`ResponseReader`)."""

    def __init__(self, store: ResponseReader, max_bytes: int, tenant: str, memories: EvictingShares) -> None:
        """`memories`: those of all connections, with this one's from its first response on."""
        self.tenant = tenant
        self.size = 0
        self._store = store
        self._max_bytes = max_bytes
        self._memories = memories
        self._responses: dict[str, StoredResponse] = {}

    def store_final(self, stored: StoredResponse, items: Sequence[StoredItem], events: list[Event]) -> None:
        """Remember a response, unless it failed. Nothing is appended to a conversation."""
        if _ended(stored.response).status in ("completed", "incomplete"):
            self._responses[stored.id] = stored
            self.size += _size(stored)
            while self.size > self._max_bytes:
                self.evict_oldest()
            self._memories.use(self)

    def evict_oldest(self) -> None:
        self.evict(next(iter(self._responses)))

    def close(self) -> None:
        """Count no longer: the connection has ended."""
        self._memories.leave(self)

    def holds(self, id: str) -> bool:
        """Whether a response is in this memory."""
        return id in self._responses

    def evict(self, id: str) -> None:
        """Forget a response, if it is in this memory."""
        stored = self._responses.pop(id, None)
        if stored is not None:
            self.size -= _size(stored)
            self._memories.recount(self)

    def exists(self, id: str, tenant: str) -> bool:
        return self.holds(id) or self._store.exists(id, tenant)

    def get(self, id: str, tenant: str) -> StoredResponse:
        return self._responses[id] if self.holds(id) else self._store.get(id, tenant)

    def chain(self, id: str, tenant: str) -> list[StoredResponse]:
        """Return what `ResponseReader.chain` does; raise NotFound, too, if a part of it was evicted."""
        newest_first = []
        at: str | None = id
        while at is not None and (stored := self._responses.get(at)) is not None:
            newest_first.append(stored)
            at = stored.previous
        try:
            earlier = [] if at is None else self._store.chain(at, tenant)
        except NotFound:
            raise NotFound(id) from None
        return [*earlier, *reversed(newest_first)]


def with_memory(services: FlowServices, memory: ConnectionMemory) -> FlowServices:
    """Return the services of one connection, whose requests can also continue the responses in its memory."""
    cache = ChainCache(memory, services.files, services.compaction_sealer, _CHAIN_CACHE_BYTES)
    return replace(services, responses=memory, chain_cache=cache)


def _size(stored: StoredResponse) -> int:
    return len(stored.input) + len(stored.response) + _OVERHEAD_BYTES

"""The memory of one connection: responses that are not stored, and can be continued while the connection lasts.

`ConnectionStore` has the calls of the store. Responses that a client wants stored go through to it; all others remain
in this memory, which is bounded: the oldest response is evicted first, and the responses that continue it are then
unknown. No other connection can read them. Source: OpenAI guide, WebSocket mode.
"""

import time
from collections.abc import Generator, Sequence
from typing import Any, Final

from msgspec import Struct

from adapter.flow.exchange import Exchange
from adapter.history.chain_cache import ChainCache
from adapter.services import Services
from adapter.store.base import NotFound, StoredItem, StoredResponse
from adapter.store.protocols import ResponseStore
from translators.chat.chunks import ChatUsage, Choice, Chunk
from translators.responses.events import Event
from translators.to_responses.answer import AnswerReader
from translators.wire import Decoder

_NOTHING: Final = Chunk(
    choices=[Choice(finish_reason="stop")], usage=ChatUsage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
)
_RENDERED: Final = 1 << 20
"""Bytes of translated histories that a connection keeps."""


class _Kept(Struct):
    """What decides where a response goes."""

    store: bool
    status: str


_kept: Final = Decoder(_Kept).decode


class ConnectionStore:
    """The `ResponseStore` of one connection."""

    def __init__(self, store: ResponseStore, most_bytes: int) -> None:
        self._store = store
        self._most = most_bytes
        self._size = 0
        self._responses: dict[str, StoredResponse] = {}

    def put(self, stored: StoredResponse, items: Sequence[StoredItem] = ()) -> None:
        kept = _kept(stored.response)
        if kept.store:
            self._store.put(stored, items)
        elif kept.status in ("completed", "incomplete"):
            self._responses[stored.id] = stored
            self._size += _size(stored)
            while self._size > self._most:
                self.evict(next(iter(self._responses)))

    def holds(self, id: str) -> bool:
        """Tell whether a response is in this memory."""
        return id in self._responses

    def evict(self, id: str) -> None:
        """Forget a response, if it is in this memory."""
        stored = self._responses.pop(id, None)
        if stored is not None:
            self._size -= _size(stored)

    def exists(self, id: str, tenant: str) -> bool:
        return self.holds(id) or self._store.exists(id, tenant)

    def get(self, id: str, tenant: str) -> StoredResponse:
        return self._responses[id] if self.holds(id) else self._store.get(id, tenant)

    def version(self, id: str, tenant: str) -> int:
        return self._store.version(id, tenant)

    def delete(self, id: str, tenant: str) -> None:
        self._store.delete(id, tenant)

    def chain(self, id: str, tenant: str) -> list[StoredResponse]:
        """Return what `ResponseStore.chain` does; raise NotFound, too, if a part of it was forgotten."""
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


class ConnectionServices:
    """The services as one connection has them: with its own memory, in which everything is kept."""

    keeps_all = True

    def __init__(self, services: Services, store: ConnectionStore) -> None:
        self._services = services
        self.responses = store
        self.chain_cache = ChainCache(store, services.files, services.compaction_sealer, _RENDERED)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._services, name)


class WarmUp(Exchange):
    """A request that only says what the next ones continue: all is checked and kept, and the model is not asked."""

    def _begin_round(self, body: bytes) -> None:
        self._call: Any = _NoCall()
        self._reader = AnswerReader(self._stream, 0)

    def await_head(self, seconds: float) -> None:
        """Return; nobody is asked."""

    def _answered(self) -> Generator[list[Event], None, list[Event]]:
        yield from ()
        return self._stream.feed(_NOTHING) + self._stream.finish(int(time.time()), done=True)


class _NoCall:
    """In the place of a call that is not made."""

    def close(self, *, answered: bool = False) -> None:
        pass


def _size(stored: StoredResponse) -> int:
    return len(stored.input) + len(stored.response) + 1024

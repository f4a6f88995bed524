"""The history that a request continues: from the worker's cache, else from the store's chain.

Cached is what a chain was rendered to (`translators.to_chat.history`), bounded by bytes: by response, and by
`rendering`, which names what else its bytes depend on (provider and what it taught, model, whose reasoning goes back).
A turn takes the place of the one it continues, since conversations rarely fork; a fork is rendered from the store
again. A cached history is used only while the store still knows its response, so that a deletion by any worker holds at
once.
"""

from collections.abc import Sequence
from typing import Final

from cachetools import LRUCache

from adapter.files.files import Files
from adapter.history.compaction_items import CompactionSealer
from adapter.history.request_errors import ancestor_not_found, response_in_progress, response_not_found
from adapter.store.base import NotFound
from adapter.store.protocols import ResponseStore
from translators.context.configuration import latest_update
from translators.dialects.dialect import Dialect
from translators.notes import Notes
from translators.responses.input import decode_items
from translators.responses.items import Compaction, Item
from translators.responses.response import OutputOfResponse, Response
from translators.to_chat.history import History
from translators.to_chat.request import ChatRequest
from translators.tools.declared import loaded
from translators.tools.kinds import call_ids
from translators.wire import Decoder, encode

_EMPTY: Final = History()
_OVERHEAD: Final = 1024
"""Bytes that an entry costs beside its messages, roughly."""

_output_of = Decoder(OutputOfResponse).decode

Key = tuple[str, str, str]


class ChainCache:
    """Histories of one worker."""

    def __init__(
        self, store: ResponseStore, files: Files, compaction_sealer: CompactionSealer, max_bytes: int
    ) -> None:
        self._store = store
        self._files = files
        self._compaction_sealer = compaction_sealer
        self._cache: LRUCache[Key, History] = LRUCache(max_bytes, getsizeof=_size)

    def load(
        self, response_id: str | None, tenant: str, rendering: str, dialect: Dialect, notes: Notes
    ) -> History:
        """Return what a request that continues `response_id` continues; raise RequestError if it is unknown."""
        if response_id is None:
            return _EMPTY
        cached = self._cache.get((tenant, response_id, rendering))
        if cached is not None and self._store.exists(response_id, tenant):
            return cached
        self._cache.pop((tenant, response_id, rendering), None)
        return self.from_items(self.load_items(response_id, tenant), dialect, notes)

    def load_items(self, response_id: str, tenant: str) -> tuple[Item, ...]:
        """Return the items that a response's chain comes to; raise RequestError if it is unknown."""
        try:
            chain = self._store.chain(response_id, tenant)
        except NotFound:
            raise response_not_found(response_id) from None
        if (missing := chain[0].previous) is not None:  # deleted while a request continued it
            raise ancestor_not_found(missing, response_id)
        items: list[Item] = []
        for stored in chain:
            response = _output_of(stored.response)
            if response.status == "in_progress":
                raise response_in_progress(response_id)
            items += decode_items(stored.input)
            items += response.output
        return self._compaction_sealer.expand(items, tenant, "previous_response_id")

    def from_items(self, items: Sequence[Item], dialect: Dialect, notes: Notes) -> History:
        """Return the history that consists of these items."""
        return History(
            tail=self._files.of_history(items, dialect, notes),
            loaded=tuple(loaded(items)),
            update=latest_update(items),
            call_ids=frozenset(call_ids(items)),
        )

    def add(self, response: Response, tenant: str, rendering: str, body: ChatRequest) -> None:
        """Keep the history up to a response that was stored, for the request that will continue it."""
        if response.previous_response_id is not None:
            self._cache.pop((tenant, response.previous_response_id, rendering), None)
        output = [item for item in response.output if not isinstance(item, Compaction)]
        if not output:
            return  # there is nothing but a summary, which `body` asked for
        history = body.history.followed_by(output)
        if _size(history) <= self._cache.maxsize:
            self._cache[tenant, response.id, rendering] = history


def _size(history: History) -> int:
    return history.size + _OVERHEAD + sum(map(_size_of_item, history.tail))


def _size_of_item(item: Item) -> int:
    """Return about what an item that is not rendered holds."""
    return 256 + len(encode(item))

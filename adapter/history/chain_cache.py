"""The rendered history of a chain: from this worker's cache, or else from the store.

An entry is the history up to one response (`translators.to_chat.history`), under the response's id and a key
that names everything else its bytes depend on: provider, lessons, model, which thinking is returned. The entry of a
response replaces the entry of the response it continues, since chains rarely fork; a fork is rendered from the store
again. An entry is used only while the store still has its response and the files in it, so a deletion by any worker
takes effect at once.
The cache is bounded by bytes.
"""

from collections.abc import Sequence
from typing import Final

from cachetools import LRUCache

from adapter.files.files import Files
from adapter.files.stored import stored_ids
from adapter.history.compaction_items import CompactionSealer
from adapter.history.request_errors import ancestor_not_found, response_in_progress, response_not_found
from adapter.store.base import NotFound
from adapter.store.protocols import ResponseReader
from translators.context.configuration import latest_update
from translators.dialects.dialect import Dialect
from translators.notes import Notes
from translators.responses.decoding.items import decode_items
from translators.responses.items import Compaction, Item
from translators.responses.response import OutputOfResponse, Response
from translators.to_chat.history import History
from translators.to_chat.request import ChatRequest
from translators.tools.declarations import tools_from_items
from translators.tools.kinds import call_ids
from translators.wire import Decoder, encode

_EMPTY: Final = History()
_ENTRY_OVERHEAD: Final = 1024
"""Bytes that an entry costs beside its messages, roughly: key, structs, sets of call ids."""
_ITEM_OVERHEAD: Final = 256
"""Bytes that an item costs as an object, beside its JSON, roughly."""

_output_of = Decoder(OutputOfResponse).decode

Key = tuple[str, str, str]


class ChainCache:
    """The rendered histories of one worker."""

    def __init__(
        self, store: ResponseReader, files: Files, compaction_sealer: CompactionSealer, max_bytes: int
    ) -> None:
        self._store = store
        self._files = files
        self._compaction_sealer = compaction_sealer
        self._cache: LRUCache[Key, History] = LRUCache(max_bytes, getsizeof=_size)

    def load(
        self, response_id: str | None, tenant: str, rendering_key: str, dialect: Dialect, notes: Notes
    ) -> History:
        """Return the history up to `response_id`, empty for None; raise RequestError if the response is unknown."""
        if response_id is None:
            return _EMPTY
        cached = self._cache.get((tenant, response_id, rendering_key))
        if cached is not None and self._store.exists(response_id, tenant) and self._has_files_of(cached, tenant):
            return cached
        self._cache.pop((tenant, response_id, rendering_key), None)
        return self.from_items(self.load_items(response_id, tenant), dialect, notes, tenant)

    def _has_files_of(self, history: History, tenant: str) -> bool:
        return not history.files or self._files.stored.has_all(history.files, tenant)

    def load_items(self, response_id: str, tenant: str) -> tuple[Item, ...]:
        """Return all items of a response's chain, oldest first; raise RequestError if the response is unknown.

        Items before the last compaction are replaced by its summary.
        """
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
            items += decode_items(stored.input, in_history=True)
            items += response.output
        return self._compaction_sealer.expand(items, tenant, "previous_response_id")

    def from_items(self, items: Sequence[Item], dialect: Dialect, notes: Notes, tenant: str) -> History:
        """Return the history of a tenant that consists of these items."""
        return History(
            pending=self._files.of_history(items, dialect, notes, tenant),
            loaded_tools=tuple(tools_from_items(items)),
            update=latest_update(items),
            call_ids=frozenset(call_ids(items)),
            files=stored_ids(items),
        )

    def add(self, response: Response, tenant: str, rendering_key: str, body: ChatRequest) -> None:
        """Cache the history up to a response that was stored, for the request that will continue it."""
        if response.previous_response_id is not None:
            self._cache.pop((tenant, response.previous_response_id, rendering_key), None)
        output: Sequence[Item] = response.output
        if Compaction in map(type, output):
            output = [item for item in output if not isinstance(item, Compaction)]
        if not output:
            return  # only a compaction item: `body` was the request for its summary
        try:
            self._cache[tenant, response.id, rendering_key] = body.history.with_output(output)
        except ValueError:
            pass  # it is larger than the cache


def _size(history: History) -> int:
    return history.size + _ENTRY_OVERHEAD + sum(map(_size_of_item, history.pending))


def _size_of_item(item: Item) -> int:
    """Return roughly how many bytes an item that is not rendered yet takes."""
    return _ITEM_OVERHEAD + len(encode(item))

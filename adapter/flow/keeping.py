"""Store a response when it ends, and append it to the conversation that it continues.

A `ResponseKeeper` writes it to the store, to a background run, or to the memory of a WebSocket connection; without one
it is not stored. This happens, and the lease of its conversation is released, before its terminal event leaves,
because a client may continue as soon as it has seen the end.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from msgspec import Struct

from adapter.history.conversation_lease import ConversationLease
from adapter.services import FlowServices
from adapter.sharing.offload import MANY_ITEMS_BYTES, Offload
from adapter.store.base import StoredItem, StoreDown, StoredResponse
from adapter.store.protocols import ResponseStore
from translators.notes import Notes
from translators.responses.events import Event
from translators.responses.request import CreateRequest
from translators.responses.response import Response
from translators.wire import encode


class ResponseKeeper(Protocol):
    """Where a response is stored when it ends."""

    def store_final(self, stored: StoredResponse, items: Sequence[StoredItem], events: list[Event]) -> None:
        """Store a response with the new items of its conversation; `events` are its last ones.

        Raises StoreDown; ClientDisconnected if it must not be stored any more.
        """


class StoreKeeper(Struct):
    """Keeps responses in the store."""

    _responses: ResponseStore

    def store_final(self, stored: StoredResponse, items: Sequence[StoredItem], events: list[Event]) -> None:
        self._responses.put(stored, items)


class Keeping(Struct, eq=False):
    """Keeps one response, and releases the lease of its conversation."""

    request: CreateRequest
    """It is stored with the response."""
    tenant: str
    keeper: ResponseKeeper | None
    lease: ConversationLease | None
    """It was acquired: `release` it."""

    def snapshot(self, response: Response, notes: Notes) -> StoredResponse:
        """Return the response as the store keeps it."""
        return StoredResponse(
            id=response.id,
            tenant=self.tenant,
            created_at=response.created_at,
            previous=response.previous_response_id,
            input=self.request.raw_input,
            response=encode(response),
            notes=notes.json(),
            conversation=self.request.conversation,
        )

    def keep(
        self, response: Response, notes: Notes, events: list[Event], services: FlowServices
    ) -> StoredResponse | None:
        """Store a response that ended with `events`, and release the lease; return what was stored.

        None: it is not to be stored. What is stored counts towards the tenant's quota. Raises as
        `ResponseKeeper.store_final`.
        """
        stored = None
        if self.keeper is not None:
            items = () if self.lease is None else self._items_to_append(self.lease, response, services.offload)
            stored = self.snapshot(response, notes)
            self.keeper.store_final(stored, items, events)
            if self.request.store:
                size = len(stored.input) + len(stored.response)
                if items:
                    size += sum(len(item.json) for item in items)
                services.quota.add(self.tenant, size, 1 + len(items))
        if self.lease is not None:
            self.release()
        return stored

    def _items_to_append(
        self, lease: ConversationLease, response: Response, offload: Offload
    ) -> Sequence[StoredItem]:
        added = self.request.raw_input
        if len(added) < MANY_ITEMS_BYTES:
            return lease.items_to_append(added, response)
        return offload.run(self.tenant, lease.items_to_append, added, response)

    def release(self) -> None:
        """Let other requests continue the conversation."""
        lease, self.lease = self.lease, None
        if lease is not None:
            with suppress(StoreDown):  # then it expires by itself
                lease.release()

"""The lease of a conversation: one request at a time may continue it.

A lease expires by itself, so a worker that dies locks a conversation for `LEASE_SECONDS` at most. A request that is
alive renews it while it waits and while it streams. Source: OpenAI API reference, Responses: create (`conversation`).
"""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from adapter.history.conversation_log import decode_stored, read_items, stored_items
from adapter.history.request_errors import (
    check_conversation_id,
    conversation_locked,
    conversation_not_found,
    conversation_taken_over,
)
from adapter.store.base import NotFound, StoredItem, StoreDown
from adapter.store.protocols import ConversationStore
from translators.responses.decoding.items import decode_items
from translators.responses.items import Item
from translators.responses.listing import list_items
from translators.responses.response import Response

LEASE_SECONDS: Final = 30.0
"""Long enough that a worker that is busy, or a store that fails for a moment, does not lose the conversation between
two renewals (each 15 s); short enough that a client whose worker died can retry within half a minute."""


class ConversationLease:
    """The right of one request to continue a conversation: `acquire` it, `renew` it now and then, `release` it."""

    def __init__(self, store: ConversationStore, id: str, tenant: str) -> None:
        self._store = store
        self._conversation = id
        self._tenant = tenant
        self._holder = os.urandom(8).hex()
        self._until = 0.0
        """Unix time at which the lease expires."""
        self._item_ids: set[str] = set()
        """Ids of the items that were loaded."""

    def acquire(self) -> None:
        """Take the lease; raise RequestError if another request has it, or the conversation is unknown."""
        check_conversation_id(self._conversation)
        try:
            acquired = self._extend(time.time())
        except NotFound:
            raise conversation_not_found(self._conversation) from None
        if not acquired:
            raise conversation_locked()

    def renew(self) -> None:
        """Extend the lease once half of it is over; raise UpstreamError if another request has taken it.

        A conversation that was deleted in the meantime needs no lease, and a store that is down is tried again the
        next time.
        """
        now = time.time()
        if now < self._until - LEASE_SECONDS / 2:
            return
        renewed = True
        with suppress(NotFound, StoreDown):
            renewed = self._extend(now)
        if not renewed:
            raise conversation_taken_over()

    def release(self) -> None:
        """Let other requests continue the conversation; raise StoreDown if the lease can only expire."""
        self._store.release(self._conversation, self._tenant, self._holder)

    def load_items(self) -> tuple[Item, ...]:
        """Return the items of the conversation so far, oldest first."""
        items = read_items(self._store, self._conversation, self._tenant)
        self._item_ids = {item.id for item in items}
        return decode_stored(items)

    def items_to_append(self, raw_input: bytes, response: Response) -> Sequence[StoredItem]:
        """Return the input and output items that a response adds; none if it failed, so that it can be retried."""
        if response.status not in ("completed", "incomplete"):
            return []
        taken = self._item_ids | {item.id for item in response.output if item.id}
        added = list_items(decode_items(raw_input, in_history=True), response.id, taken)
        return stored_items([*added, *list_items(response.output, response.id)])

    def _extend(self, now: float) -> bool:
        until = now + LEASE_SECONDS
        extended = self._store.lease(self._conversation, self._tenant, self._holder, now=now, until=until)
        self._until = until
        return extended

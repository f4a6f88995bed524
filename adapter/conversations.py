"""Conversations: logs of items that responses continue and are appended to.

A conversation shows its items with ids of their own; what a client sent without one gets one when it is appended. One
request at a time may continue a conversation: it holds a lease, which ends by itself if its worker dies. Source:
responses-api reference §1.2, §9.
"""

import time
from collections.abc import Sequence
from typing import Any, Final

from adapter.store.base import NotFound, Store, StoredConversation, StoredItem
from translators.errors import RequestError
from translators.ids import Ids
from translators.input import decode_items
from translators.items import Item
from translators.listing import with_ids
from translators.misfits import shortened
from translators.wire import Raw, encode

LEASE: Final = 30.0
"""Seconds for which a request that has died keeps a conversation locked, at most."""


def new_conversation(store: Store, tenant: str, ids: Ids, items: Sequence[Item], metadata: dict[str, str]) -> bytes:
    """Keep a new conversation with these items; return it as the API shows it."""
    stored = StoredConversation(ids.conversation, tenant, int(time.time()), encode(metadata))
    store.put_conversation(stored)
    store.append(stored.id, tenant, to_store(with_ids(items, ids)))
    return shown(stored)


def shown(stored: StoredConversation) -> bytes:
    """Return a conversation as the API shows it."""
    return encode(
        {
            "id": stored.id,
            "object": "conversation",
            "created_at": stored.created_at,
            "metadata": Raw(stored.metadata),
        }
    )


def to_store(items: Sequence[dict[str, Any]]) -> list[StoredItem]:
    return [StoredItem(item["id"], encode(item)) for item in items]


def history(store: Store, id: str, tenant: str) -> tuple[Item, ...]:
    """Return what a request that continues a conversation continues; raise RequestError if it is unknown."""
    check_id(id)
    try:
        items = store.items(id, tenant)
    except NotFound:
        raise unknown(id) from None
    return decode_items(b"[" + b",".join(item.json for item in items) + b"]")


def check_id(id: str) -> None:
    """Raise RequestError for what cannot be the id of a conversation."""
    if not id.startswith("conv_"):
        raise RequestError(
            f"Invalid 'conversation': '{shortened(id)}'. Expected an ID that begins with 'conv_'.",
            param="conversation",
            code="invalid_value",
        )


def unknown(id: str) -> RequestError:
    return RequestError(f"Conversation with id '{shortened(id)}' not found.", param="conversation", status=404)


class Hold:
    """The right to continue a conversation while a request runs; `prolong` it now and then, `release` it in the end."""

    def __init__(self, store: Store, id: str, tenant: str, holder: str) -> None:
        """Raise RequestError if another request has it, or the conversation is unknown."""
        self._lease = (id, tenant, holder)
        self._store = store
        self._until = 0.0
        check_id(id)
        try:
            held = self.prolong()
        except NotFound:
            raise unknown(id) from None
        if not held:
            raise RequestError(
                "Another process is currently operating on this conversation. Please retry in a few seconds.",
                param="conversation",
                code="conversation_locked",
            )

    def prolong(self) -> bool:
        """Take the lease, or keep it for longer when half of it is over; tell whether it is ours."""
        now = time.time()
        if now < self._until - LEASE / 2:
            return True
        self._until = now + LEASE
        return self._store.lease(*self._lease, now=now, until=self._until)

    def release(self) -> None:
        self._store.release(*self._lease)

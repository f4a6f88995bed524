"""Conversations: logs of items that responses continue and are appended to.

A conversation shows its items with ids of their own; what a client sent without one, or with one that another item has
already, gets one when it is appended. One
request at a time may continue a conversation: it holds a lease, which ends by itself if its worker dies. Source:
responses-api reference §1.2, §9.
"""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from adapter.store.base import NotFound, Store, StoredConversation, StoredItem, StoreDown
from translators.errors import RequestError, UpstreamError, shorten
from translators.responses.ids import Ids
from translators.responses.input import decode_items
from translators.responses.items import Item
from translators.responses.listing import listed, with_ids
from translators.responses.response import Response
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


def check_id(id: str) -> None:
    """Raise RequestError for what cannot be the id of a conversation."""
    if not id.startswith("conv_"):
        raise RequestError(
            f"Invalid 'conversation': '{shorten(id)}'. Expected an ID that begins with 'conv_'.",
            param="conversation",
            code="invalid_value",
        )


def items_of(store: Store, id: str, tenant: str) -> tuple[Item, ...]:
    """Return the items of a conversation; raise RequestError if it is unknown."""
    return _decoded(_stored(store, id, tenant))


def _stored(store: Store, id: str, tenant: str) -> Sequence[StoredItem]:
    check_id(id)
    try:
        return store.items(id, tenant)
    except NotFound:
        raise unknown(id) from None


def _decoded(items: Sequence[StoredItem]) -> tuple[Item, ...]:
    return decode_items(b"[" + b",".join([item.json for item in items]) + b"]")


def unknown(id: str) -> RequestError:
    return RequestError(f"Conversation with id '{shorten(id)}' not found.", param="conversation", status=404)


class ConversationTurn:
    """The right to continue a conversation while one request runs: `prolong` it now and then, `release` it at last."""

    def __init__(self, store: Store, id: str, tenant: str) -> None:
        """Take the lease; raise RequestError if another request has it, or the conversation is unknown."""
        check_id(id)
        self._lease = (id, tenant, os.urandom(8).hex())
        self._store = store
        self._until = 0.0
        self._ids: set[str] = set()
        """Those of the items so far."""
        try:
            held = self._take(time.time())
        except NotFound:
            raise unknown(id) from None
        if not held:
            raise RequestError(
                "Another process is currently operating on this conversation. Please retry in a few seconds.",
                param="conversation",
                code="conversation_locked",
            )

    def history(self) -> tuple[Item, ...]:
        """Return the items of the conversation so far."""
        id, tenant, _ = self._lease
        items = _stored(self._store, id, tenant)
        self._ids = {item.id for item in items}
        return _decoded(items)

    def items(self, raw_input: bytes, response: Response) -> list[StoredItem]:
        """Return what a response adds: nothing if it failed, so that the request can be made again."""
        if response.status not in ("completed", "incomplete"):
            return []
        taken = self._ids | {item.id for item in response.output if item.id}
        added = listed(decode_items(raw_input), response.id, taken)
        return to_store([*added, *listed(response.output, response.id)])

    def prolong(self) -> None:
        """Keep the lease for longer, when half of it is over; a conversation that was deleted meanwhile needs none.

        A store that is down is asked again the next time. Raises UpstreamError if another request has the lease now.
        """
        now = time.time()
        if now < self._until - LEASE / 2:
            return
        held = True
        with suppress(NotFound, StoreDown):
            held = self._take(now)
        if not held:
            raise UpstreamError("Another request has taken over this conversation. Please try again.", status=503)

    def _take(self, now: float) -> bool:
        until = now + LEASE
        held = self._store.lease(*self._lease, now=now, until=until)
        self._until = until
        return held

    def release(self) -> None:
        self._store.release(*self._lease)

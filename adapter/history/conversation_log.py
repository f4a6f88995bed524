"""Conversations: logs of items that responses continue and append to.

Every item of a conversation has an id that is unique in it. An item that arrives without one, or with one that is
already in use, gets a new id when it is appended. Source: OpenAI API reference, Conversations.
"""

import time
from collections.abc import Sequence
from typing import Any

from adapter.history.request_errors import check_conversation_id, conversation_not_found
from adapter.store.base import NotFound, StoredConversation, StoredItem
from adapter.store.protocols import ConversationStore
from translators.responses.decoding.items import decode_items
from translators.responses.ids import Ids
from translators.responses.items import Item
from translators.responses.listing import list_items_with_ids
from translators.wire import Raw, encode


def create_conversation(
    store: ConversationStore, tenant: str, ids: Ids, items: Sequence[Item], metadata: dict[str, str]
) -> bytes:
    """Store a new conversation with these items; return its JSON as the API shows it."""
    stored = StoredConversation(ids.conversation, tenant, int(time.time()), encode(metadata))
    store.put_conversation(stored)
    store.append(stored.id, tenant, stored_items(list_items_with_ids(items, ids)))
    return conversation_json(stored)


def conversation_json(stored: StoredConversation) -> bytes:
    """Return the JSON of a conversation as the API shows it."""
    return encode(
        {
            "id": stored.id,
            "object": "conversation",
            "created_at": stored.created_at,
            "metadata": Raw(stored.metadata),
        }
    )


def stored_items(items: Sequence[dict[str, Any]]) -> list[StoredItem]:
    """Return items, each with its id, in the form that the store takes."""
    return [StoredItem(item["id"], encode(item)) for item in items]


def load_items(store: ConversationStore, id: str, tenant: str) -> tuple[Item, ...]:
    """Return the items of a conversation, oldest first; raise RequestError if it is unknown."""
    return decode_stored(read_items(store, id, tenant))


def read_items(store: ConversationStore, id: str, tenant: str) -> Sequence[StoredItem]:
    """Return the stored items of a conversation, oldest first; raise RequestError if it is unknown."""
    check_conversation_id(id)
    try:
        return store.items(id, tenant)
    except NotFound:
        raise conversation_not_found(id) from None


def decode_stored(items: Sequence[StoredItem]) -> tuple[Item, ...]:
    """Return stored items decoded."""
    return decode_items(b"[" + b",".join([item.json for item in items]) + b"]", in_history=True)

"""What is appended to a conversation: with many items, it is made beside the event loop."""

from typing import cast

import pytest
from flask import Flask
from msgspec.structs import replace

from adapter.flow.keeping import Keeping, StoreKeeper
from adapter.history.conversation_lease import ConversationLease
from adapter.services import Services, new_ids
from tests.adapter.api.test_conversations import listed, new
from translators.notes import Notes
from translators.responses.decoding.items import decode_items
from translators.responses.echo import first_snapshot
from translators.responses.request import CreateRequest
from translators.wire import encode


@pytest.mark.parametrize(("count", "is_long"), [(10, False), (2000, True)])
def test_many_items_are_appended_beside_the_loop(
    app: Flask, offloaded: list[str], count: int, is_long: bool
) -> None:
    services = cast(Services, app.extensions["adapter"])
    client = app.test_client()
    id = new(client)["id"]
    lease = ConversationLease(services.conversations, id, "")
    lease.acquire()
    raw = encode([{"role": "user", "content": f"number {number}"} for number in range(count)])
    request = CreateRequest(model="m", input=decode_items(raw), raw_input=raw, conversation=id)
    response = replace(first_snapshot(request, new_ids().response, 1), status="completed")
    keeping = Keeping(request, "", StoreKeeper(services.flow.store), lease)
    assert keeping.keep(response, Notes(), [], services.flow)
    texts = [item["content"][0]["text"] for item in listed(client, id, "?limit=2&order=desc")]
    assert texts == [f"number {count - 1}", f"number {count - 2}"]
    assert offloaded == [""] * is_long

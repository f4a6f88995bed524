"""`/v1/conversations`: what each call answers, what it refuses, and that nobody sees another's."""

import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from adapter.api import conversations
from adapter.history.conversation_lease import LEASE_SECONDS, ConversationLease
from tests.support.app import KEYS, make_app
from translators.errors import UpstreamError

HELLO = {"role": "user", "content": "Hello"}
PART = {"type": "input_text", "text": "Hello"}


def new(client: FlaskClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/conversations", json=body)
    assert answer.status_code == 200, answer.text
    conversation: dict[str, Any] = answer.json
    return conversation


def listed(client: FlaskClient, id: str, query: str = "?order=asc") -> list[dict[str, Any]]:
    page = client.get(f"/v1/conversations/{id}/items{query}").json
    assert page["object"] == "list"
    data: list[dict[str, Any]] = page["data"]
    return data


def test_a_conversation_from_its_creation_to_its_end(client: FlaskClient) -> None:
    made = new(client, metadata={"topic": "greetings"})
    id = made["id"]
    assert made == {
        "id": id, "object": "conversation", "created_at": made["created_at"], "metadata": {"topic": "greetings"}
    }  # fmt: skip
    assert client.get(f"/v1/conversations/{id}").json == made
    changed = client.post(f"/v1/conversations/{id}", json={"metadata": {"a": "b"}}).json
    assert changed == {**made, "metadata": {"a": "b"}}
    assert client.post(f"/v1/conversations/{id}", json={"metadata": None}).json["metadata"] == {}
    gone = client.delete(f"/v1/conversations/{id}")
    assert gone.json == {"id": id, "object": "conversation.deleted", "deleted": True}
    for call in (client.get, client.delete):
        assert call(f"/v1/conversations/{id}").status_code == 404


def test_only_the_items_of_the_page_are_read(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    id = new(client, items=[{**HELLO, "id": f"msg_{number}"} for number in range(20)])["id"]
    read: list[bytes] = []
    monkeypatch.setattr(conversations, "shown_item", lambda json: read.append(json) or json)
    assert [item["id"] for item in listed(client, id, "?limit=2&after=msg_5")] == ["msg_4", "msg_3"]
    assert len(read) == 2


def test_an_id_that_is_taken_is_given_once(client: FlaskClient) -> None:
    id = new(client, items=[{**HELLO, "id": "msg_a"}, {**HELLO, "id": "msg_a"}])["id"]
    added = client.post(f"/v1/conversations/{id}/items", json={"items": [{**HELLO, "id": "msg_a"}]}).json["data"]
    ids = [item["id"] for item in listed(client, id)]
    assert ids[0] == "msg_a"
    assert len(set(ids)) == 3
    assert ids[2] == added[0]["id"]


def test_items_in_their_order_with_ids(client: FlaskClient) -> None:
    id = new(client, items=[HELLO])["id"]
    added = client.post(
        f"/v1/conversations/{id}/items",
        json={"items": [{"role": "assistant", "content": "Hi!"}, {"type": "function_call", "call_id": "c", "name": "f",
                                                                  "arguments": "{}", "id": "fc_mine"}]},
    ).json  # fmt: skip
    assert [item["type"] for item in added["data"]] == ["message", "function_call"]
    items = listed(client, id)
    assert items[0] == {"type": "message", "role": "user", "content": [PART], "id": items[0]["id"],
                        "status": "completed"}  # fmt: skip
    assert items[1:] == added["data"]
    assert items[2]["id"] == "fc_mine"
    assert len({item["id"] for item in items}) == 3
    assert listed(client, id, "") == items[::-1]
    assert listed(client, id, f"?order=asc&limit=1&after={items[0]['id']}") == [items[1]]
    assert client.get(f"/v1/conversations/{id}/items/{items[0]['id']}").json == items[0]
    answer = client.delete(f"/v1/conversations/{id}/items/{items[1]['id']}").json
    assert answer == client.get(f"/v1/conversations/{id}").json
    assert listed(client, id) == [items[0], items[2]]
    assert client.get(f"/v1/conversations/{id}/items/{items[1]['id']}").status_code == 404


def test_nothing_to_begin_with(client: FlaskClient) -> None:
    assert listed(client, new(client, items=None, metadata=None)["id"]) == []


REFUSED: dict[str, tuple[str, Any, str | None, str | None]] = {
    "an unknown member": ("", {"item": []}, "item", "unknown_parameter"),
    "metadata of a wrong type": ("", {"metadata": "x"}, "metadata", "invalid_type"),
    "too many items": ("", {"items": [HELLO] * 21}, "items", "array_above_max_length"),
    "an unknown kind of item": ("", {"items": [{"type": "dream"}]}, "items[0]", "invalid_value"),
    "a reference to nothing": ("", {"items": [{"type": "item_reference", "id": "msg_1"}]}, "input", None),
    "no items": ("/ID/items", {}, "items", "missing_required_parameter"),
    "no metadata": ("/ID", {}, "metadata", "missing_required_parameter"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(client: FlaskClient, name: str) -> None:
    path, body, param, code = REFUSED[name]
    id = new(client)["id"]
    answer = client.post("/v1/conversations" + path.replace("ID", id), json=body)
    error = answer.json["error"]
    assert (answer.status_code in (400, 404), error["param"], error["code"]) == (True, param, code), error


def test_nobody_sees_anothers() -> None:
    app: Flask = make_app(api_keys=KEYS)
    ours, theirs = ({"Authorization": f"Bearer {key}"} for key in KEYS)
    client = app.test_client()
    id = client.post("/v1/conversations", json={"items": [HELLO]}, headers=ours).json["id"]
    item = client.get(f"/v1/conversations/{id}/items", headers=ours).json["data"][0]["id"]
    calls = [
        client.get(f"/v1/conversations/{id}", headers=theirs),
        client.post(f"/v1/conversations/{id}", json={"metadata": {}}, headers=theirs),
        client.delete(f"/v1/conversations/{id}", headers=theirs),
        client.get(f"/v1/conversations/{id}/items", headers=theirs),
        client.post(f"/v1/conversations/{id}/items", json={"items": [HELLO]}, headers=theirs),
        client.get(f"/v1/conversations/{id}/items/{item}", headers=theirs),
        client.delete(f"/v1/conversations/{id}/items/{item}", headers=theirs),
    ]
    messages = {answer.json["error"]["message"] for answer in calls}
    assert messages == {f"Conversation with id '{id}' not found."}
    assert {answer.status_code for answer in calls} == {404}
    assert client.get(f"/v1/conversations/{id}", headers=ours).status_code == 200
    assert client.post("/v1/conversations", json={}).status_code == 401


def test_a_turn_that_was_taken_over_ends(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker was stopped for longer than the lease; what it would append is no continuation any more."""
    id, store = new(client)["id"], app.extensions["adapter"].store
    first = ConversationLease(store, id, "")
    first.acquire()
    first.renew()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + LEASE_SECONDS + 1)
    second = ConversationLease(store, id, "")
    second.acquire()
    with pytest.raises(UpstreamError, match="has taken over this conversation"):
        first.renew()
    first.release()
    second.renew()
    second.release()

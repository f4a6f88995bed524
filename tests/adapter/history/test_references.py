"""`item_reference` in an input: what it names takes its place, as the store has it; nobody finds another's items."""

import json
from typing import Any

import pytest

from adapter.api.request.schemas import parse_create
from adapter.history.references import resolve_references
from adapter.store.base import StoredResponse
from adapter.store.memory import MemoryStore
from translators.errors import RequestError
from translators.responses.decoding.items import decode_items
from translators.responses.ids import Ids, input_item_id, seed
from translators.responses.items import Message
from translators.responses.listing import list_items
from translators.responses.request import CreateRequest

OURS, THEIRS = "a" * 64, "b" * 64
ids = Ids(seed(1_795_360_000_000, 7))
RESPONSE = ids.response
INPUT: list[dict[str, Any]] = [
    {"role": "user", "content": "Hi", "vendor": 1.0},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "", "id": "fc_of_the_client"},
]
OUTPUT: list[dict[str, Any]] = [
    {"type": "reasoning", "id": ids.item("rs"), "summary": [{"type": "summary_text", "text": "Hm"}]},
    {"type": "message", "id": ids.item("msg"), "role": "assistant", "status": "completed",
     "content": [{"type": "output_text", "text": "Ho", "annotations": [], "logprobs": []}]},
]  # fmt: skip


class Counting(MemoryStore):
    """A store that counts how often it is read."""

    reads = 0

    def get(self, id: str, tenant: str) -> StoredResponse:
        self.reads += 1
        return super().get(id, tenant)


@pytest.fixture
def store() -> Counting:
    store = Counting()
    keep(store, RESPONSE, json.dumps(INPUT))
    return store


def keep(store: MemoryStore, id: str, input: str) -> None:
    response = json.dumps({"id": id, "output": OUTPUT}).encode()
    store.put(StoredResponse(id, OURS, 1_795_360_000, None, input.encode(), response))


def send(kept: MemoryStore, *items: Any, tenant: str = OURS, **members: Any) -> CreateRequest:
    body = json.dumps({"model": "m", "input": items, **members}).encode()
    return resolve_references(parse_create(body, max_items=9), kept, tenant)


def reference(id: str) -> dict[str, Any]:
    return {"type": "item_reference", "id": id}


def test_without_references_nothing_is_read_or_made(store: Counting) -> None:
    request = parse_create(b'{"model":"m","input":"item_reference"}', max_items=9)
    assert resolve_references(request, store, OURS) is request
    assert store.reads == 0


@pytest.mark.parametrize("item", OUTPUT, ids=["reasoning", "message"])
def test_an_output_item(store: Counting, item: dict[str, Any]) -> None:
    for named in (reference(item["id"]), {"id": item["id"]}, {"type": None, "id": item["id"]}):
        request = send(store, named)
        assert json.loads(request.raw_input) == [item]
        assert request.input == decode_items(json.dumps([item]).encode())


def test_an_input_item_by_the_id_that_the_list_shows(store: Counting) -> None:
    shown = [item["id"] for item in list_items(decode_items(json.dumps(INPUT).encode()), RESPONSE)]
    request = send(store, *({"id": id} for id in shown if id.startswith("msg_")))
    assert json.loads(request.raw_input) == [{**INPUT[0], "id": shown[0]}], "with all it came with, and its id"


def test_an_input_that_was_a_string(store: Counting) -> None:
    other = Ids(seed(1_795_360_000_001, 7)).response
    keep(store, other, '"Hi"')
    id = input_item_id("msg", other, 0)
    assert send(store, reference(id)).input == (Message("user", "Hi", id=id),)


def test_the_others_stay_where_and_as_they_are(store: Counting) -> None:
    odd = {"role": "user", "content": "x", "vendor": [1.0, "é"]}
    request = send(store, odd, reference(OUTPUT[0]["id"]), reference(OUTPUT[1]["id"]), odd)
    assert json.loads(request.raw_input) == [odd, *OUTPUT, odd]
    assert json.dumps(odd).encode() in request.raw_input
    assert store.reads == 1


def test_a_chain_of_references_leads_to_items_only(store: Counting) -> None:
    """What is stored of a request with a reference has the item, so the next reference needs no third response."""
    second = Ids(seed(1_795_360_000_002, 7)).response
    keep(store, second, send(store, reference(OUTPUT[1]["id"])).raw_input.decode())
    store.delete(RESPONSE, OURS)
    with pytest.raises(RequestError):
        send(store, reference(OUTPUT[1]["id"]))
    assert json.loads(store.get(second, OURS).input) == [OUTPUT[1]]


UNKNOWN = [
    "msg_1", "fc_of_the_client", "rs_" + "0" * 32, OUTPUT[0]["id"][:-1] + "9", OUTPUT[0]["id"].upper(),
    OUTPUT[0]["id"].replace("rs_", "msg_"), input_item_id("msg", RESPONSE, 2),
    "", "x" * 99,
]  # fmt: skip


@pytest.mark.parametrize("id", UNKNOWN)
def test_what_names_nothing(store: Counting, id: str) -> None:
    with pytest.raises(RequestError) as caught:
        send(store, INPUT[0], {"id": id})
    shown = id if len(id) <= 64 else id[:64] + "…"
    assert caught.value.message == f"Item with id '{shown}' not found."
    assert (caught.value.status, caught.value.param, caught.value.code) == (404, "input", None)


def test_one_who_stores_nothing_is_told_so(store: Counting) -> None:
    with pytest.raises(RequestError) as caught:
        send(store, reference("rs_1"), store=False)
    assert caught.value.message == (
        "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false. Try again with `store` "
        "set to true, or remove this item from your input."
    )


def test_another_tenant_finds_nothing(store: Counting) -> None:
    for id in (OUTPUT[0]["id"], input_item_id("msg", RESPONSE, 0)):
        with pytest.raises(RequestError, match="not found"):
            send(store, reference(id), tenant=THEIRS)

"""Recorded requests of real clients, translated by the core: one file is one program's run.

The recordings have requests only. The output of a response is reconstructed from the request that continues it: the
calls whose outputs it contains, or else a short message. A conversation is a chain of the requests that name it.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec.structs import replace

from adapter.api.request.schemas import parse_create
from adapter.files.files import Files
from adapter.history.references import resolve_references
from adapter.settings.settings import Settings
from adapter.store.base import StoredResponse
from adapter.store.memory import MemoryStore
from tests.support.beside import RECORDED_CLIENTS
from translators.dialects.dialect import Dialect
from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.decoding.items import decode_items
from translators.responses.ids import response_of
from translators.responses.items import Item
from translators.to_chat.history import History
from translators.to_chat.request import ChatRequest, chat_request
from translators.wire import decode

FILES = Files(Settings())
TENANT = "t" * 64
CALLS = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}

Object = dict[str, Any]


class RecordedRequest(NamedTuple):
    """A create request as it was recorded: where it stands, and its body."""

    place: str
    body: Object


def runs() -> list[str]:
    """Return the names of the files that hold a create request, such as `codex/text`."""
    names = [f"{file.parent.name}/{file.stem}" for file in sorted(RECORDED_CLIENTS.glob("*/*.json"))]
    return [name for name in names if requests_of(name)]


def requests_of(run: str) -> list[RecordedRequest]:
    """Return the create requests of a run, in order."""
    return [
        RecordedRequest(f"{run}[{number}]", request["body"])
        for number, request in enumerate(json.loads((RECORDED_CLIENTS / f"{run}.json").read_bytes()))
        if (request["kind"], request["method"], request["path"]) == ("http", "POST", "/v1/responses")
    ]


class TranslatedRequest(NamedTuple):
    """A create request and its chat request, or the error that it ends in."""

    place: str
    body: Object
    result: ChatRequest | RequestError

    @property
    def chat(self) -> Object:
        """The chat request as its provider reads it."""
        assert isinstance(self.result, ChatRequest), f"{self.place} is refused: {self.result}"
        found: Object = decode(self.result.json)
        return found


def translate_run(run: str, dialect: Dialect) -> Iterator[TranslatedRequest]:
    """Yield each request of a run, translated."""
    chain = _Chain()
    for place, body in requests_of(run):
        try:
            result: ChatRequest | RequestError = _translate(body, chain, dialect)
        except RequestError as error:
            result = error
        yield TranslatedRequest(place, body, result)


def _translate(body: Object, chain: "_Chain", dialect: Dialect) -> ChatRequest:
    history = History(pending=chain.before(body))
    parsed = parse_create(json.dumps(body).encode(), max_items=10_000)
    request = resolve_references(parsed, chain.store_for(body), TENANT)
    chain.input += request.input
    notes = Notes()
    request = replace(request, input=FILES.of_request(request.input, dialect, notes))
    return chat_request(request, history, dialect, notes, model=request.model, stream=request.stream)


class _Chain:
    """The items of a run so far, and those that each response id stands for."""

    def __init__(self) -> None:
        self.input: list[Item] = []
        """The items that the last request continued, and its input."""
        self._kept: dict[str, list[Item]] = {}
        self._calls: set[str] = set()

    def store_for(self, body: Object) -> MemoryStore:
        """Return a store with the items that a request refers to, each the answer of a response of its own."""
        store = MemoryStore()
        for item in _items(body):
            if item.get("type") == "item_reference":
                response = json.dumps({"output": [_message(item["id"])]}).encode()
                store.put(StoredResponse(str(response_of(item["id"])), TENANT, 0, None, b"[]", response))
        return store

    def before(self, body: Object) -> tuple[Item, ...]:
        """Return the items that a request continues, and go on from there."""
        named = body.get("previous_response_id") or (body.get("conversation") and f"turn {len(self._kept)}")
        if named and named not in self._kept and self.input:
            self._kept[named] = [*self.input, *decode_items(json.dumps(self._missing_output(_items(body))).encode())]
        self.input = list(self._kept.get(named, ()))
        return tuple(self.input)

    def _missing_output(self, items: list[Object]) -> list[Object]:
        """Return the output that the response before these items must have had."""
        here = {item["call_id"] for item in items if item.get("type") in CALLS.values()}
        calls = []
        for item in items:
            kind, id = CALLS.get(item.get("type", "")), item.get("call_id")
            if kind and id not in here | self._calls:
                self._calls.add(id)
                rest = {"arguments": "{}"} if kind == "function_call" else {"input": ""}
                calls.append({"type": kind, "call_id": id, "name": "called", **rest})
        return calls or [_message("msg_1")]


def _items(body: Object) -> list[Object]:
    return body["input"] if isinstance(body["input"], list) else []


def _message(id: str) -> Object:
    content = [{"type": "output_text", "text": "An answer.", "annotations": []}]
    return {"type": "message", "id": id, "role": "assistant", "status": "completed", "content": content}

"""What only the provider can read, in every recorded answer that has some: all of it goes back to that provider."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.recordings.recording import Recording, needed, recordings
from tests.support.judges.grammar import check_stream
from tests.support.transparent_sealer import TransparentSealer
from translators.dialects.dialect import Dialect
from translators.notes import Notes
from translators.reasoning.thinking import SealPolicy
from translators.responses.decoding.items import decode_items
from translators.responses.echo import first_snapshot
from translators.responses.ids import Ids, seed
from translators.responses.items import Message
from translators.responses.request import CreateRequest
from translators.to_chat.history import History
from translators.to_chat.request import chat_request
from translators.to_responses.answer import AnswerReader
from translators.to_responses.expectations import Expectations
from translators.to_responses.stream import ResponseStream
from translators.wire import decode, encode

pytestmark = needed

OPAQUE = re.compile(rb'"(?:signature|data|thought_signature)":\s*("[^"\\]{8,}(?:\\.[^"\\]*)*")')


def opaque(body: bytes) -> set[str]:
    return {json.loads(found) for found in OPAQUE.findall(body)}


def answers() -> Iterator[Recording]:
    """Yield the raw answers that hold signatures or encrypted thinking."""
    for recording in recordings("stream", "json"):
        body = recording.body()
        if recording.is_raw and (b"reasoning_details" in body or b"extra_content" in body) and opaque(body):
            yield recording


def messages_after(body: bytes) -> list[dict[str, Any]] | None:
    """Return the messages of the request that follows an answer; None for an answer that broke off."""
    request = CreateRequest(model="m", input=(), raw_input=b"[]")
    ids = Ids(seed(0, 0))
    expectations = Expectations(seal_policy=SealPolicy(TransparentSealer(), False))
    stream = ResponseStream(first_snapshot(request, ids.response, 0), ids, expectations, notes=Notes())
    events = stream.start()
    reader = AnswerReader(stream)
    events += reader.feed(body)
    events += reader.finish(1)
    check_stream([decode(encode(event)) for event in events])
    if stream.response.status != "completed":
        return None
    output = decode_items(encode(stream.response.output))
    calls = [item["call_id"] for item in decode(encode(output)) if "call_id" in item]
    outputs = [{"type": "function_call_output", "call_id": id, "output": "x"} for id in calls]
    items = (Message("user", "?"), *output, *decode_items(encode(outputs)))
    following = CreateRequest(model="m", input=items, raw_input=b"[]")
    sent = chat_request(following, History(), Dialect(), Notes(), model="m", stream=False, sealer=TransparentSealer())
    found: list[dict[str, Any]] = decode(sent.json)["messages"]
    return found


def test_all_of_it_goes_back() -> None:
    lost, counted = {}, 0
    for recording in answers():
        body = recording.body()
        messages = messages_after(body)
        if messages is not None:
            counted += 1
            if missing := [value for value in opaque(body) if json.dumps(value) not in json.dumps(messages)]:
                lost[recording.file] = missing
    assert lost == {}
    assert counted > 30

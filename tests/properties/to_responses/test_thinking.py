"""Whatever a provider mixes into its thinking, it gets it back: every entry, every signature, each at its own call.

A provider is made up of deltas in any order: text and thinking, entries of `reasoning_details` whole or in pieces,
calls with and without a signature, signatures that come late. What it must get back is known by counting, not by the
code.
"""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support import chat
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
from translators.responses.response import Response
from translators.to_chat.history import History
from translators.to_chat.request import chat_request
from translators.to_responses.answer import AnswerReader
from translators.to_responses.expectations import Expectations
from translators.to_responses.stream import ResponseStream
from translators.wire import decode, encode

Delta = dict[str, Any]


def signed(data: str) -> Delta:
    return {"extra_content": {"google": {"thought_signature": data}}}


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Delta], list[str], dict[str, str | None]]:
    """Return deltas, the opaque data of their entries in order, and the signature of each call."""
    deltas: list[Delta] = []
    entries: list[str] = []
    calls: dict[str, str | None] = {}
    kinds = ["text", "thinking", "encrypted", "signed", "call", "signed call", "late signature"]
    for number, kind in enumerate(draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=12))):
        index = len(calls)
        function = {"name": f"f{index}", "arguments": "{}"}
        call = {"index": index, "id": f"c{index}", "type": "function", "function": function}
        if kind == "text":
            deltas.append({"content": f"text {number}"})
        elif kind == "thinking":
            deltas.append({"reasoning": f"thought {number}"})
        elif kind == "encrypted":
            entries.append(f"e{number}")
            deltas.append({"reasoning_details": [{"type": "reasoning.encrypted", "data": f"e{number}", "index": 0}]})
        elif kind == "signed":
            entries.append(f"s{number}")
            piece = {"type": "reasoning.text", "index": number}
            for members in ({"text": "a"}, {"text": "b"}, {"text": "", "signature": f"s{number}"}):
                deltas.append({"reasoning": members["text"], "reasoning_details": [piece | members]})
        elif kind == "call":
            calls[f"c{index}"] = None
            deltas.append({"tool_calls": [call]})
        elif kind == "signed call":
            calls[f"c{index}"] = f"g{number}"
            deltas.append({"tool_calls": [call | signed(f"g{number}")]})
        elif calls and calls[f"c{index - 1}"] is None:
            calls[f"c{index - 1}"] = f"g{number}"
            deltas.append({"tool_calls": [{"index": index - 1, **signed(f"g{number}")}]})
    return deltas, entries, calls


def played(deltas: list[Delta]) -> Response:
    request = CreateRequest(model="m", input=(), raw_input=b"[]")
    ids = Ids(seed(0, 0))
    expectations = Expectations(seal_policy=SealPolicy(TransparentSealer(), False))
    stream = ResponseStream(first_snapshot(request, ids.response, 0), ids, expectations, notes=Notes())
    events = stream.start()
    reader = AnswerReader(stream)
    events += reader.feed(b"".join(map(chat.chunk, deltas)) + chat.end())
    events += reader.finish(1)
    check_stream([decode(encode(event)) for event in events])
    return stream.response


@given(answers())
def test_nothing_of_it_is_lost(answer: tuple[list[Delta], list[str], dict[str, str | None]]) -> None:
    deltas, entries, calls = answer
    response = played(deltas)
    outputs = [{"type": "function_call_output", "call_id": id, "output": "x"} for id in calls]
    behind = decode_items(encode(outputs)) if outputs else (Message("user", "And?"),)
    items = (Message("user", "Hello."), *decode_items(encode(response.output)), *behind)
    request = CreateRequest(model="m", input=items, raw_input=b"[]")
    notes = Notes()
    body = chat_request(request, History(), Dialect(), notes, model="m", stream=False, sealer=TransparentSealer())
    said = [message for message in decode(body.json)["messages"] if message["role"] == "assistant"]
    if not any("content" in delta or "tool_calls" in delta for delta in deltas):
        assert (said, len(notes)) == ([], bool(deltas))  # thinking alone is no message
        return
    (message,) = said
    details = message.get("reasoning_details", [])
    assert [entry.get("data") or entry["signature"] for entry in details] == entries
    assert all(entry["text"] == "ab" for entry in details if "signature" in entry)
    back = {call["id"]: call.get("extra_content", {}).get("google", {}) for call in message.get("tool_calls", [])}
    assert {id: google.get("thought_signature") for id, google in back.items()} == calls
    assert len(notes) == 0

"""Notes that arise in a stream: comments, which people see and clients do not."""

import json

import openai

from tests.support import chat
from tests.support.client import judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, Upstream, stream

GET = {"type": "function", "name": "get", "parameters": {"type": "object", "properties": {}}}
MARKED = chat.chunk({"reasoning": "Hm."}) + chat.text(
    "<think>Hm.</think>Hello. ", '<tool_call>{"name": "get", "arguments": {}}</tool_call>'
)


def test_a_note_comes_when_it_arises(service: Service, upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays(stream(MARKED, gate, chat.end(usage=None)))
    with service.open_stream(tools=[GET], text={"verbosity": "low"}) as exchange:
        assert "verbosity" in exchange.headers["x-adapter-notes"]  # known before the stream began
        assert b": note: reasoning dropped" in exchange.read_until(b"Hello")
        gate.set()
        written = exchange.rest()
    blocks = written.decode().split("\n\n")
    comments = [block for block in blocks if block.startswith(":")]
    assert comments == [
        ": note: reasoning dropped: thinking that came a second time",
        ": note: content repaired: a call that was written as text",
        ": note: usage estimated: the provider counted no tokens",
    ]
    seen = written.decode()
    assert seen.index(comments[0]) < seen.index("Hello") < seen.index(comments[1]) < seen.index("response.completed")
    response = judged(written)[-1]["response"]
    header = service.get(f"/v1/responses/{response['id']}").headers["x-adapter-notes"]
    assert all(comment.removeprefix(": note: ") in header for comment in comments)


def test_clients_skip_notes(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(stream(MARKED + chat.end(usage=None)))
    with client.responses.stream(model="m", input="Hi", tools=[GET]) as events:  # type: ignore[list-item]
        types = [event.type for event in events]
        final = events.get_final_response()
    assert types[0] == "response.created"
    assert types[-1] == "response.completed"
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    assert json.loads(final.output[2].arguments) == {}  # type: ignore[union-attr]

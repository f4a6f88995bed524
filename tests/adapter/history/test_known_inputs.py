"""Known inputs: a request is read the same whether the cache knows its beginning and its tools or not."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapter.api.request.schemas import parse_create
from adapter.history.known_inputs import KnownInputs
from translators.errors import RequestError
from translators.responses.request import CreateRequest

MIN_BYTES = 8192
LONG = {"role": "user", "content": "a long task " * (MIN_BYTES // 12 + 1)}
ITEMS: list[Any] = [
    {"role": "user", "content": "Go on."},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "é", "annotations": []}]},
    {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "done"},
    {"type": "function_call_output", "call_id": "call_1", "output": None},
    {"type": "message", "role": "user", "content": [{"type": "a new part", "text": "?"}]},
    {"type": "additional_tools", "tools": [{"type": "function", "name": "g"}]},
    {"type": "additional_tools", "tools": [{"type": "function", "name": ""}]},
    {"type": "a new item", "text": "?"},
    {"type": "compaction_trigger"},
    {"role": "user", "content": "a\0b"},
    {"role": "user", "content": r"a\u0000b"},
    {"id": "msg_1"},
    {"role": "user", "content": 7},
    7,
]
TOOLS: list[Any] = [
    {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}},
    {"type": "function", "name": "g"},
    {"type": "mcp", "server_label": "s", "server_url": "https://example.com", "authorization": "secret"},
    {"type": "function"},
]


def read(body: bytes, *args: Any) -> CreateRequest | tuple[str, str | None, str | None]:
    try:
        return replace(parse_create(body, max_items=8, known=args[0] if args else None), base=None)
    except RequestError as error:
        return error.message, error.param, error.code


requests = st.lists(
    st.tuples(
        st.lists(st.sampled_from(ITEMS), max_size=3),  # added to the items of the request before it
        st.lists(st.sampled_from(TOOLS), max_size=2),
        st.booleans(),
        st.sampled_from([None, 1]),
    ),
    min_size=2, max_size=5,
)  # fmt: skip


@settings(max_examples=60)
@given(requests)
def test_a_request_is_read_the_same_whether_its_beginning_is_known_or_not(turns: list[Any]) -> None:
    known = KnownInputs(1 << 20)
    items = [LONG]
    for added, tools, continues, indent in turns:
        items = items + added
        members: dict[str, Any] = {"model": "m", "input": items, "tools": tools}
        if continues:
            members["previous_response_id"] = "resp_1"
        body = json.dumps(members, indent=indent).encode()
        assert read(body, known.of("t")) == read(body)


def test_what_is_known_is_not_decoded_again_and_only_for_its_tenant() -> None:
    known = KnownInputs(1 << 20)
    first = {"model": "m", "input": [LONG, ITEMS[0]], "tools": TOOLS[:2]}
    before = parse_create(json.dumps(first).encode(), max_items=8, known=known.of("t"))
    more = json.dumps(first | {"input": [LONG, ITEMS[0], ITEMS[1]]}).encode()
    after = parse_create(more, max_items=8, known=known.of("t"))
    assert after.input[0] is before.input[0]
    assert after.tools[0] is before.tools[0]
    assert len(after.input) == 3
    other = parse_create(more, max_items=8, known=known.of("u"))
    assert replace(other, base=None) == replace(after, base=None)
    assert other.input[0] is not before.input[0]


def test_what_does_not_fit_the_cache_is_not_cached() -> None:
    known = KnownInputs(1000)
    body = json.dumps({"model": "m", "input": [LONG]}).encode()
    first, second = (parse_create(body, max_items=8, known=known.of("t")) for _ in range(2))
    assert first == second
    assert first.input[0] is not second.input[0]

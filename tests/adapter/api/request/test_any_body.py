"""Whatever is sent as a body: a create request comes out, or a RequestError that can be answered."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapter.api.request import schemas
from adapter.api.request.schemas import parse_create
from translators.errors import RequestError
from translators.responses.decoding.items import decode_items
from translators.responses.request import CreateRequest
from translators.wire import encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
TYPES = (
    "message", "reasoning", "function_call", "function_call_output", "item_reference", "function", "namespace",
    "input_text", "output_text", "input_image", "json_schema", "smell",
)  # fmt: skip
KEYS = st.sampled_from(
    ("type", "role", "content", "id", "text", "name", "call_id", "arguments", "output", "summary", "status", "tools",
     "parameters", "format", "schema", "effort", "mode", "function", "image_url", "strict")
)  # fmt: skip
LEAVES = JSON | st.sampled_from((*TYPES, "user", "assistant", "auto", "high", ""))
NEAR = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
"""Values that look like those of the API, so that some get far."""
MEMBERS = st.sampled_from((*schemas.CreateSchema().fields, "messages", "n", "colour"))


def outcome(body: bytes) -> CreateRequest | RequestError:
    """Return what becomes of a body; an error, if that, can be answered."""
    try:
        return parse_create(body, max_items=50)
    except RequestError as error:
        refusal = error
    assert refusal.status in (400, 403, 404)
    assert encode(refusal.envelope())
    assert len(refusal.message) < 2000
    return refusal


@given(st.binary())
def test_bytes(body: bytes) -> None:
    outcome(body)


@given(JSON)
def test_json(value: Any) -> None:
    outcome(json.dumps(value).encode())


@given(st.dictionaries(MEMBERS, NEAR, max_size=6), st.just("Hi") | NEAR)
def test_members_with_any_value(members: dict[str, Any], input: Any) -> None:
    request = outcome(json.dumps({"model": "m", "input": input, **members}).encode())
    if isinstance(request, CreateRequest):
        assert decode_items(request.raw_input) == request.input, "what is stored is not what was understood"


@given(st.dictionaries(MEMBERS, NEAR, max_size=4), st.data())
def test_a_damaged_body(members: dict[str, Any], data: st.DataObject) -> None:
    body = bytearray(json.dumps({"model": "m", "input": "Hi", **members}).encode())
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    outcome(bytes(body))


@given(st.lists(NEAR, max_size=3))
def test_an_item_means_the_same_among_others(items: list[Any]) -> None:
    """An easy message in front makes the decoder go item by item."""
    easy = {"role": "user", "content": "Hi"}
    alone = outcome(json.dumps({"model": "m", "input": items, "previous_response_id": "r"}).encode())
    among = outcome(json.dumps({"model": "m", "input": [easy, *items], "previous_response_id": "r"}).encode())
    if isinstance(alone, CreateRequest):
        assert isinstance(among, CreateRequest)
        assert among.input[1:] == alone.input
    else:
        assert isinstance(among, RequestError)
        assert among.code == alone.code

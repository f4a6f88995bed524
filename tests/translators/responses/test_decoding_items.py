"""Items that fit are read in one pass, or each with the first decoder that fits: it must not matter which."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.errors import RequestError
from translators.responses.decoding import items as decoding
from translators.responses.decoding.items import decode_fitting_items, decode_items
from translators.responses.items import Message
from translators.wire import encode

ITEMS: list[Any] = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": [{"type": "output_text", "text": "Ho"}], "id": "msg_1", "status": "completed"},
    {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be brief."}]},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "done"},
    {"type": "reasoning", "summary": [], "role": "user", "content": None},
    {"type": "additional_tools", "tools": [{"type": "function", "name": "g"}]},
    {"type": "new", "role": "user", "content": "Hi"},
    {"type": None, "role": "user", "content": "Hi"},
    {"role": "user", "content": "Hi", "status": None, "more": 1},
    {"role": "user", "content": [{"type": "new"}]},
    {"role": "user"},
    {"id": "msg_1"},
    7,
]


@given(st.lists(st.sampled_from(ITEMS), max_size=5), st.booleans(), st.sampled_from([None, 3]))
def test_fitting_items(items: list[Any], in_history: bool, limit: int | None) -> None:
    raw = encode(items)

    def outcome(one_by_one: bool) -> Any:
        try:
            if one_by_one:
                return decoding._decode_each(raw, "input", limit, in_history=in_history)
            return decode_items(raw, limit, in_history=in_history)
        except RequestError as error:
            return error.message, error.param, error.code

    assert outcome(one_by_one=False) == outcome(one_by_one=True)


@pytest.mark.parametrize(("items", "fits"), [(ITEMS[:6], True), *(([one], False) for one in ITEMS[6:9])])
def test_what_fits(items: list[Any], fits: bool) -> None:
    assert (decode_fitting_items(encode(items)) is not None) is fits


def test_no_more_than_the_limit() -> None:
    raw = encode([ITEMS[0]] * 3)
    assert decode_fitting_items(raw, 3) == (Message("user", "Hi"),) * 3
    assert decode_fitting_items(raw, 2) is None


@pytest.mark.parametrize("item", [{}, {"id": None}, {"id": 1}])
def test_an_item_that_says_nothing(item: Any) -> None:
    """In a history, too: kept there and given an id, it would refer to itself, and end the conversation."""
    with pytest.raises(RequestError) as refused:
        decode_items(encode([item, ITEMS[0]]), in_history=True)
    assert (refused.value.param, refused.value.code) == ("input[0].type", "missing_required_parameter")

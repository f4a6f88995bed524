"""Forwarded requests: nothing but the value of `model` changes, however the JSON is written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.chat.forwarded import read_forwarded
from translators.errors import RequestError

SPACE = st.text(" \t\r\n", max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3),
)


@given(
    members=st.dictionaries(st.text(max_size=8), VALUES, max_size=5), model=st.text(min_size=1, max_size=8),
    other=st.text(min_size=1, max_size=8), spaces=st.lists(SPACE, min_size=4, max_size=4), ascii=st.booleans(),
    data=st.data(),
)  # fmt: skip
def test_only_the_model_changes(
    members: dict[str, Any], model: str, other: str, spaces: list[str], ascii: bool, data: st.DataObject
) -> None:
    members = {**members, "model": model}
    order = data.draw(st.permutations(list(members)))
    a, b, c, d = spaces

    def write(model: str) -> bytes:
        pairs = [
            f"{json.dumps(name, ensure_ascii=ascii)}{b}:{c}"
            f"{json.dumps(model if name == 'model' else members[name], ensure_ascii=ascii and name != 'model')}"
            for name in order
        ]
        return f"{a}{{{a}{f'{d},{a}'.join(pairs)}{d}}}{a}".encode("utf-8", "replace")

    request = read_forwarded(write(model))
    assert request.model == model
    assert request.for_model(model) is request.body
    changed = request.for_model(other)
    assert changed == write(other) or json.loads(changed) == json.loads(write(other))
    start, end = request.model_span
    assert (changed[:start], changed[len(changed) - (len(request.body) - end) :]) == (
        request.body[:start], request.body[end:],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("members", "tokens"),
    [({}, None), ({"max_tokens": 5}, 5), ({"max_tokens": 5, "max_completion_tokens": 7}, 7),
     ({"max_tokens": "x"}, None), ({"max_tokens": 5, "n": 3}, 15), ({"max_tokens": -5, "n": -3}, 0), ({"n": 3}, None)],
)  # fmt: skip
def test_the_limit_of_output_tokens(members: dict[str, Any], tokens: int | None) -> None:
    assert read_forwarded(json.dumps({"model": "m", **members}).encode()).max_output_tokens == tokens


@pytest.mark.parametrize("model", ['"m', "null", "5", '["m"]', '""'])
def test_a_model_that_is_no_name(model: str) -> None:
    with pytest.raises(RequestError):
        read_forwarded(f'{{"model":{model}}}'.encode())

"""The words of refusals."""

from typing import Any

import pytest

from translators.errors import (
    ProtocolError,
    RequestError,
    UpstreamError,
    invalid_type,
    invalid_value,
    json_type_name,
    missing_parameter,
    quote_list,
    unsupported_parameter,
)

ERRORS: list[tuple[ProtocolError, str, str | None, str]] = [
    (missing_parameter("model"), "Missing required parameter: 'model'.", "model", "missing_required_parameter"),
    (invalid_type("stream", "a boolean", "a string"),
     "Invalid type for 'stream': expected a boolean, but got a string instead.", "stream", "invalid_type"),
    (invalid_value("truncation", "x", ["auto", "disabled"]),
     "Invalid value: 'x'. Supported values are: 'auto' and 'disabled'.", "truncation", "invalid_value"),
    (unsupported_parameter("prompt", "is not supported."),
     "Unsupported parameter: 'prompt' is not supported.", "prompt",
     "unsupported_parameter"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "message", "param", "code"), ERRORS)
def test_envelopes(error: ProtocolError, message: str, param: str, code: str) -> None:
    assert error.status == 400
    assert error.envelope() == {
        "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    }


@pytest.mark.parametrize("error", [RequestError("x"), UpstreamError("x", code=None)])
def test_all_four_members_are_always_there(error: ProtocolError) -> None:
    assert error.envelope()["error"].keys() == {"message", "type", "param", "code"}
    assert str(error) == "x"


LISTS = {(): "", ("a",): "'a'", ("a", "b"): "'a' and 'b'", ("a", "b", "c"): "'a', 'b', and 'c'"}


@pytest.mark.parametrize("values", LISTS)
def test_lists(values: tuple[str, ...]) -> None:
    assert quote_list(values) == LISTS[values]


NOUNS: list[tuple[Any, str]] = [
    (None, "null"), (True, "a boolean"), (1, "an integer"), (1.5, "a decimal number"), ("", "a string"),
    ([], "an array"), ({}, "an object"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "name"), NOUNS)
def test_nouns(value: Any, name: str) -> None:
    assert json_type_name(value) == name

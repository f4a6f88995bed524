"""Whatever a provider says in an error, the caller gets an envelope: any status, headers and JSON."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from translators.errors import UpstreamError
from translators.failures.classes import classify_error_object, classify_http_error
from translators.wire import encode

WORDS = st.sampled_from(
    ["context length exceeded", "rate limit", "try again in 2s", "model x not found", "'messages[0]'", "429", "34s", ""]
)
NAMES = st.sampled_from(
    ["error", "message", "detail", "details", "msg", "errors", "code", "status", "type", "param", "loc", "metadata"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "retry-after-ms", "x-ratelimit-reset", "x-ratelimit-remaining", "Date"]),
    st.text(max_size=12) | WORDS | st.integers().map(str),
)


def check(error: UpstreamError) -> None:
    envelope = error.envelope()["error"]
    assert json.loads(encode(envelope)) == envelope
    assert envelope["message"]
    assert all(value is None or isinstance(value, str) for value in envelope.values())
    assert 400 <= error.status < 600
    assert error.retry_after is None or 0 < error.retry_after < 1e10
    assert error.retry_after is not None or error.status not in (429, 503)


@given(status=st.integers(300, 599), headers=HEADERS, value=VALUES, own_key=st.booleans())
def test_any_answer(status: int, headers: dict[str, str], value: Any, own_key: bool) -> None:
    check(classify_http_error(status, headers, json.dumps(value).encode(), own_key=own_key))


@given(status=st.integers(300, 599), body=st.binary(max_size=60))
def test_any_bytes(status: int, body: bytes) -> None:
    check(classify_http_error(status, {}, body, own_key=False))


@given(value=VALUES)
def test_any_error_inside_an_answer(value: Any) -> None:
    check(classify_error_object(value))

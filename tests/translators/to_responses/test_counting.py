"""Tokens as far as bytes tell."""

import pytest

from translators.to_responses.counting import DATA, estimated_tokens

PICTURE = b'{"url":"data:image/png;base64,' + b"A" * 100_000 + b'"}'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", 0),
        (b"abcd", 1),
        (b"abcde", 2),
        (PICTURE, DATA + 2),
        (b"[%b,%b]" % (PICTURE, PICTURE), 2 * DATA + 5),
        (b'"say ;base64, and go on"', 6),
    ],
)
def test_tokens(body: bytes, expected: int) -> None:
    assert estimated_tokens(body) == expected

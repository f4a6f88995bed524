"""The table in docs/errors.md is what becomes of a provider's errors."""

import json
from pathlib import Path
from typing import Any

import pytest

from translators.failures.classes import classify_http_error
from translators.responses.response import failure_of

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.read_text().splitlines() if line[:2] == "| "]
HEAD, *TABLE = ROWS

SAID: dict[str, tuple[int, dict[str, Any]]] = {
    "the input is too long": (422, {"message": "prompt is too long: 210000 tokens > 200000 maximum"}),
    "no money is left": (402, {"message": "Insufficient Balance"}),
    "too many requests": (429, {"message": "Slow down."}),
    "one request is more than a minute allows": (
        413, {"message": "Request too large on tokens per minute (TPM)", "type": "tokens"}
    ),
    "the prompt is not wanted": (400, {"message": "Filtered.", "code": "content_filter"}),
    "there is no such model": (404, {"message": "The model `x` does not exist."}),
    "a parameter is not supported": (400, {"message": "'reasoning_effort' is not supported."}),
    "something else is wrong with the request": (400, {"message": "Bad.", "param": "temperature", "code": "bad_thing"}),
    "the adapter's key is wrong": (401, {"message": "Invalid API Key"}),
    "the caller's key is wrong": (401, {"message": "Invalid API Key"}),
    "there is nothing at this URL": (404, {"message": "Not Found"}),
    "the model's output is not valid": (400, {"message": "Bad.", "code": "tool_use_failed"}),
    "too much to do": (529, {"message": "Overloaded"}),
    "it has failed": (500, {"message": "Internal error"}),
}  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_a_row(row: list[str]) -> None:
    status, body = SAID[row[0]]
    own_key = row[0] != "the caller's key is wrong"
    error = classify_http_error(status, {}, json.dumps({"error": body}).encode(), own_key=own_key)
    retried = error.status == 429 or error.status >= 500
    told = [error.status, error.type, error.code, error.param or "", failure_of(error).code]
    assert [*map(str, told), str(error.retry).lower() * retried] == row[1:]


def test_every_row_is_shown_once() -> None:
    assert sorted(row[0] for row in TABLE) == sorted(SAID)
    assert len(HEAD) == len(TABLE[0])

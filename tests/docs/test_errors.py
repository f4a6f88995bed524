"""docs/errors.md has the status and codes that the caller gets for each kind of provider error."""

import json
from pathlib import Path
from typing import Any

import pytest

from translators.failures.classes import classify_http_error
from translators.responses.response import failure_of

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.read_text().splitlines() if line[:2] == "| "]
HEAD, *TABLE = ROWS

ERRORS: dict[str, tuple[int, dict[str, Any]]] = {
    "the input is too long": (422, {"message": "prompt is too long: 210000 tokens > 200000 maximum"}),
    "the account has no credit": (402, {"message": "Insufficient Balance"}),
    "too many requests": (429, {"message": "Slow down."}),
    "one request exceeds the limit of a minute": (
        413, {"message": "Request too large on tokens per minute (TPM)", "type": "tokens"}
    ),
    "the prompt is filtered": (400, {"message": "Filtered.", "code": "content_filter"}),
    "the model does not exist": (404, {"message": "The model `x` does not exist."}),
    "a parameter is not supported": (400, {"message": "'reasoning_effort' is not supported."}),
    "another error in the request": (400, {"message": "Bad.", "param": "temperature", "code": "bad_thing"}),
    "the adapter's key is invalid": (401, {"message": "Invalid API Key"}),
    "the caller's key is invalid": (401, {"message": "Invalid API Key"}),
    "there is no endpoint at this URL": (404, {"message": "Not Found"}),
    "the model's output is not valid": (400, {"message": "Bad.", "code": "tool_use_failed"}),
    "the provider is overloaded": (529, {"message": "Overloaded"}),
    "an internal error": (500, {"message": "Internal error"}),
}  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_a_row(row: list[str]) -> None:
    status, body = ERRORS[row[0]]
    own_key = row[0] != "the caller's key is invalid"
    error = classify_http_error(status, {}, json.dumps({"error": body}).encode(), own_key=own_key)
    retried = error.status == 429 or error.status >= 500
    shown = [error.status, error.type, error.code, error.param or "", failure_of(error).code]
    assert [*map(str, shown), str(error.retry).lower() * retried] == row[1:]


def test_every_row_is_shown_once() -> None:
    assert sorted(row[0] for row in TABLE) == sorted(ERRORS)
    assert len(HEAD) == len(TABLE[0])

"""Create requests from their members, and the errors of those that are rejected."""

import json
from typing import Any

import pytest

from adapter.api.request.schemas import parse_create
from translators.errors import RequestError
from translators.responses.request import (
    CreateRequest,
)

MOST = 100
USER = {"role": "user", "content": "Hi"}
FUNCTION = {"type": "function", "name": "f"}
SCHEMA = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}


def body(**members: Any) -> bytes:
    whole = {"model": "m", "input": "Hi", **members}
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


def parse(**members: Any) -> CreateRequest:
    return parse_create(body(**members), max_items=MOST)


def request_error(sent: bytes) -> RequestError:
    with pytest.raises(RequestError) as caught:
        parse_create(sent, max_items=MOST)
    assert caught.value.status == 400
    assert caught.value.type == "invalid_request_error"
    return caught.value

"""What recorded clients sent: every request that uses only what is supported is understood,
and every other is refused with a reason that names what it is."""

import json
from typing import Any

import pytest

from adapter.api.request.schemas import CreateSchema, parse_create
from tests.support.beside import RECORDED_CLIENTS
from translators.errors import RequestError
from translators.responses.items import Item
from translators.responses.tools import Tool
from translators.validation import allowed_values

ITEM_TYPES = {*allowed_values(Item, ".type"), None}
TOOL_TYPES = set(allowed_values(Tool, ".type"))

needs_recordings = pytest.mark.skipif(not RECORDED_CLIENTS.is_dir(), reason=f"no clients in {RECORDED_CLIENTS}")


def recorded() -> list[tuple[str, dict[str, Any]]]:
    """Return the bodies of all recorded create requests, with where they stand."""
    return [
        (f"{file.parent.name}/{file.stem}[{number}]", request["body"])
        for file in sorted(RECORDED_CLIENTS.glob("*/*.json"))
        for number, request in enumerate(json.loads(file.read_bytes()))
        if (request["kind"], request["method"], request["path"]) == ("http", "POST", "/v1/responses")
    ]


def unsupported(body: dict[str, Any]) -> set[str]:
    """Return the parameters of a body that ask for what is not supported."""
    asked: set[str] = set()
    if isinstance(body["input"], list):
        asked |= {f"input[{at}]" for at, item in enumerate(body["input"]) if item.get("type") not in ITEM_TYPES}
    asked |= {f"tools[{at}].type" for at, tool in enumerate(body.get("tools") or ()) if tool["type"] not in TOOL_TYPES}
    return asked


def refused_param(body: dict[str, Any]) -> str | None:
    """Return the parameter for which a body is refused; None if it is understood."""
    try:
        assert parse_create(json.dumps(body).encode(), max_items=10_000).model == body["model"]
    except RequestError as error:
        return error.param
    return None


@needs_recordings
def test_every_recorded_request() -> None:
    understood = 0
    for place, body in recorded():
        cannot = unsupported(body)
        refused = refused_param(body)
        assert refused in cannot if cannot else refused is None, f"{place}: {cannot}, refused for {refused}"
        understood += refused is None
    assert understood >= 260


@needs_recordings
def test_every_recorded_member_is_known() -> None:
    assert {name for _, body in recorded() for name in body} <= CreateSchema().fields.keys()

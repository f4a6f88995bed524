"""`include` and the queries of a retrieval; what a list shows only when it is included."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from adapter.api.request.queries import parse_include, parse_retrieve
from adapter.store.base import StoredResponse
from translators.errors import RequestError
from translators.responses.ids import Ids

IMAGE = "message.input_image.image_url"
SCREEN = "computer_call_output.output.image_url"
SEALED = "reasoning.encrypted_content"
ID = Ids("0" * 24).response


@pytest.mark.parametrize(
    ("query", "included"),
    [
        ([], set()),
        ([("include", IMAGE)], {IMAGE}),
        ([("include[]", IMAGE), ("include[]", SEALED)], {IMAGE, SEALED}),
        ([("include[0]", IMAGE), ("include[1]", SEALED)], {IMAGE, SEALED}),
        ([("include", f"{IMAGE},{SEALED}"), ("include[]", SCREEN)], {IMAGE, SEALED, SCREEN}),
        ([("include", ""), ("included", "x"), ("include[a]", "x"), ("limit", "5")], set()),
    ],
)
def test_the_ways_to_write_include(query: list[tuple[str, str]], included: set[str]) -> None:
    assert parse_include(MultiDict(query)) == included


@pytest.mark.parametrize("name", ["include", "include[]", "include[3]"])
def test_an_unknown_value_is_refused(name: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_include(MultiDict([(name, f"{IMAGE},all")]))
    assert (caught.value.param, caught.value.code) == ("include", "invalid_value")
    assert caught.value.message.startswith("Invalid value: 'all'. Supported values are: 'file_search_call.results', ")


@pytest.mark.parametrize(
    ("query", "param"),
    [({"stream": "yes"}, "stream"), ({"starting_after": "-1"}, "starting_after"),
     ({"starting_after": "x"}, "starting_after"), ({"include_obfuscation": "1"}, "include_obfuscation")],
)  # fmt: skip
def test_a_retrieval_that_is_refused(query: dict[str, str], param: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_retrieve(query)
    assert caught.value.param == param


INPUT: list[dict[str, Any]] = [
    {"role": "user", "content": [
        {"type": "input_text", "text": "See"}, {"type": "input_image", "image_url": "data:x"}]},
    {"type": "reasoning", "summary": [], "encrypted_content": "s"},
    {"type": "computer_call", "call_id": "c", "id": "cu_1", "pending_safety_checks": [], "status": "completed"},
    {"type": "computer_call_output", "call_id": "c",
     "output": {"type": "computer_screenshot", "image_url": "data:x", "file_id": None}},
]  # fmt: skip


def listed(app: Flask, query: str) -> list[dict[str, Any]]:
    stored = StoredResponse(ID, "", 1, None, json.dumps(INPUT).encode(), b'{"output":[]}')
    app.extensions["adapter"].store.put(stored)
    answer = app.test_client().get(f"/v1/responses/{ID}/input_items?order=asc&{query}")
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json["data"]  # type: ignore[index]
    return data


def shown(items: list[dict[str, Any]]) -> tuple[Any, Any, Any]:
    return (
        items[0]["content"][1]["image_url"], items[1].get("encrypted_content"), items[3]["output"].get("image_url"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (None, None, None)),
        (f"include[]={IMAGE}", ("data:x", None, None)),
        (f"include={SEALED},{SCREEN}", (None, "s", "data:x")),
    ],
)
def test_a_list_shows_what_is_included(app: Flask, query: str, expected: tuple[Any, Any, Any]) -> None:
    assert shown(listed(app, query)) == expected


def test_views_refuse_what_nobody_knows(client: FlaskClient) -> None:
    for path in (f"/v1/responses/{ID}?include=all", f"/v1/responses/{ID}/input_items?include[]=all"):
        answer = client.get(path)
        assert (answer.status_code, answer.json["error"]["param"]) == (400, "include")  # type: ignore[index]


def test_an_unknown_response_is_not_found_streamed_or_not(client: FlaskClient) -> None:
    for query in ("", "?stream=true&starting_after=3", "?include_obfuscation=false"):
        assert client.get(f"/v1/responses/{ID}{query}").status_code == 404

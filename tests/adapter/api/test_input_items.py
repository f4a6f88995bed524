"""The list of what a response was made from: a long one is made beside the event loop, and is the same."""

import json

import pytest
from flask import Flask

from adapter.store.base import StoredResponse

ID = "resp_" + "1" * 48


def put(app: Flask, count: int) -> None:
    items = [{"role": "user", "content": f"number {number}"} for number in range(count)]
    app.extensions["adapter"].store.put(StoredResponse(ID, "", 1, None, json.dumps(items).encode(), b'{"output":[]}'))


@pytest.mark.parametrize(("count", "is_long"), [(100, False), (2000, True)])
def test_a_long_list_is_made_beside_the_loop(
    app: Flask, offloaded: list[str], count: int, is_long: bool
) -> None:
    put(app, count)
    page = app.test_client().get(f"/v1/responses/{ID}/input_items?limit=2").json
    assert page is not None
    texts = [item["content"][0]["text"] for item in page["data"]]
    assert texts == [f"number {count - 1}", f"number {count - 2}"]
    assert offloaded == [""] * is_long

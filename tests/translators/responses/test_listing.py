"""The input items of a response as a list shows them. Source: OpenAI API reference, Responses: list input items."""

from typing import Any, get_args

import pytest

from translators.errors import RequestError
from translators.responses.ids import Ids, input_item_id
from translators.responses.items import (
    AdditionalTools,
    FunctionCall,
    FunctionCallOutput,
    Item,
    ItemReference,
    Message,
    OutputText,
    Reasoning,
    SummaryText,
)
from translators.responses.listing import _PREFIX, list_items, list_page
from translators.responses.tools import FunctionTool

RESPONSE = Ids("0" * 24).response
OTHER = Ids("1" * 24).response


def id(prefix: str) -> str:
    return f"{prefix}_{'0' * 24}80000000"


ITEMS: dict[str, tuple[Item, dict[str, Any]]] = {
    "a string becomes a part": (
        Message("user", "Hi"),
        {"type": "message", "id": id("msg"), "role": "user", "status": "completed",
         "content": [{"type": "input_text", "text": "Hi"}]},
    ),
    "the model's string": (
        Message("assistant", "Hi"),
        {"type": "message", "id": id("msg"), "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}]},
    ),
    "its own id and status stay": (
        Message("assistant", [OutputText("Hi")], id="msg_7", status="incomplete"),
        {"type": "message", "id": "msg_7", "role": "assistant", "status": "incomplete",
         "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}]},
    ),
    "nulls are left out": (
        FunctionCall("a", "f", "{}", id=None, status=None, namespace=None),
        {"type": "function_call", "id": id("fc"), "call_id": "a", "name": "f", "arguments": "{}",
         "status": "completed"},
    ),
    "an output": (
        FunctionCallOutput("1", "a"),
        {"type": "function_call_output", "id": id("fco"), "call_id": "a", "output": "1", "status": "completed"},
    ),
    "a type without status": (
        AdditionalTools((FunctionTool("f"),)),
        {"type": "additional_tools", "id": id("at"), "role": "developer",
         "tools": ({"type": "function", "name": "f", "description": None, "parameters": None, "strict": None},)},
    ),
    "reasoning": (
        Reasoning([SummaryText("a")], encrypted_content=None),
        {"type": "reasoning", "id": id("rs"), "summary": [{"type": "summary_text", "text": "a"}]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ITEMS)
def test_items(name: str) -> None:
    item, expected = ITEMS[name]
    assert list_items([item], RESPONSE) == [expected]
    assert list_items([item], RESPONSE) == list_items([item], RESPONSE)


def test_ids_are_those_of_the_positions() -> None:
    every = list_items([Message("user", "a"), FunctionCall("a", "f", "{}")], RESPONSE)
    assert [item["id"] for item in every] == [input_item_id("msg", RESPONSE, 0), input_item_id("fc", RESPONSE, 1)]


def test_an_id_that_is_taken() -> None:
    """Paging goes by ids: with one that stands in a list twice it would come to no end."""
    taken: set[str] = set()
    first = list_items([Message("user", "a", id="msg_a"), Message("user", "b", id="msg_a")], RESPONSE, taken)
    second = list_items([Message("user", "a", id="msg_a")], OTHER, taken)
    assert [item["id"] for item in first] == ["msg_a", input_item_id("msg", RESPONSE, 1)]
    assert [item["id"] for item in second] == [input_item_id("msg", OTHER, 0)]


FIVE = [{"id": letter} for letter in "abcde"]

PAGES: list[tuple[dict[str, Any], str, bool]] = [
    ({}, "edcba", False),
    ({"order": "asc"}, "abcde", False),
    ({"limit": 2}, "ed", True),
    ({"limit": 5}, "edcba", False),
    ({"limit": 2, "after": "d"}, "cb", True),
    ({"limit": 2, "after": "b"}, "a", False),
    ({"after": "a"}, "", False),
    ({"order": "asc", "after": "b", "limit": 2}, "cd", True),
    ({"order": "asc", "before": "c"}, "ab", False),
    ({"order": "asc", "before": "e", "limit": 2}, "ab", True),
    ({"order": "asc", "after": "a", "before": "d"}, "bc", False),
    ({"order": "asc", "after": "d", "before": "b"}, "", False),
]


@pytest.mark.parametrize(("query", "expected", "more"), PAGES)
def test_pages(query: dict[str, Any], expected: str, more: bool) -> None:
    found = list_page(FIVE, **{"limit": 20, "order": "desc", "after": None, "before": None, **query})
    ids = [item["id"] for item in found["data"]]
    assert ("".join(ids), found["has_more"], found["object"]) == (expected, more, "list")
    assert (found["first_id"], found["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))


@pytest.mark.parametrize("cursor", ["after", "before"])
def test_an_unknown_cursor(cursor: str) -> None:
    query: dict[str, Any] = {"after": None, "before": None, cursor: "x"}
    with pytest.raises(RequestError) as caught:
        list_page(FIVE, limit=20, order="asc", **query)
    assert (caught.value.status, caught.value.param) == (404, cursor)


def test_every_type_of_item_can_be_listed() -> None:
    assert set(_PREFIX) == set(get_args(Item)) - {ItemReference}

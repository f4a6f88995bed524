"""Filters on attributes: what they compare, and what is no filter."""

from typing import Any

import pytest

from adapter.hosting.file_search.filters import matches, read_filter
from translators.errors import RequestError

FILE: dict[str, Any] = {"year": 2026, "kind": "memo", "public": True, "size": 1.5}


def compare(type: str, key: str, value: Any) -> dict[str, Any]:
    return {"type": type, "key": key, "value": value}


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (compare("eq", "year", 2026), True), (compare("eq", "year", 2026.0), True),
        (compare("eq", "year", "2026"), False),
        (compare("eq", "public", True), True), (compare("eq", "public", 1), False), (compare("eq", "none", "x"), False),
        (compare("ne", "kind", "memo"), False), (compare("ne", "kind", "x"), True), (compare("ne", "none", "x"), True),
        (compare("gt", "year", 2025), True), (compare("gt", "year", 2026), False), (compare("gte", "year", 2026), True),
        (compare("lt", "size", 2), True), (compare("lte", "size", 1.5), True), (compare("lt", "none", 2), False),
        (compare("gt", "kind", 1), False), (compare("gt", "kind", "a"), True), (compare("lt", "public", 5), False),
        (compare("in", "kind", ["a", "memo"]), True), (compare("in", "year", ["2026"]), False),
        (compare("nin", "kind", ["a"]), True), (compare("nin", "none", ["a"]), True),
        (compare("in", "none", []), False),
        ({"type": "and", "filters": [compare("eq", "year", 2026), compare("eq", "kind", "x")]}, False),
        ({"type": "or", "filters": [compare("eq", "year", 1),
                                    {"type": "and", "filters": [compare("eq", "size", 1.5)]}]}, True),
    ],
)  # fmt: skip
def test_a_filter(filter: dict[str, Any], expected: bool) -> None:
    assert matches(read_filter(filter, "filters"), FILE) is expected


DEEP: dict[str, Any] = compare("eq", "a", 1)
for _ in range(9):
    DEEP = {"type": "and", "filters": [DEEP]}


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ([], "filters"), ({}, "filters"), (compare("like", "a", "b"), "filters"),
        (compare("eq", "a", [1]), "filters.value"),
        (compare("in", "a", 1), "filters.value"), ({"type": "eq", "key": "a"}, "filters"),
        ({"type": "and"}, "filters.filters"), ({"type": "or", "filters": []}, "filters.filters"),
        ({"type": "or", "filters": [compare("eq", "a", None)]}, "filters.filters[0]"),
        (DEEP, "filters" + ".filters[0]" * 8),
    ],
)  # fmt: skip
def test_what_is_no_filter(given: Any, param: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_filter(given, "filters")
    assert caught.value.param == param

"""Schemas without some of their keywords: what is a keyword, and what only looks like one."""

from typing import Any

import pytest

from translators.dialects.schemas.keywords import keywords, without

CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "object", "title": "T"}, {"type": "object"}),
    ({"properties": {"title": {"type": "string", "title": "T"}}}, {"properties": {"title": {"type": "string"}}}),
    ({"items": {"title": "T", "anyOf": [{"title": "T"}, True]}}, {"items": {"anyOf": [{}, True]}}),
    ({"$defs": {"title": {"title": "T"}}}, {"$defs": {"title": {}}}),
    ({"enum": [{"title": "T"}], "const": {"title": "T"}, "default": {"title": "T"}},
     {"enum": [{"title": "T"}], "const": {"title": "T"}, "default": {"title": "T"}}),
    ({"required": ["title"], "properties": ["title"]}, {"required": ["title"], "properties": ["title"]}),
    ({"additionalProperties": {"title": "T"}}, {"additionalProperties": {}}),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "left"), CASES)
def test_a_keyword_goes_and_nothing_else(schema: dict[str, Any], left: dict[str, Any]) -> None:
    assert without(schema, {"title"}) == (left, keywords(schema))


def test_a_constant_is_the_only_one_of_its_kind() -> None:
    schema = {"anyOf": [{"const": "a"}, {"const": "b", "enum": ["b", "c"]}]}
    assert without(schema, {"const"})[0] == {"anyOf": [{"enum": ["a"]}, {"enum": ["b", "c"]}]}


def test_the_schema_itself_stays_as_it_is() -> None:
    schema = {"items": {"title": "T"}}
    without(schema, {"title"})
    assert schema == {"items": {"title": "T"}}


def test_bounds_of_draft_4_are_written_as_those_of_later_drafts() -> None:
    schema = {"minimum": 1, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False}
    assert without(schema, frozenset())[0] == {"exclusiveMinimum": 1, "maximum": 9}


def test_names_of_properties_are_no_keywords() -> None:
    assert keywords({"type": "object", "properties": {"format": {"pattern": "x"}}}) == {
        "type", "properties", "pattern"
    }  # fmt: skip


def test_a_schema_that_is_nested_too_deeply_stays_as_it_is() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"items": schema}
    assert without(schema, {"title"})[0] is schema

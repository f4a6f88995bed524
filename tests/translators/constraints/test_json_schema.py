"""Schemas: what fits, what does not, and what is not judged because it would take too long."""

from time import process_time
from typing import Any

import pytest

from translators.constraints.json_schema import NotJudged, first_error, schema_error

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
CITY = {"type": "object", "properties": {"city": {"type": "string", "pattern": "^P"}}, "required": ["city"]}

JUDGED: list[tuple[Any, dict[str, Any], str | None]] = [
    ({"city": "Paris"}, CITY, None),
    ({"city": 1}, CITY, "$.city: 1 is not of type 'string'"),
    ({}, CITY, "$: 'city' is a required property"),
    ({"city": "Rome"}, CITY, "$.city: 'Rome' does not match '^P'"),
    ({"city": 1}, {"properties": {"city": {"pattern": "^P"}}}, None),
    ([1, [2]], {"items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "integer"}}},
     "$[1]: [2] is not of type 'integer'"),
    ([1, "a"], {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}, {"const": "b"}]},
     "$[1]: 'b' was expected"),
    ("x", {"format": "date", "x-own": 1}, None),
    (list(range(200)), {"uniqueItems": True}, None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "schema", "expected"), JUDGED)
def test_misfits(value: Any, schema: dict[str, Any], expected: str | None) -> None:
    assert schema_error(schema) is None
    assert first_error(value, schema) == expected


def fan(depth: int) -> dict[str, Any]:
    """Return a schema whose references double at each of so many levels."""
    levels = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(depth)}
    return {"$defs": levels | {f"d{depth}": {"type": "string"}}, "$ref": "#/$defs/d0"}


NOT_JUDGED: list[tuple[Any, dict[str, Any], str]] = [
    (1, fan(40), "too long"),
    (1, {"$ref": "#"}, "nested too deeply"),
    (1, {"$ref": "http://127.0.0.1:9/schema"}, "outside itself"),
    ([[n] for n in range(1000)], {"uniqueItems": True}, "too long"),
    ("a" * 60 + "b", {"pattern": "(a|aa)+$"}, "too long"),
    ("a", {"pattern": "(?<odd"}, "not known here"),
    ({"a": 1}, {"patternProperties": {"(a+)+$": {}}}, "patternProperties"),
    (1, {"enum": ["x" * 1000] * 300}, "too large"),
    ("a" * 60 + "b", {"allOf": [{"$schema": DRAFT_7, "pattern": "^(a+)+$"}]}, "schema"),
    (["a" * 60 + "b"], {"$schema": DRAFT_7, "pattern": "(a|aa)+$", "items": {"$ref": "#"}}, "too long"),
    (1, {"$ref": "#/required/x", "required": ["a"]}, "cannot be used"),
    (10**400, {"multipleOf": 0.1}, "cannot be used"),
    ("a", {"pattern": "a{99999999999999999999}"}, "not known here"),
    ("a", {"pattern": "|".join("a" * 100_000)}, "too long"),
]


@pytest.mark.parametrize(("value", "schema", "reason"), NOT_JUDGED)
def test_what_is_not_judged(value: Any, schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotJudged, match=reason):
        first_error(value, schema)


@pytest.mark.parametrize(("schema", "told"), [
    ({"type": "objec"}, "$.type: 'objec' is not valid"),
    ({"properties": []}, "$.properties: [] is not of type 'object'"),
    ({"items": {"minLength": -1}}, "$.items.minLength: -1 is less than"),
    ({"$schema": []}, "$['$schema']: [] is not of type 'string'"),
])  # fmt: skip
def test_mistakes(schema: dict[str, Any], told: str) -> None:
    assert (schema_error(schema) or "").startswith(told)


@pytest.mark.parametrize("schema", [
    {"allOf": [{}] * 80_000},
    {"pattern": "|".join("a" * 100_000)},
    {"pattern": r"^\p{L}+$"},
])  # fmt: skip
def test_what_is_not_checked(schema: dict[str, Any]) -> None:
    """It would take seconds, in which the worker does nothing else; or Python does not know it, and others do."""
    began = process_time()
    assert schema_error(schema) is None
    assert process_time() - began < 0.5

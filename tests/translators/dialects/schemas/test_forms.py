"""Schemas in the forms that providers demand: what is written, and what is lost. That nothing else is lost is a law,
in tests/properties/to_chat/test_schema_forms.py."""

from typing import Any

import pytest

from translators.dialects.presets import PRESETS
from translators.dialects.schemas.forms import FORMS, departures, reshape

GOOGLE = PRESETS["gemini"].schema_forms
DEFS = {"A": {"type": "object", "properties": {"x": {"type": "string"}}}, "S": {"type": "string", "minLength": 1}}
TEXT = {"type": "string"}


def argument(schema: Any, **members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": schema}, "$defs": DEFS, **members}


ARGUMENTS: dict[str, tuple[set[str], Any, Any, int]] = {
    "an annotation beside a reference": (
        {"lone_refs"}, {"$ref": "#/$defs/A", "title": "T", "description": "D"},
        {"$ref": "#/$defs/A", "description": "D"}, 0,
    ),
    "what the target says, too": ({"lone_refs"}, {"$ref": "#/$defs/S", "type": "string"}, {"$ref": "#/$defs/S"}, 0),
    "a demand beside a reference": (
        {"lone_refs"}, {"$ref": "#/$defs/S", "maxLength": 9}, {"type": "string", "minLength": 1, "maxLength": 9}, 0,
    ),
    "a demand that contradicts": (
        {"lone_refs"}, {"$ref": "#/$defs/S", "minLength": 2}, {"type": "string", "minLength": 2}, 1,
    ),
    "a demand beside a reference to nothing": (
        {"lone_refs"}, {"$ref": "#/$defs/Z", "type": "string"}, {"$ref": "#/$defs/Z"}, 1,
    ),
    "no references": (
        {"no_refs"}, {"type": "array", "items": {"$ref": "#/$defs/A", "description": "D"}},
        {"type": "array", "items": {**DEFS["A"], "description": "D"}}, 0,
    ),
    "an optional text": ({"one_type"}, {"type": ["string", "null"], "title": "T", "maxLength": 9}, {
        "title": "T", "anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}],
    }, 0),
    "an optional text for Google": (GOOGLE, {"type": ["string", "null"]}, {"type": "string", "nullable": True}, 0),
    "several types for Google": (GOOGLE, {"type": ["string", "integer", "null"]}, {
        "anyOf": [{"type": "string", "nullable": True}, {"type": "integer", "nullable": True}],
    }, 0),
    "a union with null for Google": (
        GOOGLE, {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "T"},
        {"title": "T", "nullable": True, "type": "string"}, 0,
    ),
    "numbers": (
        {"string_enums"}, {"type": "integer", "enum": [60, 1440], "description": "Minutes."},
        {"type": "integer", "description": "Minutes. One of: 60, 1440."}, 1,
    ),
    "numbers without a type": ({"string_enums"}, {"enum": [1, 2]}, {
        "type": "integer", "description": "One of: 1, 2.",
    }, 1),
    "a constant number": ({"string_enums"}, {"const": 1}, {"type": "integer", "description": "One of: 1."}, 1),
    "texts and null for Google": (
        GOOGLE, {"enum": ["a", "b", None]}, {"enum": ["a", "b"], "type": "string", "nullable": True}, 0,
    ),
    "texts": ({"string_enums"}, {"enum": ["a", "b"]}, {"enum": ["a", "b"]}, 0),
    "an array of anything": ({"typed_arrays"}, {"type": "array"}, {"type": "array", "items": {}}, 0),
    "an array of anything for Google": (GOOGLE, {"type": "array"}, {"type": "array", "items": TEXT}, 1),
    "a tuple": (
        {"typed_arrays"}, {"type": "array", "prefixItems": [TEXT, {"type": "integer"}]},
        {"type": "array", "items": {"anyOf": [TEXT, {"type": "integer"}]}}, 1,
    ),
    "a tuple of one type, as it once was written": (
        {"typed_arrays"}, {"type": "array", "items": [TEXT, TEXT]}, {"type": "array", "items": TEXT}, 1,
    ),
    "an object without properties": (
        {"listed_properties"},
        {"type": "object", "properties": {"a": {"type": "object"}, "b": {"type": "object", "anyOf": [TEXT]}}},
        {"type": "object", "properties": {
            "a": {"type": "object", "properties": {}}, "b": {"type": "object", "anyOf": [TEXT]},
        }}, 0,
    ),
    "an object with nothing in it": ({"whole_objects"}, {"type": "object"}, {
        "type": "object", "properties": {"unused": {"type": "string", "description": "Leave this out."}},
    }, 1),
    "an object that requires what it does not declare": (
        {"whole_objects"}, {"type": "object", "properties": {"x": TEXT}, "required": ["x", "y"]},
        {"type": "object", "properties": {"x": TEXT, "y": {}}, "required": ["x", "y"]}, 0,
    ),
    "a union with a type": (
        {"typed_unions"}, {"type": "string", "anyOf": [{"minLength": 1}, {"$ref": "#/$defs/S"}]},
        {"anyOf": [{"type": "string", "minLength": 1}, {"$ref": "#/$defs/S"}]}, 0,
    ),
    "names like keywords": (
        set(FORMS), {"type": "object", "properties": {"enum": TEXT, "$ref": TEXT, "type": TEXT}},
        {"type": "object", "properties": {"enum": TEXT, "$ref": TEXT, "type": TEXT}}, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_argument(name: str) -> None:
    forms, schema, expected, lost = ARGUMENTS[name]
    written, losses = reshape(argument(schema), forms)
    assert written["properties"]["a"] == expected
    assert len(losses) == lost
    assert reshape(written, forms)[0] == written


ROOTS: dict[str, tuple[Any, Any]] = {
    "alternatives": (
        {"oneOf": [
            {"$ref": "#/$defs/A"}, {"type": "object", "properties": {"y": TEXT, "x": TEXT}, "required": ["y"]},
        ], "$defs": DEFS},
        {"type": "object", "$defs": DEFS, "properties": {"x": TEXT, "y": TEXT},
         "description": "Give one of these groups of members: x; y, x."},
    ),
    "what all demand": (
        {"type": "object", "properties": {"a": TEXT}, "anyOf": [
            {"properties": {"b": TEXT}, "required": ["a", "b"]},
            {"properties": {"b": {"type": "integer"}}, "required": ["a"]},
        ]},
        {"type": "object", "properties": {"a": TEXT, "b": {"anyOf": [TEXT, {"type": "integer"}]}}, "required": ["a"],
         "description": "Give one of these groups of members: b; b."},
    ),
    "all of several": (
        {"allOf": [{"properties": {"a": TEXT}, "required": ["a"]}, {"properties": {"b": TEXT}, "required": ["b"]}]},
        {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a", "b"]},
    ),
    "a reference": ({"$ref": "#/$defs/A", "$defs": DEFS}, {**DEFS["A"], "$defs": DEFS}),
    "an object or null": ({"type": ["object", "null"], "properties": {}}, {"type": "object", "properties": {}}),
}  # fmt: skip


@pytest.mark.parametrize("name", ROOTS)
def test_a_root(name: str) -> None:
    schema, expected = ROOTS[name]
    assert reshape(schema, {"object_root"})[0] == expected


def test_what_has_no_end_stays_as_it_is() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#", "maxProperties": 2}}}
    assert reshape(tree, {"lone_refs"})[0]["properties"]["right"] == {"$ref": "#"}
    assert reshape(tree, {"no_refs"})[1] != ()
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"items": deep}
    assert reshape(deep, set(FORMS)) == (deep, ())
    wide = {f"d{at}": {"allOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 9} for at in range(9)} | {"d9": {}}
    fan = {"$ref": "#/$defs/d0", "$defs": wide}
    assert reshape(fan, {"no_refs"}) == (fan, ())


def test_departures() -> None:
    assert departures({"properties": {"a": TEXT}, "type": "object"}) == set()
    assert departures({"properties": {"a": {"type": ["string", "null"]}}, "type": "object"}) == {"one_type"}
    assert departures({"anyOf": [{"enum": [1]}]}) == {"object_root", "string_enums", "whole_objects"}
    assert departures(None) == set()

"""The demo's instances fit any schema that structured outputs allow."""

import json
from typing import Any

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from adapter.demo.instances import instance_of

JSON = dict[str, Any]


def _whole(low: int, room: int, is_exclusive: bool, step: int) -> JSON:
    """Return the schema of a whole number, with room for at least one."""
    bound = "exclusiveMinimum" if is_exclusive else "minimum"
    return {"type": "integer", bound: low, "maximum": low + room + step, "multipleOf": step}


def _object(properties: dict[str, JSON]) -> JSON:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False
    }  # fmt: skip


TEXT = st.fixed_dictionaries(
    {"type": st.just("string")},
    optional={
        "minLength": st.integers(0, 9),
        "format": st.sampled_from(["date", "email", "uuid", "ipv4"]),
    },
)
PATTERN = st.sampled_from(
    [r"^\d{5}$", r"^(\+\d+|0)[ -]?[1-9]\d*$", "^[A-Z]{2}[^a-z]$", r"^#?[0-9a-f]{6}$", r"^[\w-]+$"]
)
WHOLE = st.builds(_whole, st.integers(-20, 20), st.integers(1, 30), st.booleans(), st.integers(1, 7))
NUMBER = st.integers(-9, 9).map(lambda high: {"type": "number", "exclusiveMaximum": high})
PLAIN = st.sampled_from(
    [{"type": "boolean"}, {"type": "null"}, {"enum": ["x", 1]}, {"const": [1]}, {"type": ["null", "string"]}]
)
LEAF = TEXT | PATTERN.map(lambda pattern: {"type": "string", "pattern": pattern}) | WHOLE | NUMBER | PLAIN


def _larger(part: st.SearchStrategy[JSON]) -> st.SearchStrategy[JSON]:
    arrays = st.builds(
        lambda items, least: {"type": "array", "items": items, "minItems": least}, part, st.integers(0, 2)
    )
    unions = st.lists(part, min_size=1, max_size=2).map(lambda parts: {"anyOf": parts})
    return st.dictionaries(st.sampled_from("abcd"), part, max_size=3).map(_object) | arrays | unions


@given(st.recursive(LEAF, _larger, max_leaves=8))
def test_an_instance_fits_any_schema(schema: JSON) -> None:
    jsonschema.validate(json.loads(json.dumps(instance_of(schema))), schema)

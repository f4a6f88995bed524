"""A schema in the forms that a provider demands accepts the same values, unless a loss is noted."""

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from translators.dialects.schemas.forms import FORMS, departures, reshape

EXACT = [form for form in FORMS if form not in ("nullable", "object_root")]
"""`nullable` is no keyword of JSON Schema; `object_root` always says less."""
TYPES = st.sampled_from(["string", "integer", "null", "boolean", "array", "object"])
values = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "bb"])
nested_values = values | st.lists(values, max_size=3) | st.dictionaries(st.sampled_from("xy"), values, max_size=2)
leaves = st.fixed_dictionaries(
    {},
    optional={
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "enum": st.lists(values, min_size=1, max_size=3),
        "minLength": st.integers(0, 2),
        "minimum": st.integers(0, 2),
        "title": st.just("T"),
    },
)
references = st.fixed_dictionaries(
    {"$ref": st.sampled_from(["#/$defs/A", "#/$defs/B"])},
    optional={"type": TYPES, "title": st.just("T"), "minLength": st.integers(0, 2)},
)


def nest(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = st.dictionaries(st.sampled_from("xy"), inner)
    return (
        st.fixed_dictionaries({"type": st.just("array")}, optional={"items": inner})
        | st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}, optional={"type": TYPES})
        | st.fixed_dictionaries({"type": st.just("object"), "properties": members})
    )


schemas = st.recursive(leaves | references, nest, max_leaves=5)


@settings(max_examples=60)
@given(schemas, leaves, schemas, st.sets(st.sampled_from(EXACT), min_size=1), st.lists(nested_values, max_size=4))
def test_the_same_values_are_accepted(
    argument: Any, simple: Any, other: Any, forms: set[str], instances: list[Any]
) -> None:
    schema = {"properties": {"v": argument}, "$defs": {"A": simple, "B": other}}
    written, losses = reshape(schema, forms)
    assert forms.isdisjoint(departures(written)) or losses
    assume(not losses)
    before, after = Draft202012Validator(schema), Draft202012Validator(written)
    for instance in instances:
        whole = {"v": instance}
        try:
            expected = before.is_valid(whole)
        except RecursionError:
            continue
        assert after.is_valid(whole) == expected

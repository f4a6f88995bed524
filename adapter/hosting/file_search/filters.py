"""Filters on the attributes of files: comparisons, and compounds of them.

A file without the attribute fulfils no comparison but `ne` and `nin`; values of different types are never equal, and
numbers compare with numbers alone.
Source: OpenAI API reference, Vector stores: search.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from translators.errors import invalid_parameter

_MAX_DEPTH: Final = 8

Value = str | float | bool
Attributes = Mapping[str, Value]


class Comparison(Struct, frozen=True, tag_field="kind", tag="comparison"):
    """One attribute compared with a value, or with several."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: Annotated[str, Meta(max_length=64)]
    value: Value | Annotated[list[Value], Meta(max_length=1000)]


class Compound(Struct, frozen=True, tag_field="kind", tag="compound"):
    """Several filters, all or any of which must hold."""

    type: Literal["and", "or"]
    filters: list["Filter"]


Filter = Comparison | Compound

_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
}


def read_filter(given: object, param: str, depth: int = 0) -> Filter:
    """Return the filter in decoded JSON; raise RequestError with its path."""
    if depth == _MAX_DEPTH:
        raise invalid_parameter(param, f"filters may be nested {_MAX_DEPTH} deep")
    if not isinstance(given, dict):
        raise invalid_parameter(param, "expected an object")
    if given.get("type") in ("and", "or"):
        members = given.get("filters")
        if not isinstance(members, list) or not members:
            raise invalid_parameter(f"{param}.filters", "expected a list of filters")
        filters = [read_filter(one, f"{param}.filters[{at}]", depth + 1) for at, one in enumerate(members)]
        return Compound(given["type"], filters)
    try:
        comparison = msgspec.convert({**given, "kind": "comparison"}, Comparison)
    except msgspec.ValidationError as error:
        raise invalid_parameter(param, str(error)[:200]) from None
    is_list, wants_list = isinstance(comparison.value, list), comparison.type in ("in", "nin")
    if is_list != wants_list:
        raise invalid_parameter(
            f"{param}.value", f"expected {'a list' if wants_list else 'one value'} for '{comparison.type}'"
        )
    return comparison


def matches(filter: Filter, attributes: Attributes) -> bool:
    """Whether a file with these attributes passes a filter."""
    if isinstance(filter, Compound):
        combine = all if filter.type == "and" else any
        return combine([matches(one, attributes) for one in filter.filters])
    value, expected = attributes.get(filter.key), filter.value
    match filter.type:
        case "eq":
            return _same(value, expected)
        case "ne":
            return not _same(value, expected)
        case "in" | "nin":
            values = expected if isinstance(expected, list) else [expected]
            return any(_same(value, one) for one in values) == (filter.type == "in")
        case compare:
            if value is None or _kind(value) != _kind(expected) or isinstance(value, bool):
                return False
            return _ORDER[compare](value, expected)


def _same(value: object, other: object) -> bool:
    return value is not None and _kind(value) == _kind(other) and value == other


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else type(value).__name__

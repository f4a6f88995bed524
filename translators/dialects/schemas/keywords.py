"""Remove keywords from a JSON schema, for providers whose schema compilers support only a few.

The dialect lists the keywords (`unknown_keywords`); rejections add to them (`amendments.py`). A removed `const` is
replaced by an `enum` with one value, `oneOf` by `anyOf`, and `allOf` by one schema. Only keys of schemas are keywords:
keys of `properties` and the like are names chosen by the caller, and values of `enum`, `const`, `default` and
`examples` are not schemas, whatever they look like. Keywords that only the Responses API has (`ONLY_IN_RESPONSES`) are
sent to no provider; the bounds of draft 4 are written as those of later drafts. Source: JSON Schema, core §10.
"""

from collections.abc import Set
from typing import Any, Final

from translators.dialects.schemas.merging import merge_all

ONLY_IN_RESPONSES: Final = frozenset({"encrypted"})
"""Keywords of the Responses API alone: `encrypted` asks OpenAI to encrypt an argument."""
_BOUNDS: Final = (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"))
"""In draft 4 of JSON Schema the second is a boolean, which says how to read the first; later drafts refuse that."""
_BY_NAME: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose values map names to schemas."""
_VALUES: Final = frozenset({"enum", "const", "default", "examples", "required"})
"""Keywords whose values are not schemas."""


def keywords(schema: Any) -> Set[str]:
    """Return all keywords that a schema uses."""
    return without(schema, frozenset())[1]


def without(schema: dict[str, Any], unknown: Set[str]) -> tuple[dict[str, Any], Set[str]]:
    """Return a schema without these keywords, and all keywords it had; one nested too deeply is returned unchanged."""
    found: set[str] = set()
    try:
        left: dict[str, Any] = _strip(schema, unknown, found)
    except RecursionError:
        return schema, frozenset()
    return left, found


def _strip(schema: Any, unknown: Set[str], found: set[str]) -> Any:
    """Return a schema, or a list of them, without unknown keywords; add all keywords seen to `found`."""
    if isinstance(schema, list):
        return [_strip(entry, unknown, found) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    found.update(schema)
    if "allOf" in unknown and isinstance(schema.get("allOf"), list):
        parts = [part for part in schema["allOf"] if isinstance(part, dict)]
        schema, _ = merge_all([*parts, {keyword: value for keyword, value in schema.items() if keyword != "allOf"}])
    left = {key: _strip_value(key, value, unknown, found) for key, value in schema.items() if key not in unknown}
    if "const" in schema and "const" in unknown:
        left.setdefault("enum", [schema["const"]])
    if "oneOf" in schema and "oneOf" in unknown and "anyOf" not in unknown:
        left.setdefault("anyOf", _strip(schema["oneOf"], unknown, found))
    for bound, exclusive in _BOUNDS:
        if isinstance(left.get(exclusive), bool):
            is_exclusive = left.pop(exclusive)
            if is_exclusive and bound in left:
                left[exclusive] = left.pop(bound)
    return left


def _strip_value(keyword: str, value: Any, unknown: Set[str], found: set[str]) -> Any:
    if keyword in _VALUES:
        return value
    if keyword in _BY_NAME and isinstance(value, dict):
        return {name: _strip(part, unknown, found) for name, part in value.items()}
    return _strip(value, unknown, found)

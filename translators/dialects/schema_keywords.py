"""A JSON schema without some of its keywords, for providers whose own compilers know only a few.

What can be said by a keyword that is left is said by it: `const` by `enum`. A keyword is a key of a schema. Keys of
`properties` and the like are names that the caller chose, and values of `enum`, `const`, `default` and `examples` are
no schemas, whatever they look like. Source: JSON Schema 2020-12, core §10.
"""

from collections.abc import Set
from typing import Any, Final

_BY_NAME: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose keys are names, each with a schema."""
_VALUES: Final = frozenset({"enum", "const", "default", "examples", "required"})
"""Keywords that hold no schemas."""


def keywords(schema: Any) -> Set[str]:
    """Return all keywords that a schema uses."""
    return without(schema, frozenset())[1]


def without(schema: dict[str, Any], unknown: Set[str]) -> tuple[dict[str, Any], Set[str]]:
    """Return a schema without these keywords, and all that it had; one nested too deeply stays as it is."""
    found: set[str] = set()
    try:
        left: dict[str, Any] = _left(schema, unknown, found)
    except RecursionError:
        return schema, frozenset()
    return left, found


def _left(schema: Any, unknown: Set[str], found: set[str]) -> Any:
    """Return what is left of a schema, or of a list of them; all keywords seen are added to `found`."""
    if isinstance(schema, list):
        return [_left(entry, unknown, found) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    found.update(schema)
    left = {key: _value(key, value, unknown, found) for key, value in schema.items() if key not in unknown}
    if "const" in schema and "const" in unknown:
        left.setdefault("enum", [schema["const"]])
    return left


def _value(keyword: str, value: Any, unknown: Set[str], found: set[str]) -> Any:
    if keyword in _VALUES:
        return value
    if keyword in _BY_NAME and isinstance(value, dict):
        return {name: _left(part, unknown, found) for name, part in value.items()}
    return _left(value, unknown, found)

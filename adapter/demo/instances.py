"""The smallest JSON value that fits a JSON schema, for the demo upstream's structured answers and tool arguments.

Covers what structured outputs allow: types, enum, const, properties, items, anyOf / oneOf / allOf, local `$ref`,
lower bounds. Optional properties are left out.
"""

from typing import Any

JSON = dict[str, Any]

_MAX_DEPTH = 32
"""Nested schemas and references; a schema may refer to itself without end. Deeper values are null."""


def instance_of(schema: JSON) -> Any:
    """Return a minimal instance of a schema; a recursive one that never ends is cut off with null."""
    return _instance(schema, schema, "text", 0)


def _instance(schema: JSON | bool, root: JSON, name: str, depth: int) -> Any:
    if isinstance(schema, bool) or depth > _MAX_DEPTH:
        return None
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if schema.get(key):
            return schema[key][0]
    if "$ref" in schema:
        return _instance(_resolve(schema["$ref"], root), root, name, depth + 1)
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return _instance(schema[key][0], root, name, depth + 1)
    if schema.get("allOf"):
        schema = _merge_all_of(schema, root)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    match kind:
        case "string":
            return name.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]
        case "integer" | "number":
            return max(schema.get("minimum", 0), schema.get("exclusiveMinimum", -1) + 1)
        case "boolean":
            return False
        case "null":
            return None
        case "array":
            item = schema.get("items", {})
            return [_instance(item, root, name, depth + 1) for _ in range(schema.get("minItems", 0))]
        case _:
            properties = schema.get("properties", {})
            return {
                name: _instance(properties.get(name, {}), root, name, depth + 1)
                for name in schema.get("required", ())
            }


def _resolve(ref: str, root: JSON) -> JSON:
    """Follow a local reference: `#`, `#/$defs/Name`."""
    found: Any = root
    for step in ref.removeprefix("#").strip("/").split("/"):
        if step:
            found = found.get(step.replace("~1", "/").replace("~0", "~"), {})
    return found if isinstance(found, dict) else {}


def _merge_all_of(schema: JSON, root: JSON) -> JSON:
    """Lay the parts of an allOf over each other."""
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        resolved = _resolve(part["$ref"], root) if "$ref" in part else part
        for key, value in resolved.items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required":
                merged[key] = [*merged.get(key, []), *value]
            else:
                merged.setdefault(key, value)
    return merged

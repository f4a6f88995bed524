"""The smallest JSON value that fits a JSON schema, for the demo upstream's structured answers and tool arguments.

Covers what structured outputs allow: types, enum, const, properties, items, anyOf / oneOf / allOf, local `$ref`,
`pattern`, `format`, bounds. Optional properties are left out.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, Final

from adapter.demo.patterns import FORMATS, text_for

JSON = dict[str, Any]

_MAX_DEPTH = 32
"""Nested schemas and references; a schema may refer to itself without end. Deeper values are null."""
QUERIES: Final = frozenset({"query", "queries", "q", "question"})
"""Properties whose text is what was asked."""
_NAME: Final = re.compile(r"(?<=[a-z,] )[A-Z]\w+")
"""A proper noun: a capital in the midst of a sentence."""


class Words:
    """The texts that an instance takes from what the user wrote: in turn its proper nouns, for a query all of it."""

    def __init__(self, said: str, asked: str = "") -> None:
        self._asked = asked or said
        self._nouns: Iterator[str] = iter(_NAME.findall(said))

    def text(self, name: str) -> str:
        return (self._asked if name in QUERIES else next(self._nouns, "")) or name


def instance_of(schema: JSON, words: Words | None = None, name: str = "text") -> Any:
    """Return a minimal instance of a schema; a recursive one that never ends is cut off with null.

    A text that the schema leaves open is one of `words`, else the name of its property (`name`, at the root).
    """
    return _Instance(schema, words or Words("")).of(schema, name, 0)


class _Instance:
    def __init__(self, root: JSON, words: Words) -> None:
        self._root = root
        self._words = words

    def of(self, schema: JSON | bool, name: str, depth: int) -> Any:
        if isinstance(schema, bool) or depth > _MAX_DEPTH:
            return None
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        for key in ("enum", "examples"):
            if schema.get(key):
                return schema[key][0]
        if "$ref" in schema:
            return self.of(_resolve(schema["$ref"], self._root), name, depth + 1)
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return self.of(schema[key][0], name, depth + 1)
        if schema.get("allOf"):
            schema = _merge_all_of(schema, self._root)
        match _kind(schema):
            case "string":
                return self._text(schema, name)
            case "integer" | "number" as kind:
                return _number(schema, kind)
            case "boolean":
                return False
            case "null":
                return None
            case "array":
                return self._array(schema, name, depth)
            case _:
                properties = schema.get("properties", {})
                return {
                    name: self.of(properties.get(name, {}), name, depth + 1) for name in schema.get("required", ())
                }

    def _text(self, schema: JSON, name: str) -> str:
        shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
        if "pattern" in schema:
            found = text_for(schema["pattern"], shortest, longest)
            if found is not None:
                return found
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        return self._words.text(name).ljust(shortest, ".")[:longest]

    def _array(self, schema: JSON, name: str, depth: int) -> list[Any]:
        first = schema.get("prefixItems", [])
        items = schema.get("items", {})
        return [
            self.of(first[place] if place < len(first) else items, name, depth + 1)
            for place in range(max(schema.get("minItems", 0), len(first)))
        ]


def _kind(schema: JSON) -> str | None:
    """Return the type of a schema, which its other keywords may imply."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind is None and not {"pattern", "format", "minLength", "maxLength"}.isdisjoint(schema):
        return "string"
    return kind


def _number(schema: JSON, kind: str) -> float:
    """Return the number next to 0 within the bounds; between two that leave no whole one, the middle."""
    step = schema.get("multipleOf", 1)
    low, above = schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf)
    high, below = schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf)
    lowest, highest = max(low, above), min(high, below)
    candidates: list[float] = [0]
    if lowest > -math.inf:
        candidates += [math.ceil(lowest / step) * step, math.floor(lowest / step + 1) * step]
    if highest < math.inf:
        candidates += [math.floor(highest / step) * step, math.ceil(highest / step - 1) * step]
    fitting = (value for value in candidates if low <= value <= high and above < value < below)
    value = next(fitting, (max(lowest, -1) + min(highest, 1)) / 2)
    return int(value) if kind == "integer" or value == int(value) else value


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

"""Schemas in one: what a reference means, and what several schemas together demand.

References are followed within their own schema only. Source: JSON Schema, core §8.2, §10.2.
"""

from collections.abc import Sequence
from typing import Any, Final

Schema = dict[str, Any]

ANNOTATIONS: Final = frozenset(
    {"title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$comment"}
)
"""Keywords that demand nothing."""


def follow(reference: Any, root: Schema) -> Schema | None:
    """Return the schema that a reference within `root` means; None: there is none."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found: Any = root
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, dict) and name in found:
            found = found[name]
        else:
            return None
    return found if isinstance(found, dict) else None


def merge_all(schemas: Sequence[Schema]) -> tuple[Schema, bool]:
    """Return one schema for what all of some demand, and whether it says all of that."""
    merged: Schema = {}
    exact = True
    for schema in schemas:
        for keyword, value in schema.items():
            known = merged.get(keyword)
            if known is None or known == value or keyword in ANNOTATIONS:
                merged[keyword] = value
            elif keyword == "properties":
                both = {name: merge_all([known[name], part]) for name, part in value.items() if name in known}
                exact = exact and all(whole for _, whole in both.values())
                merged[keyword] = known | value | {name: part for name, (part, _) in both.items()}
            elif keyword == "required":
                merged[keyword] = list(dict.fromkeys([*known, *value]))
            elif keyword in ("$defs", "definitions"):
                merged[keyword] = known | value
            else:
                merged[keyword] = value
                exact = False
    return merged, exact


def merge_any(schemas: Sequence[Schema]) -> Schema:
    """Return one schema of an object for what any of some describe: it demands what all of them demand."""
    properties: dict[str, list[Any]] = {}
    for schema in schemas:
        for name, part in (schema.get("properties") or {}).items():
            known = properties.setdefault(name, [])
            if part not in known:
                known.append(part)
    required = [set(schema.get("required") or ()) for schema in schemas]
    common = set.intersection(*required) if required else set()
    merged: Schema = {
        "properties": {name: parts[0] if len(parts) == 1 else {"anyOf": parts} for name, parts in properties.items()}
    }
    return merged | ({"required": sorted(common)} if common else {})

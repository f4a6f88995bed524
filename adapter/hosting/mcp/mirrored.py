"""Parameters that revision 2026-07-28 mirrors into HTTP headers, so that proxies can route a call without its body.

`Mcp-Name` has the name of the tool; a property of its schema with `x-mcp-header: "Region"` goes into
`Mcp-Param-Region`. A tool whose annotations are invalid must not be used by a client.
Source: Model Context Protocol specification, Transports: Custom headers from tool parameters.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_ANNOTATION: Final = "x-mcp-header"
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_PLAIN: Final = re.compile(r"[!-~]([ -~]*[!-~])?")
_ENCODED: Final = re.compile(r"=\?base64\?.*\?=")
_TYPES: Final = ("string", "integer", "boolean")
_SCHEMAS_BELOW: Final = frozenset(
    {"items", "contains", "unevaluatedItems", "additionalProperties", "propertyNames", "unevaluatedProperties", "not"}
    | {"if", "then", "else", "contentSchema", "allOf", "anyOf", "oneOf", "prefixItems", "patternProperties"}
    | {"dependentSchemas", "$defs", "definitions"}
)
"""Keywords below which an annotation is invalid, since its parameter may or may not be there."""

Path = tuple[str, ...]
"""The properties that lead to a parameter."""


class InvalidAnnotation(Exception):
    """A tool's schema has an annotation that the specification forbids."""


def find_mirrored(schema: Mapping[str, Any]) -> dict[Path, str]:
    """Return the header of each parameter that is mirrored; raise InvalidAnnotation."""
    found: dict[Path, str] = {}
    for path, node in _positions(schema):
        if _ANNOTATION not in node:
            continue
        name = node[_ANNOTATION]
        if not path or not isinstance(name, str) or not _TOKEN.fullmatch(name) or node.get("type") not in _TYPES:
            raise InvalidAnnotation
        header = f"Mcp-Param-{name}"
        if header.lower() in map(str.lower, found.values()):
            raise InvalidAnnotation
        found[path] = header
    return found


def mirror(name: str, mirrored: Mapping[Path, str], arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a call; a parameter that is missing or null has none."""
    headers = {"Mcp-Name": encode_header(name)}
    for path, header in mirrored.items():
        value: Any = arguments
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, bool):
            headers[header] = str(value).lower()
        elif isinstance(value, (str, int, float)):
            headers[header] = encode_header(str(value))
    return headers


def encode_header(value: str) -> str:
    """Return a value as a header may have it: in base64 unless it is plain ASCII without outer blanks."""
    if value == "" or (_PLAIN.fullmatch(value) and not _ENCODED.fullmatch(value)):
        return value
    return f"=?base64?{base64.b64encode(value.encode(errors='replace')).decode()}?="


def _positions(schema: Mapping[str, Any]) -> Iterator[tuple[Path | None, dict[str, Any]]]:
    """Yield each schema within a schema, with the properties that lead to it; None: not by properties alone."""
    waiting: list[tuple[Path | None, Any]] = [((), schema)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, list):
            waiting += [(None, one) for one in node]
        if not isinstance(node, dict):
            continue
        yield path, node
        for keyword, value in node.items():
            if keyword == "properties" and isinstance(value, dict):
                waiting += [(None if path is None else (*path, name), one) for name, one in value.items()]
            elif keyword in _SCHEMAS_BELOW and isinstance(value, (dict, list)):
                named = keyword in ("patternProperties", "dependentSchemas", "$defs", "definitions")
                waiting += [(None, one) for one in (value.values() if named and isinstance(value, dict) else [value])]

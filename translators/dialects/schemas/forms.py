"""A schema in other words, for providers that take only some forms of JSON Schema.

A dialect lists what its provider demands (`schema_forms`), and `reshape` writes a schema so. Where the new form says
less than the old one, the rest goes into a description, and the loss is returned for a note. Rejections add to the
list (`amendments.py`). What is nested too deeply, or refers to itself without end, stays as it is.
Source: JSON Schema, core and validation; Gemini API docs, Function calling; Moonshot docs; anomalyco/opencode#12295;
openai/codex#41233; NousResearch/hermes-agent#15082; zed-industries/zed#53919.
"""

from collections.abc import Iterator, Sequence, Set
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from translators.dialects.schemas.merging import ANNOTATIONS, Schema, follow, merge_all, merge_any
from translators.wire import decode, encode

SchemaForm = Literal[
    "lone_refs", "no_refs", "one_type", "nullable", "string_enums", "typed_arrays", "typed_unions", "whole_objects",
    "listed_properties", "object_root",
]
"""What a provider may demand. `lone_refs`: beside `$ref` only `description` and `default`; `no_refs`: no references;
`one_type`: `type` is one word; `nullable`: null is the keyword `nullable`, not a type; `string_enums`: the values of an
`enum` are strings; `typed_arrays`: an array has `items`, one schema; `typed_unions`: no `type` beside `anyOf` or
`oneOf`; `whole_objects`: an object has properties, among them all that are `required`; `listed_properties`: an object
has `properties`, if only none; `object_root`: the parameters of a function are one object, without alternatives."""

FORMS: Final[tuple[SchemaForm, ...]] = get_args(SchemaForm)
_BESIDE_REF: Final = ("description", "default")
_UNIONS: Final = ("anyOf", "oneOf")
_NAMED: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords whose values map names to schemas."""
_LISTED: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE: Final = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")
_ONLY_FOR: Final[dict[str, frozenset[str]]] = {
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"}),
    "object": frozenset({"properties", "required", "additionalProperties", "patternProperties", "propertyNames"}),
}
"""Keywords that count for values of one type only."""
_PYTHON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,), "boolean": (bool,), "null": (type(None),), "integer": (int,), "number": (int, float),
    "array": (list,), "object": (dict,),
}  # fmt: skip
_SAY_WHAT_IT_HAS: Final = frozenset({"properties", "$ref", "anyOf", "oneOf", "allOf"})
"""Keywords by which the schema of an object says what it has."""
_UNUSED: Final = "unused"
_MAX_SCHEMAS: Final = 2000
"""Schemas in one that are written anew: references that fan out could make far more of them."""


_MAX_CACHED: Final = 512
"""Schemas whose new form is cached, of at most `_MAX_CACHED_BYTES`: the tools of several sessions."""
_MAX_CACHED_BYTES: Final = 16 << 10


class _Unbounded(Exception):
    """A schema is too large to be written anew."""


def reshape(schema: Schema, forms: Set[str]) -> tuple[Schema, Sequence[str]]:
    """Return a schema in the forms that a provider demands, and what the new form no longer says, if anything.

    The same tools come with every request of a session, so that what they become is cached: do not change it.
    """
    try:
        json = encode(schema)
    except RecursionError:
        return schema, ()
    make = _reshape_cached if len(json) <= _MAX_CACHED_BYTES else _reshape
    return make(json, frozenset(forms))


def _reshape(json: bytes, forms: frozenset[str]) -> tuple[Schema, Sequence[str]]:
    schema: Schema = decode(json)
    writer = _Writer(schema, forms)
    try:
        return writer.write_root(), tuple(dict.fromkeys(writer.losses))
    except (RecursionError, _Unbounded):
        return schema, ()


_reshape_cached: Final = lru_cache(_MAX_CACHED)(_reshape)


def departures(schema: Any) -> set[str]:
    """Return the forms that a schema does not have."""
    if not isinstance(schema, dict):
        return set()
    found = {str(form) for form in FORMS if form != "nullable" and reshape(schema, {form})[0] != schema}
    return found if schema.get("properties") else found | {"whole_objects"}


class _Writer:
    """Writes one schema anew."""

    def __init__(self, root: Schema, forms: Set[str]) -> None:
        self.losses: list[str] = []
        self._root = root
        self._forms = forms
        self._left = _MAX_SCHEMAS
        self._within: list[str] = []
        """The references that are being replaced."""

    def write_root(self) -> Schema:
        root = self._object_root(self._root) if "object_root" in self._forms else self._root
        written: Schema = self._write(root, is_root=True)
        if "no_refs" in self._forms:
            written.pop("$defs", None)
            written.pop("definitions", None)
        return written

    def _write(self, node: Any, *, is_root: bool = False) -> Any:
        if not isinstance(node, dict):
            return node
        self._left -= 1
        if not self._left:
            raise _Unbounded
        forms = self._forms
        if "$ref" in node:
            if "no_refs" in forms:
                return self._replaced_ref(node)
            if "lone_refs" in forms:
                node = self._lone_ref(node)
        if "typed_arrays" in forms:
            node = self._typed_array(node)
        if "string_enums" in forms:
            node = self._string_enum(node)
        if "whole_objects" in forms and not (is_root and not node.get("properties")):
            node = self._whole_object(node)
        if "listed_properties" in forms and node.get("type") == "object" and _SAY_WHAT_IT_HAS.isdisjoint(node):
            node = {**node, "properties": {}}
        if "one_type" in forms:
            node = self._one_type(node)
        if "typed_unions" in forms and not is_root:
            node = self._typed_union(node)
        return self._write_parts(node)

    def _write_parts(self, node: Schema) -> Schema:
        written: Schema = {}
        for keyword, value in node.items():
            if keyword in _NAMED and isinstance(value, dict):
                written[keyword] = {name: self._write(part) for name, part in value.items()}
            elif keyword in _LISTED and isinstance(value, list):
                written[keyword] = [self._write(part) for part in value]
            else:
                written[keyword] = self._write(value) if keyword in _SINGLE else value
        return written

    # --- references ---------------------------------------------------------------------------------------------------

    def _lone_ref(self, node: Schema) -> Schema:
        """Return a reference with nothing beside it that the provider refuses, or what it means together with that."""
        beside = {keyword: value for keyword, value in node.items() if keyword != "$ref"}
        target = follow(node["$ref"], self._root)
        alone = {"$ref": node["$ref"]} | {name: beside[name] for name in _BESIDE_REF if name in beside}
        demands = {
            keyword: value
            for keyword, value in beside.items()
            if keyword not in ANNOTATIONS and (target is None or target.get(keyword) != value)
        }
        if not demands:
            return alone
        if target is None or self._refers_back(target, node["$ref"]):
            self.losses.append(f"takes nothing beside $ref: left out ({', '.join(sorted(demands))})")
            return alone
        merged = self._merge(target, beside)
        return self._lone_ref(merged) if "$ref" in merged else merged

    def _replaced_ref(self, node: Schema) -> Schema:
        """Return what a reference means, together with what is beside it."""
        reference = node["$ref"]
        target = follow(reference, self._root)
        beside = {keyword: value for keyword, value in node.items() if keyword != "$ref"}
        if target is None or reference in self._within:
            self.losses.append("knows no references: one that repeats itself is any value")
            kind = {} if target is None or "type" not in target else {"type": target["type"]}
            return {**kind, **beside}
        self._within.append(reference)
        written: Schema = self._write(self._merge(target, beside))
        self._within.pop()
        return written

    def _merge(self, target: Schema, beside: Schema) -> Schema:
        """Return what a reference means together with what is beside it."""
        merged, exact = merge_all([target, beside])
        if not exact:
            self.losses.append("takes nothing beside $ref: what contradicts the reference counts")
        return merged

    def _refers_back(self, target: Schema, reference: str) -> bool:
        return any(found.get("$ref") == reference for found in _schemas(target))

    # --- types and values ---------------------------------------------------------------------------------------------

    def _one_type(self, node: Schema) -> Schema:
        """Return a schema of several types as a union of schemas of one type each."""
        types = node.get("type")
        nullable = "nullable" in self._forms
        if nullable and isinstance(types, str) and types == "null":
            return {keyword: value for keyword, value in node.items() if keyword != "type"} | {"nullable": True}
        if nullable and any(node.get(union) for union in _UNIONS):
            node = _without_null_branch(node)
        if not isinstance(types, list):
            return node
        wanted = [kind for kind in dict.fromkeys(types) if not (nullable and kind == "null")]
        rest = {keyword: value for keyword, value in node.items() if keyword != "type"}
        if nullable and "null" in types:
            rest["nullable"] = True
        if len(wanted) < 2:
            return rest | ({"type": wanted[0]} if wanted else {})
        outside = {keyword: rest.pop(keyword) for keyword in list(rest) if keyword in {*ANNOTATIONS, *_UNIONS, "allOf"}}
        union = [{"type": kind} | _for_type(rest, kind) for kind in wanted]
        if outside.keys() & _UNIONS:
            return {"allOf": [{"anyOf": union}], **outside}
        return {**outside, "anyOf": union}

    def _string_enum(self, node: Schema) -> Schema:
        """Return a schema whose `enum` has strings alone; other values become words of the description."""
        values = node.get("enum", [node["const"]] if "const" in node and not isinstance(node["const"], str) else None)
        if not isinstance(values, list) or (all(isinstance(value, str) and value for value in values) and values):
            return node
        rest = {keyword: value for keyword, value in node.items() if keyword not in ("enum", "const")}
        strings = list(dict.fromkeys(value for value in values if isinstance(value, str) and value))
        if strings and all(value is None or (isinstance(value, str) and value) for value in values):
            return self._optional_enum(rest, strings, None in values)
        if "type" not in rest and len(kinds := {_type_of(value) for value in values}) == 1:
            rest["type"] = kinds.pop()
        said = f"One of: {', '.join(encode(value).decode() for value in values)}."
        self.losses.append("takes only strings in an enum: other values are named in its description")
        return rest | {"description": " ".join(filter(None, (rest.get("description"), said)))}

    def _optional_enum(self, rest: Schema, strings: list[str], has_null: bool) -> Schema:
        """Return the schema of an `enum` of strings and perhaps null; `rest` is what else it demands."""
        kind = rest.get("type")
        if not has_null or not (kind is None or (isinstance(kind, list) and "null" in kind)):
            return rest | {"enum": strings}
        if "nullable" in self._forms:
            return rest | {"type": "string", "nullable": True, "enum": strings}
        outside = {keyword: value for keyword, value in rest.items() if keyword in ANNOTATIONS}
        inside = {keyword: value for keyword, value in rest.items() if keyword not in {*ANNOTATIONS, "type"}}
        union = [_for_type(inside, kind) | {"type": kind} for kind in ("string", "null")]
        return {**outside, "anyOf": [union[0] | {"enum": strings}, union[1]]}

    def _typed_array(self, node: Schema) -> Schema:
        """Return a schema of an array with one schema for its items."""
        items = node.get("items")
        if node.get("type") != "array" and not (isinstance(node.get("type"), list) and "array" in node["type"]):
            return node
        parts = items if isinstance(items, list) else node.get("prefixItems")
        if isinstance(parts, list):
            unlike = [part for at, part in enumerate(parts) if part not in parts[:at]]
            self.losses.append("takes one schema for the items of an array: their places are left out")
            rest = {keyword: value for keyword, value in node.items() if keyword != "prefixItems"}
            return rest | {"items": unlike[0] if len(unlike) == 1 else {"anyOf": unlike} if unlike else {}}
        if isinstance(items, dict) and (items or "nullable" not in self._forms):
            return node
        if "nullable" not in self._forms:  # any item
            return node | {"items": {}}
        self.losses.append("requires a type for the items of an array: strings")
        return node | {"items": {"type": "string"}}

    def _whole_object(self, node: Schema) -> Schema:
        """Return a schema of an object with properties, among them all that it requires."""
        if node.get("type") != "object" or not isinstance(node.get("properties", {}), dict):
            return node
        known = node.get("properties") or {}
        anything: Schema = {"type": "string"} if "nullable" in self._forms else {}
        missing = {name: anything for name in node.get("required") or () if name not in known}
        if not (known or missing):
            self.losses.append("requires properties of an object: one that is not used is declared")
            missing = {_UNUSED: {"type": "string", "description": "Leave this out."}}
        elif missing and anything:
            self.losses.append("requires a type for each property: strings")
        return node | {"properties": known | missing} if missing else node

    def _typed_union(self, node: Schema) -> Schema:
        """Return a union whose type is that of its branches."""
        unions = [keyword for keyword in _UNIONS if isinstance(node.get(keyword), list)]
        if not unions or "type" not in node:
            return node
        rest = {keyword: value for keyword, value in node.items() if keyword != "type"}
        for keyword in unions:
            rest[keyword] = [self._typed_branch(part, node["type"]) for part in node[keyword]]
        return rest

    def _typed_branch(self, part: Any, kind: Any) -> Any:
        """Return a branch of a union with the type of the union, unless it has one."""
        if not isinstance(part, dict):
            return part
        meant = follow(part["$ref"], self._root) or {} if "$ref" in part else part
        if "type" not in meant and "$ref" not in part:
            return {"type": kind, **part}
        if meant.get("type") != kind:
            self.losses.append("takes no type beside a union: those of its branches count")
        return part

    # --- the root -----------------------------------------------------------------------------------------------------

    def _object_root(self, root: Schema) -> Schema:
        """Return one object in place of alternatives at the root."""
        rest = {
            keyword: value
            for keyword, value in root.items()
            if keyword not in (*_UNIONS, "allOf", "not", "if", "then", "else", "enum", "const", "$ref", "type")
        }
        if len(rest) + ("type" in root) == len(root) and root.get("type") == "object":
            return root
        merged, _ = merge_all([self._meaning(part) for part in ({"$ref": root.get("$ref")}, *root.get("allOf", ()))])
        merged, _ = merge_all([{"type": "object", **rest}, merged])
        for union in _UNIONS:
            branches = [self._meaning(part) for part in root.get(union) or () if isinstance(part, dict)]
            if branches:
                self.losses.append("takes no alternatives at the root of parameters: they are one object")
                merged, _ = merge_all([merged, merge_any(branches)])
                merged["description"] = " ".join(filter(None, (merged.get("description"), _alternatives(branches))))
        return merged | {"type": "object"}

    def _meaning(self, part: Schema) -> Schema:
        """Return a schema with what its reference means in its place, if it has one."""
        beside = {keyword: value for keyword, value in part.items() if keyword != "$ref"}
        target = follow(part.get("$ref"), self._root)
        merged, _ = merge_all([target or {}, beside])
        return {**merged, "properties": merged.get("properties", {})} if merged else {}


def _schemas(node: Any) -> Iterator[Schema]:
    """Yield a schema and all schemas in it."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from _schemas(value)


def _for_type(schema: Schema, kind: str) -> Schema:
    """Return the keywords that count for values of one type."""
    group = "number" if kind == "integer" else kind
    others = {keyword for name, keywords in _ONLY_FOR.items() if name != group for keyword in keywords}
    left = {keyword: value for keyword, value in schema.items() if keyword not in others}
    if isinstance(left.get("enum"), list):
        left["enum"] = [value for value in left["enum"] if _is_of(value, kind)]
    return left


def _is_of(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _PYTHON_TYPES.get(kind, (object,)))


def _type_of(value: Any) -> str:
    return next((kind for kind in _PYTHON_TYPES if _is_of(value, kind)), "object")


def _without_null_branch(node: Schema) -> Schema:
    """Return a union with `nullable` in place of a branch for null."""
    for union in _UNIONS:
        branches = node.get(union)
        left = [branch for branch in branches or () if branch not in ({"type": "null"}, {"enum": [None]})]
        if branches and len(left) < len(branches):
            rest = {keyword: value for keyword, value in node.items() if keyword != union} | {"nullable": True}
            only = left[0] if len(left) == 1 else None
            if isinstance(only, dict) and "$ref" not in only and not only.keys() & rest.keys():
                return {**rest, **only}
            return rest | ({union: left} if left else {})
    return node


def _alternatives(branches: list[Schema]) -> str:
    """Return in words which members go together."""
    groups = [", ".join(branch.get("properties") or {}) or "nothing" for branch in branches]
    return f"Give one of these groups of members: {'; '.join(groups)}."

"""The schemas of the document: those of the types with which bodies are decoded and encoded.

msgspec writes the schema of a type. It has none for `Raw`, a piece of JSON that is not decoded, so each type is first
rebuilt with `Any` in its place. The fields of a create request have their bounds outside of their types, in
`adapter/api/request/fields.py`; they are added here.
"""

from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import fields

from adapter.api.files.bodies import BATCH_BODY, FILE_BODY, SEARCH_BODY, STORE_BODY, FilterMember
from adapter.api.request.fields import Dropped, Inert, Member, Metadata, Number, Text, Typed
from adapter.api.request.schemas import CreateSchema, Input, Tools
from translators.policy import FIELDS
from translators.responses import events
from translators.responses.items import ContentPart, KnownItem, OutputItem
from translators.responses.response import Response
from translators.responses.tools import Tool

Schema = dict[str, Any]

REF = "#/components/schemas/{name}"
_BODIES = {
    "VectorStoreBody": STORE_BODY, "VectorFileBody": FILE_BODY, "FileBatchBody": BATCH_BODY, "SearchBody": SEARCH_BODY,
}  # fmt: skip
_NAMES = ("Response", "KnownItem", "OutputItem", "ContentPart", "Tool")


def ref(name: str) -> Schema:
    return {"$ref": REF.format(name=name)}


def event_types() -> list[type[events.Event]]:
    """Return the types of all events, in the order in which the module has them."""
    return [one for one in vars(events).values() if isinstance(one, type) and issubclass(one, events.Event)][1:]


def components() -> dict[str, Schema]:
    """Return the schemas of the document by their names."""
    members: dict[str, Member] = CreateSchema().fields  # type: ignore[assignment]
    typed = {name: member._decoder.type for name, member in members.items() if isinstance(member, Typed)}
    roots = [*typed.values(), Response, KnownItem, OutputItem, ContentPart, Tool, *event_types()]
    written, found = msgspec.json.schema_components([_without_raw(root) for root in roots], ref_template=REF)
    of_members = dict(zip(typed, written, strict=False))
    create = {name: _describe(name, _member_schema(members[name], schema)) for name, schema in of_members.items()}
    create["model"] |= {"type": "string"}
    create |= {name: _describe(name, _other_schema(member)) for name, member in members.items() if name not in create}
    after = dict(zip(_NAMES, written[len(typed) :], strict=False))
    found |= {name: schema for name, schema in after.items() if name != "Response"}
    found |= _bodies()
    found["Event"] = {
        "description": "An event of a stream: `event:` has its type, `data:` the event.",
        "anyOf": [ref(one.__name__) for one in event_types()],
    }
    found["Item"] = {
        "description": "An item of an input. One of another type is shown to the model, or dropped with a note.",
        "anyOf": [*found["KnownItem"]["anyOf"], {"type": "object"}],
    }
    found["CreateRequest"] = {
        "type": "object",
        "properties": {name: create[name] for name in members},
        "anyOf": [{"required": ["model"]}, {"required": ["prompt"]}],
    }
    return {name: _with_items(schema) for name, schema in sorted((found | _own()).items())}


def _with_items(schema: Any) -> Any:
    """Return a schema in which each array has `items`, without which some generators of clients take none."""
    if isinstance(schema, list):
        return [_with_items(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _with_items(one) for name, one in schema.items()}
    return {**found, "items": {}} if found.get("type") == "array" and "items" not in found else found


def _bodies() -> dict[str, Schema]:
    """Return the schemas of the bodies of vector stores, and of what they are made of."""
    kinds = {name: dict(schema.fields) for name, schema in _BODIES.items()}
    every = {(name, of): field for name, members in kinds.items() for of, field in members.items()}
    typed = {place: field for place, field in every.items() if isinstance(field, Typed)}
    written, found = msgspec.json.schema_components(
        [_without_raw(field._decoder.type) for field in typed.values()], ref_template=REF
    )
    of_members = dict(zip(typed, written, strict=True))
    for name, members in kinds.items():
        properties = {
            of: _member_schema(field, of_members[name, of]) if isinstance(field, Typed) else _other_schema(field)
            for of, field in members.items()
        }
        found[name] = {"type": "object", "properties": properties, "additionalProperties": False}
    return found


def _describe(name: str, schema: Schema) -> Schema:
    row = FIELDS[name]
    described = {**({"allOf": [schema]} if "$ref" in schema else schema), "description": row.says}
    return {**described, "deprecated": True} if row.becomes in ("refused", "echoed") else described


def _member_schema(member: Typed, schema: Schema) -> Schema:
    if isinstance(member, Number):
        schema = {**schema, "minimum": member._low, "maximum": member._high}
    elif isinstance(member, Text):
        schema = {**schema, "maxLength": member._max_characters}
    elif isinstance(member, Inert):
        schema = {}
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]} if isinstance(schema["type"], str) else schema
    return {"anyOf": [schema, {"type": "null"}]} if schema else {}


def _other_schema(member: Member) -> Schema:
    """Return the schema of a member whose type is in its code."""
    if isinstance(member, Input):
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": ref("Item")}]}
    if isinstance(member, Tools):
        return {"type": ["array", "null"], "items": ref("Tool")}
    if isinstance(member, Metadata):
        pair = {"type": "string", "maxLength": member._MAX_VALUE_CHARACTERS}
        return {"type": ["object", "null"], "maxProperties": member._MAX_PAIRS, "additionalProperties": pair}
    assert isinstance(member, Dropped | FilterMember), member
    return {}


def _own() -> dict[str, Schema]:
    """Return the schemas of objects that are written without a type."""
    text, time = {"type": "string"}, {"type": "integer"}
    nullable = {"type": ["string", "null"]}

    def shape(properties: Schema, *optional: str) -> Schema:
        required = [name for name in properties if name not in optional]
        return {"type": "object", "properties": properties, "required": required}

    def page(of: Schema) -> Schema:
        return shape({
            "object": {"const": "list"}, "data": {"type": "array", "items": of}, "first_id": nullable,
            "last_id": nullable, "has_more": {"type": "boolean"},
        })  # fmt: skip

    error = {"message": text, "type": text, "param": nullable, "code": nullable}
    model = {"id": text, "object": {"const": "model"}, "created": time, "owned_by": text}
    file = {
        "id": text, "object": {"const": "file"}, "bytes": time, "created_at": time,
        "expires_at": {"type": ["integer", "null"]}, "filename": text, "purpose": text, "status": text,
        "status_details": {"type": "null"},
    }  # fmt: skip
    listed = {"type": "object", "properties": {"id": text, "type": text}, "required": ["type"]}
    counts = shape(dict.fromkeys(("in_progress", "completed", "failed", "cancelled", "total"), time))
    listed_text = {"type": "array", "items": shape({"type": {"const": "text"}, "text": text})}
    nullable_time, nullable_object = {"type": ["integer", "null"]}, {"type": ["object", "null"]}
    vector_file = {
        "id": text, "object": {"const": "vector_store.file"}, "usage_bytes": time, "created_at": time,
        "vector_store_id": text, "status": text, "last_error": nullable_object, "chunking_strategy": {"type": "object"},
        "attributes": {"type": "object"},
    }  # fmt: skip
    vector_store = {
        "id": text, "object": {"const": "vector_store"}, "created_at": time, "name": text, "description": nullable,
        "usage_bytes": time, "file_counts": counts, "status": text, "expires_after": nullable_object,
        "expires_at": nullable_time, "last_active_at": time, "metadata": {"type": "object"},
    }  # fmt: skip
    batch = {
        "id": text, "object": {"const": "vector_store.files_batch"}, "created_at": time, "vector_store_id": text,
        "status": text, "file_counts": counts,
    }  # fmt: skip
    hit = {
        "file_id": text, "filename": text, "score": {"type": "number"}, "attributes": nullable_object,
        "content": listed_text,
    }  # fmt: skip
    ends = {"has_more": {"type": "boolean"}, "next_page": nullable}
    return {
        "VectorStore": shape(vector_store),
        "VectorStoreList": page(ref("VectorStore")),
        "VectorFile": shape(vector_file),
        "VectorFileList": page(ref("VectorFile")),
        "FileBatch": shape(batch),
        "TextPage": shape({"object": text, "data": listed_text, **ends}),
        "FoundPage": shape({
            "object": text, "search_query": {"type": "array", "items": text},
            "data": {"type": "array", "items": shape(hit)}, **ends,
        }),
        "Error": shape({"error": shape(error)}),
        "Model": shape(model, "created", "owned_by"),
        "ModelList": shape({"object": {"const": "list"}, "data": {"type": "array", "items": ref("Model")}}),
        "File": shape(file),
        "FileList": page(ref("File")),
        "ListedItem": {**listed, "description": "An item, each with an id. Its members are those of its type."},
        "ItemList": page(ref("ListedItem")),
        "Conversation": shape({
            "id": text, "object": {"const": "conversation"}, "created_at": time, "metadata": {"type": "object"}
        }),
        "Deleted": shape({"id": text, "object": text, "deleted": {"const": True}}),
        "CompactedContext": shape({
            "id": text, "object": {"const": "response.compaction"}, "created_at": time,
            "output": {"type": "array", "items": ref("ListedItem")}, "usage": {"type": ["object", "null"]},
        }),
        "InputTokens": shape({"object": {"const": "response.input_tokens"}, "input_tokens": time}),
        "State": shape({"status": {"enum": ["ok", "unavailable"]}}),
        "Metadata": _other_schema(Metadata()),
        "Forwarded": {
            "description": "The provider's own request or answer; of a request only `model` is read.",
            "type": "object", "properties": {"model": text},
        },
    }  # fmt: skip


@cache
def _without_raw(kind: Any) -> Any:
    """Return a type with `Any` in place of `Raw`, wherever it is."""
    if kind is msgspec.Raw:
        return Any
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _rebuilt(kind)
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return reduce(or_, [_without_raw(one) for one in get_args(kind)])
    if origin is Annotated:
        inner, *notes = get_args(kind)
        return Annotated[(_without_raw(inner), *notes)]
    if origin is None or origin is Literal:
        return kind
    return origin[tuple(one if one is ... else _without_raw(one) for one in get_args(kind))]


def _rebuilt(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    hints, config = get_type_hints(kind, include_extras=True), kind.__struct_config__
    members = []
    for field in fields(kind):
        if field.encode_name.startswith("_"):  # for our own records
            continue
        of = _without_raw(hints[field.name])
        if field.required:
            members.append((field.name, of, msgspec.field(name=field.encode_name)))
        else:
            default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
            plain = default if isinstance(default, str | int | float | bool | type(None)) else msgspec.UNSET
            members.append((field.name, of if plain is not msgspec.UNSET else of | msgspec.UnsetType,
                            msgspec.field(default=plain, name=field.encode_name)))  # fmt: skip
    return msgspec.defstruct(
        kind.__name__.lstrip("_"), members, tag=config.tag, tag_field=config.tag_field, kw_only=True,
        forbid_unknown_fields=config.forbid_unknown_fields,
    )  # fmt: skip

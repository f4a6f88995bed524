"""`text.format` → `response_format`, down a ladder: the format itself, `json_object` and words, words alone.

A provider gets the highest form that its dialect honours. What it does not get as a form it gets in words, with the
schema, in the leading system message; the word "JSON" must stand there, or providers refuse `json_object`. Whether the
answer keeps to it is judged in `demands.py`. Source: responses-api reference §2 (text.format).
"""

from typing import Any, Final

from msgspec import Struct

from translators.dialects.dialect import Dialect
from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.request import JSONObjectFormat, JSONSchemaFormat, TextConfig
from translators.wire import encode

_OBJECT: Final = "Answer with one JSON object and nothing else: no introduction, no explanation, no code fence."
_SCHEMA: Final = (
    "Answer with one JSON value that fits this JSON schema and with nothing else: no introduction, no explanation, "
    "no code fence."
)


class Form(Struct, frozen=True, gc=False):
    """What goes out for a format: a member, words, both or neither."""

    member: dict[str, Any] | None = None
    words: str = ""


def form_of(text: TextConfig, dialect: Dialect, notes: Notes) -> Form:
    """Return how a provider is asked for a format; raise RequestError for a schema that is none."""
    wanted = text.format
    if isinstance(wanted, JSONObjectFormat):
        if "json_object" in dialect.formats:
            return Form({"type": "json_object"})
        notes.add("text.format", "approximated", f"provider '{dialect.name}' knows no json_object: asked for in words")
        return Form(words=_OBJECT)
    if not isinstance(wanted, JSONSchemaFormat):
        return Form()
    native = "json_schema" in dialect.formats
    if (wanted.strict or not native) and (wrong := _mistake(wanted.schema)):
        raise RequestError(
            f"Invalid schema for response_format '{wanted.name}': {wrong}",
            param="text.format.schema", code="invalid_json_schema",
        )
    if native:
        return Form({"type": "json_schema", "json_schema": _json_schema(wanted)})
    words = _words(wanted)
    if "json_object" in dialect.formats:
        notes.add("text.format", "approximated", f"provider '{dialect.name}' knows no schemas: json_object and words")
        return Form({"type": "json_object"}, words)
    notes.add("text.format", "approximated", f"provider '{dialect.name}' knows no schemas: asked for in words")
    return Form(words=words)


def _json_schema(wanted: JSONSchemaFormat) -> dict[str, Any]:
    schema: dict[str, Any] = {"name": wanted.name, "schema": wanted.schema}
    if wanted.description is not None:
        schema["description"] = wanted.description
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return schema


def _words(wanted: JSONSchemaFormat) -> str:
    about = f" It is called '{wanted.name}'" + (f": {wanted.description}" if wanted.description else ".")
    return f"{_SCHEMA}{about}\n\n{encode(wanted.schema).decode()}"


def _mistake(schema: dict[str, Any]) -> str | None:
    from translators.constraints.json_schema import (
        mistake,  # jsonschema takes 8 MB, and is for those who ask for a schema
    )

    return mistake(schema)

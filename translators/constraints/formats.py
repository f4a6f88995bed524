"""`text.format` → `response_format`, down a ladder: the format; `json_object` and an instruction; an instruction.

A provider gets the highest rung that its dialect honours. Whatever `response_format` cannot express goes into the
leading system message, with the schema; the word "JSON" must be in it, or providers reject `json_object`. `judge.py`
checks whether the answer fits. Source: OpenAI guide, Structured outputs.
"""

from typing import Any, Final

from msgspec import Struct

from translators.dialects.dialect import Format
from translators.dialects.rendering import Rendering
from translators.dialects.schemas.forms import reshape
from translators.dialects.schemas.keywords import without
from translators.errors import RequestError
from translators.responses.request import JSONObjectFormat, JSONSchemaFormat, TextConfig
from translators.wire import encode

_KEPT_KEYWORDS: Final = frozenset({"additionalProperties"})
"""What `strict` requires, whatever the provider knows in tools."""
_OBJECT_INSTRUCTION: Final = (
    "Answer with one JSON object and nothing else: no introduction, no explanation, no code fence."
)
_SCHEMA_INSTRUCTION: Final = (
    "Answer with one JSON value that fits this JSON schema and with nothing else: no introduction, no explanation, "
    "no code fence."
)


class RenderedFormat(Struct, frozen=True, gc=False):
    """The form of a format in a chat request."""

    member: dict[str, Any] | None = None
    """`response_format`, if the provider honours one that helps."""
    instruction: str = ""
    """A paragraph of the leading system message; empty if `member` says everything, or any text will do."""

    @property
    def is_enforced(self) -> bool:
        """The provider enforces the format."""
        return not self.instruction


def render_format(text: TextConfig, rendering: Rendering, *, with_tools: bool = False) -> RenderedFormat:
    """Return the form of a format for a provider; raise RequestError for an invalid schema.

    `with_tools`: the chat request has tools.
    """
    wanted = text.format
    excluded = with_tools and not rendering.dialect.format_with_tools
    formats: frozenset[Format] = frozenset() if excluded else rendering.dialect.formats
    if isinstance(wanted, JSONObjectFormat):
        if "json_object" in formats:
            return RenderedFormat({"type": "json_object"})
        reason = "takes no format beside tools" if excluded else "has no json_object"
        rendering.note("text.format", "approximated", f"{reason}: requested in the instructions")
        return RenderedFormat(instruction=_OBJECT_INSTRUCTION)
    if not isinstance(wanted, JSONSchemaFormat):
        return RenderedFormat()
    native = "json_schema" in formats
    if (wanted.strict or not native) and (error := _schema_error(wanted.schema)):
        raise RequestError(
            f"Invalid schema for response_format '{wanted.name}': {error}",
            param="text.format.schema", code="invalid_json_schema",
        )
    if native:
        return RenderedFormat({"type": "json_schema", "json_schema": _json_schema(wanted, rendering)})
    instruction = _schema_instruction(wanted)
    if "json_object" in formats:
        rendering.note("text.format", "approximated", "has no JSON schemas: json_object, and the schema in words")
        return RenderedFormat({"type": "json_object"}, instruction)
    reason = "takes no format beside tools" if excluded else "has no JSON schemas"
    rendering.note("text.format", "approximated", f"{reason}: requested in the instructions")
    return RenderedFormat(instruction=instruction)


def _json_schema(wanted: JSONSchemaFormat, rendering: Rendering) -> dict[str, Any]:
    schema: dict[str, Any] = {"name": wanted.name, "schema": wanted.schema}
    if forms := rendering.dialect.schema_forms - {"object_root"}:
        schema["schema"], losses = reshape(wanted.schema, forms)
        for loss in losses:
            rendering.note("text.format", "approximated", loss)
    if unknown := rendering.dialect.unknown_keywords - _KEPT_KEYWORDS:
        schema["schema"], found = without(schema["schema"], unknown)
        for keyword in sorted(found & unknown):
            rendering.note("text.format", "approximated", f"does not know the keyword {keyword}: it is left out")
    if wanted.description is not None:
        schema["description"] = wanted.description
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return schema


def _schema_instruction(wanted: JSONSchemaFormat) -> str:
    about = f" It is called '{wanted.name}'" + (f": {wanted.description}" if wanted.description else ".")
    return f"{_SCHEMA_INSTRUCTION}{about}\n\n{encode(wanted.schema).decode()}"


def _schema_error(schema: dict[str, Any]) -> str | None:
    # imported late: jsonschema takes 8 MB, and few requests have a schema
    from translators.constraints.json_schema import schema_error

    return schema_error(schema)

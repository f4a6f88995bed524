"""`text.format` → `response_format`. Source: responses-api reference §2 (text.format)."""

from typing import Any

from translators.dialect import Dialect
from translators.notes import Notes
from translators.request import JSONObjectFormat, JSONSchemaFormat, TextConfig


def response_format(text: TextConfig, dialect: Dialect, notes: Notes) -> dict[str, Any] | None:
    """Return chat's response_format, None for free text."""
    wanted = text.format
    if isinstance(wanted, JSONObjectFormat):
        return {"type": "json_object"}
    if not isinstance(wanted, JSONSchemaFormat):
        return None
    if not dialect.json_schema:
        notes.add("text.format", "approximated", f"provider '{dialect.name}' knows no schemas: json_object")
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": wanted.name, "schema": wanted.schema}
    if wanted.description is not None:
        schema["description"] = wanted.description
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": schema}

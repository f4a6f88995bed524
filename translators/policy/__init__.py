"""What becomes of everything that the Responses API has: one row each, for docs, error messages and tests.

There is a table for each kind of name: fields of a request, values of `include`, types of formats, items, parts, tools
and tool choices, items of an answer, events of a stream. Tests check each row's class against the code, and that no
name of the API is missing. Source: OpenAI API reference.
"""

from collections.abc import Mapping

from translators.policy.answers import EVENTS, OUTPUT_ITEMS
from translators.policy.items import CONTENT_PARTS, INPUT_ITEMS
from translators.policy.requests import FIELDS, FORMATS, INCLUDES
from translators.policy.row import Class, Row
from translators.policy.tools import TOOL_CHOICES, TOOLS

__all__ = [
    "CONTENT_PARTS", "EVENTS", "FIELDS", "FORMATS", "INCLUDES", "INPUT_ITEMS", "OUTPUT_ITEMS", "TOOLS", "TOOL_CHOICES",
    "Class", "Row", "refusal_of",
]  # fmt: skip


def refusal_of(table: Mapping[str, Row], name: str) -> str | None:
    """Return the predicate of the error for a refused name; None: the name is not refused, or unknown."""
    row = table.get(name)
    if row is None or row.becomes != "refused":
        return None
    return f"is not supported: {row.says[0].lower()}{row.says[1:]}"

"""The tools of an MCP server as the model gets them: functions in the namespace `mcp__<label>`.

What a declaration says about them is decided here: which may be called (`allowed_tools`), and which only after the
client's approval (`require_approval`).
Source: OpenAI guide, MCP and connectors; OpenAI API reference, Responses: create.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import UNSET, Struct

from translators.responses.tools import ApprovalRules, FunctionTool, MCPTool, NamespaceTool, ToolFilter


class ListedFunction(Struct, frozen=True):
    """A tool of a server's list, in the form of an `mcp_list_tools` item."""

    name: str
    description: str
    input_schema: dict[str, Any]
    read_only: bool

    def entry(self) -> dict[str, Any]:
        """Return the tool as an item's `tools` shows it."""
        return {
            "name": self.name, "description": self.description, "input_schema": self.input_schema,
            "annotations": {"read_only": self.read_only},
        }  # fmt: skip


def read_entries(entries: Sequence[Any]) -> list[ListedFunction] | None:
    """Return the tools of an `mcp_list_tools` item; None if they cannot be read."""
    functions = []
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            return None
        schema, annotations = entry.get("input_schema"), entry.get("annotations")
        functions.append(
            ListedFunction(
                entry["name"], str(entry.get("description") or ""), schema if isinstance(schema, dict) else {},
                isinstance(annotations, dict) and annotations.get("read_only") is True,
            )
        )  # fmt: skip
    return functions


def namespace_of(label: str) -> str:
    """Return the namespace of a server's tools."""
    return f"mcp__{label}"


def as_namespace(declared: MCPTool, functions: Sequence[ListedFunction], description: str = "") -> NamespaceTool:
    """Return the functions that the model gets; `description` is used if the declaration has none of its own."""
    tools: list[Any] = [
        FunctionTool(
            function.name, function.description or None, _schema(function.input_schema),
            defer_loading=True if declared.defer_loading else UNSET,
        )
        for function in functions
    ]  # fmt: skip
    return NamespaceTool(namespace_of(declared.server_label), tools, declared.server_description or description)


def callable_functions(declared: MCPTool, functions: Iterable[ListedFunction]) -> dict[str, ListedFunction]:
    """Return the functions that `allowed_tools` has, by name; of two filters, both must have them."""
    allowed = declared.allowed_tools
    if isinstance(allowed, ToolFilter):
        return {one.name: one for one in functions if _passes(allowed, one)}
    return {one.name: one for one in functions if allowed is None or one.name in allowed}


def needs_approval(declared: MCPTool, function: ListedFunction) -> bool:
    """Whether a call waits for approval: what `never` has does not, unless `always` has it too."""
    rules = declared.require_approval
    if not isinstance(rules, ApprovalRules):
        return rules != "never"
    if rules.always is not None and _passes(rules.always, function):
        return True
    return rules.never is None or not _passes(rules.never, function)


def _passes(filter: ToolFilter, function: ListedFunction) -> bool:
    if filter.tool_names is not None and function.name not in filter.tool_names:
        return False
    return filter.read_only is None or filter.read_only == function.read_only


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a server's schema without what only names its dialect."""
    if "$schema" not in schema:
        return schema
    return {name: value for name, value in schema.items() if name != "$schema"}

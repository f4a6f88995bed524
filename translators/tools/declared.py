"""Declared tools → chat functions.

A namespace becomes its members, each of which says in its description where it belongs. A tool that was loaded later
(`additional_tools`, the output of a `tool_search`) is one like any other; loading is not deferred, since the provider
has to be told of a tool before it can call it. What no chat provider runs is left out with a note.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

from translators.dialects.dialect import Dialect
from translators.dialects.schema_keywords import without
from translators.notes import Notes
from translators.responses.items import AdditionalTools, Item, ToolSearchOutput
from translators.responses.tools import FunctionTool, NamespaceTool, Tool, ToolSearchTool, WebSearch
from translators.tools.kinds import BY_TOOL
from translators.tools.names import ToolNames, called

_SET_APART: Final[dict[str, tuple[Literal["dropped", "approximated"], str]]] = {
    "defer_loading": ("approximated", "the model is shown the tool at once"),
    "asynchronous": ("approximated", "the tool is called like any other, and its output is waited for"),
    "output_schema": ("dropped", "chat functions do not tell what they return"),
}
"""Members of a tool that chat functions do not have: what becomes of them."""
_LOADING: Final = frozenset({AdditionalTools, ToolSearchOutput})


def chat_tools(tools: Sequence[Tool], names: ToolNames, dialect: Dialect, notes: Notes) -> list[dict[str, Any]]:
    """Return the tools as chat functions."""
    functions: list[dict[str, Any]] = []
    if not dialect.tools:
        return _told_of_none(tools, dialect, notes)
    for tool in tools:
        if isinstance(tool, WebSearch):
            if not dialect.web_search:
                kind = tool.__struct_config__.tag
                notes.add("tools", "dropped", f"{kind}: provider '{dialect.name}' does not search the web on request")
        elif isinstance(tool, NamespaceTool):
            functions += [_function(member, tool, names, dialect, notes) for member in tool.tools]
        else:
            functions.append(_function(tool, None, names, dialect, notes))
    return functions


def web_search_options(tools: Sequence[Tool], dialect: Dialect, notes: Notes) -> dict[str, Any] | None:
    """Return chat's `web_search_options` for a provider that searches; None if nobody asked, or it does not."""
    declared = [tool for tool in tools if isinstance(tool, WebSearch)]
    if not declared or not dialect.web_search:
        return None
    tool = declared[-1]
    for member in ("filters", "external_web_access", "search_content_types"):
        if getattr(tool, member) is not None:
            notes.add("tools", "dropped", f"{member} of web_search: chat's web_search_options do not have it")
    options: dict[str, Any] = {}
    if tool.search_context_size is not None:
        options["search_context_size"] = tool.search_context_size
    if isinstance(tool.user_location, dict):
        place = {name: value for name, value in tool.user_location.items() if name != "type" and value is not None}
        options["user_location"] = {"type": "approximate", "approximate": place}
    return options


def _told_of_none(tools: Sequence[Tool], dialect: Dialect, notes: Notes) -> list[dict[str, Any]]:
    """Return no functions, and note which there would be."""
    if names := [one.name for tool in tools for one in called(tool)]:
        notes.add("tools", "dropped", f"{', '.join(names)}: provider '{dialect.name}' calls no functions")
    return []


def loaded(items: Sequence[Item]) -> list[Tool]:
    """Return the tools that items bring along, in their order."""
    if _LOADING.isdisjoint(map(type, items)):
        return []
    return [tool for item in items if isinstance(item, (AdditionalTools, ToolSearchOutput)) for tool in item.tools]


def united(declared: Sequence[Tool], later: Sequence[Tool]) -> tuple[Tool, ...]:
    """Return declared tools and those that were loaded later, each name once: the latest declaration counts.

    A tool keeps the place at which it was first declared, so that the beginning of the request stays as it was.
    """
    if not later:
        return tuple(declared)
    by_name: dict[Any, Tool] = {}
    for tool in (*declared, *later):
        by_name[tuple(called(tool)) or type(tool)] = tool
    return tuple(by_name.values())


def _function(
    tool: Any, namespace: NamespaceTool | None, names: ToolNames, dialect: Dialect, notes: Notes
) -> dict[str, Any]:
    kind = BY_TOOL[type(tool)]
    if isinstance(tool, ToolSearchTool) and tool.execution != "client":
        notes.add("tools", "approximated", "tool_search: the client has to search; all declared tools are shown")
    for member, (action, reason) in _SET_APART.items():
        if getattr(tool, member, None):
            notes.add("tools", action, f"{'async' if member == 'asynchronous' else member}: {reason}")
    function: dict[str, Any] = {
        "name": names.flat(getattr(tool, "name", kind.name), namespace.name if namespace else None, kind.name)
    }
    description = kind.description(tool)
    if namespace is not None and namespace.description:
        description = f"[{namespace.name}: {namespace.description}] {description or ''}".rstrip()
    if description is not None:
        function["description"] = description
    function["parameters"] = _parameters(kind.parameters(tool), dialect, notes)
    if isinstance(tool, FunctionTool) and tool.strict is not None:
        if dialect.strict_tools:
            function["strict"] = tool.strict
        elif tool.strict:
            notes.add("tools", "dropped", f"strict: not known to provider '{dialect.name}'")
    return {"type": "function", "function": function}


def _parameters(schema: dict[str, Any], dialect: Dialect, notes: Notes) -> dict[str, Any]:
    """Return a schema that the provider takes; it says that arguments are an object even where the client did not."""
    if "type" not in schema:
        schema = {"type": "object", **schema}
    if not dialect.unknown_keywords:
        return schema
    left, found = without(schema, dialect.unknown_keywords)
    for keyword in sorted(found & dialect.unknown_keywords):
        notes.add("tools", "dropped", f"{keyword}: not known to provider '{dialect.name}'")
    return left

"""Declared tools → chat functions.

A namespace becomes its members, each of which names the namespace in its description. A tool that an item of the
conversation loaded (`additional_tools`, `tool_search_output`) is sent like a declared one; loading is never deferred,
since chat has only tools that the model sees. What no chat provider runs is left out with a note.
Source: OpenAI API reference, Responses: create; OpenAI guide, Tool search.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

from translators.dialects.rendering import Rendering
from translators.dialects.schemas.forms import reshape
from translators.dialects.schemas.keywords import ONLY_IN_RESPONSES, without
from translators.responses.items import AdditionalTools, Item, ToolSearchOutput
from translators.responses.tools import (
    HOSTED_TOOLS,
    FunctionTool,
    MCPTool,
    NamespaceTool,
    Tool,
    ToolSearchTool,
    WebSearch,
)
from translators.tools.kinds import BY_TOOL
from translators.tools.names import ToolNames, qualified_names

_OTHER_MEMBERS: Final[dict[str, tuple[Literal["dropped", "approximated"], str]]] = {
    "defer_loading": ("approximated", "the model is shown the tool at once"),
    "asynchronous": ("approximated", "the tool is called like any other: the model waits for its output"),
    "output_schema": ("dropped", "chat functions do not declare what they return"),
}
"""Members of a tool that chat functions lack, with the action and reason of their notes."""
LOADING_ITEMS: Final = frozenset({AdditionalTools, ToolSearchOutput})
"""Items that load tools."""


def chat_tools(tools: Sequence[Tool], names: ToolNames, rendering: Rendering) -> list[dict[str, Any]]:
    """Return the tools as chat functions."""
    functions: list[dict[str, Any]] = []
    if not rendering.dialect.tools:
        _note_all_dropped(tools, rendering)
        return functions
    for tool in tools:
        if isinstance(tool, WebSearch):
            if not rendering.dialect.web_search:
                rendering.note("tools", "dropped", f"does not search the web on request ({tool.__struct_config__.tag})")
        elif isinstance(tool, MCPTool):  # its tools are only known where it is called
            rendering.notes.add("tools", "dropped", f"the tools of the MCP server '{tool.server_label}'")
        elif type(tool) in HOSTED_TOOLS:
            rendering.notes.add("tools", "dropped", f"{tool.__struct_config__.tag}: it is not run here")
        elif isinstance(tool, NamespaceTool):
            functions += [_function(member, tool, names, rendering) for member in tool.tools]
        else:
            functions.append(_function(tool, None, names, rendering))
    return functions


def placeholder_function(name: str) -> dict[str, Any]:
    """Return the declaration of a function that was called earlier and is no longer declared."""
    description = "It was called earlier in this conversation. Do not call it again."
    function = {"name": name, "description": description, "parameters": {"type": "object", "properties": {}}}
    return {"type": "function", "function": function}


def drop_responses_keywords(body: dict[str, Any], names: ToolNames, rendering: Rendering) -> None:
    """Remove the keywords that only the Responses API has from all schemas of a chat request; remember whose they were.

    Chat functions have no encrypted arguments, so the calls of such a function say that theirs are plain.
    """
    for tool in body.get("tools", ()):
        function = tool["function"]
        if "parameters" not in function:
            continue
        function["parameters"], found = without(function["parameters"], ONLY_IN_RESPONSES)
        if found & ONLY_IN_RESPONSES:
            names.with_encrypted.add(function["name"])
            rendering.notes.add("tools", "dropped", "the keyword encrypted: arguments of chat functions are plain")
    format = body.get("response_format", {}).get("json_schema")
    if format is not None:
        schema, found = without(format["schema"], ONLY_IN_RESPONSES)
        if found & ONLY_IN_RESPONSES:
            body["response_format"] = {"type": "json_schema", "json_schema": {**format, "schema": schema}}
            rendering.notes.add("text.format", "dropped", "the keyword encrypted: the answer is plain")


def web_search_options(tools: Sequence[Tool], rendering: Rendering) -> dict[str, Any] | None:
    """Return chat's `web_search_options`; None if no search tool is declared, or the provider does not search."""
    declared = [tool for tool in tools if isinstance(tool, WebSearch)]
    if not declared or not rendering.dialect.web_search:
        return None
    tool = declared[-1]
    for member in ("filters", "external_web_access", "search_content_types"):
        if getattr(tool, member) is not None:
            rendering.notes.add("tools", "dropped", f"{member} of web_search: chat's web_search_options do not have it")
    options: dict[str, Any] = {}
    if tool.search_context_size is not None:
        options["search_context_size"] = tool.search_context_size
    if isinstance(tool.user_location, dict):
        place = {name: value for name, value in tool.user_location.items() if name != "type" and value is not None}
        options["user_location"] = {"type": "approximate", "approximate": place}
    return options


def _note_all_dropped(tools: Sequence[Tool], rendering: Rendering) -> None:
    if names := [tool_name.name for tool in tools for tool_name in qualified_names(tool)]:
        rendering.note("tools", "dropped", f"calls no functions ({', '.join(names)})")


def tools_from_items(items: Sequence[Item]) -> list[Tool]:
    """Return the tools that items load, in their order."""
    if LOADING_ITEMS.isdisjoint(map(type, items)):
        return []
    return [tool for item in items if isinstance(item, (AdditionalTools, ToolSearchOutput)) for tool in item.tools]


def merge_tools(declared: Sequence[Tool], later: Sequence[Tool]) -> tuple[Tool, ...]:
    """Return declared tools and those loaded later, each name once: the latest declaration counts.

    A tool keeps its first place, so that the request begins as before and the provider's prompt cache serves it.
    """
    if not later:
        return tuple(declared)
    by_name: dict[Any, Tool] = {}
    for tool in (*declared, *later):
        if isinstance(tool, NamespaceTool):  # several searches may find members of one
            members = zip(qualified_names(tool), tool.tools, strict=True)
            by_name.update({name: NamespaceTool(tool.name, [one], tool.description) for name, one in members})
        else:
            by_name[next(iter(qualified_names(tool)), type(tool))] = tool
    return tuple(by_name.values())


def _function(
    tool: Any, namespace: NamespaceTool | None, names: ToolNames, rendering: Rendering
) -> dict[str, Any]:
    kind = BY_TOOL[type(tool)]
    notes = rendering.notes
    if isinstance(tool, ToolSearchTool) and tool.execution != "client":
        notes.add("tools", "approximated", "tool_search: the client has to search; all declared tools are shown")
    for member, (action, reason) in _OTHER_MEMBERS.items():
        if getattr(tool, member, None):
            notes.add("tools", action, f"{'async' if member == 'asynchronous' else member}: {reason}")
    function: dict[str, Any] = {
        "name": names.flatten(getattr(tool, "name", kind.name), namespace.name if namespace else None, kind.name)
    }
    description = kind.description(tool)
    if namespace is not None and namespace.description:
        description = f"[{namespace.name}: {namespace.description}] {description or ''}".rstrip()
    if description is not None:
        function["description"] = description
    function["parameters"] = _parameters(kind.parameters(tool), rendering)
    if "whole_objects" in rendering.dialect.schema_forms and not function["parameters"].get("properties"):
        del function["parameters"]  # it takes none
    if isinstance(tool, FunctionTool) and tool.strict is not None:
        if rendering.dialect.strict_tools:
            function["strict"] = tool.strict
        elif tool.strict:
            rendering.note("tools.strict", "dropped", "does not enforce the parameters of functions")
    return {"type": "function", "function": function}


def _parameters(schema: dict[str, Any], rendering: Rendering) -> dict[str, Any]:
    """Return a schema that the provider accepts: of an object, in its forms, without unknown keywords."""
    if "type" not in schema:
        schema = {"type": "object", **schema}
    dialect = rendering.dialect
    if dialect.schema_forms:
        schema, losses = reshape(schema, dialect.schema_forms)
        for loss in losses:
            rendering.note("tools", "approximated", loss)
    unknown = dialect.unknown_keywords
    if not unknown:
        return schema
    left, found = without(schema, unknown)
    for keyword in sorted(found & unknown):
        rendering.note("tools", "dropped", f"does not know the keyword {keyword}")
    return left

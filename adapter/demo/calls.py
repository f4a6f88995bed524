"""Which tools the demo model calls, and with which arguments.

It calls each tool whose name is in the last user message, a member of a namespace by its own name too. Where few tools
are declared, what a name says after its verb is enough: `get_weather` is called for "How is the weather?". Arguments
are what the user writes behind the name, as JSON (`get_weather {"city": "Rome"}`) or as a text for the first parameter
that takes one (`exec_command: ls`); else the smallest that fit.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from adapter.demo.instances import QUERIES, Words, instance_of

JSON = dict[str, Any]

_FEW: Final = 4
"""Tools among which one is recognised by a part of its name; an agent declares more, and is asked about anything."""


def choose_calls(request: JSON, said: str) -> list[tuple[str, str]]:
    """Return the names and arguments of the calls: those that `tool_choice` requires, or that the user asked for."""
    tools = [tool["function"] for tool in request.get("tools") or () if tool.get("type") == "function"]
    choice = request.get("tool_choice")
    if choice == "none":
        return []
    calls = list(_named(tools, said)) or [(tool, _smallest(tool, said)) for tool in _meant(tools, said)]
    match choice:
        case {"function": {"name": name}}:
            calls = [(tool, made) for tool, made in calls if tool["name"] == name][:1] or [
                (tool, _smallest(tool, said)) for tool in tools if tool["name"] == name
            ]
        case "required":
            calls = calls or [(tool, _smallest(tool, said)) for tool in tools]
    if request.get("parallel_tool_calls") is False:
        calls = calls[:1]
    return [(tool["name"], json.dumps(made)) for tool, made in calls]


def example_of_a_call(request: JSON) -> str | None:
    """Return what to write for a call of the first tool that is declared, if there is one that may be called."""
    tools = [tool["function"] for tool in request.get("tools") or () if tool.get("type") == "function"]
    if not tools or request.get("tool_choice") == "none":
        return None
    return f"{tools[0]['name']}{': …' if _open_parameter(tools[0]) else ''}"


def _named(tools: list[JSON], said: str) -> Iterator[tuple[JSON, Any]]:
    """Yield the tools that a text names, in its order, with their arguments; in those, a name is only a word."""
    by_name = {tool["name"].rsplit("__", 1)[-1]: tool for tool in tools} | {tool["name"]: tool for tool in tools}
    names = "|".join(re.escape(name) for name in sorted(by_name, key=len, reverse=True))
    find = re.compile(rf"(?<![\w-])(?:{names})(?![\w-])").search
    place = find(said) if names else None
    while place:
        tool = by_name[place[0]]
        following = find(said, place.end())
        asked = said[place.end() : following and following.start()]
        made, end = _arguments(tool, said, place.end(), _smallest(tool, said, asked))
        yield tool, made
        place = find(said, end)


def _meant(tools: list[JSON], said: str) -> list[JSON]:
    """Return the tools of whose names a text has all but the verb."""
    if len(tools) > _FEW:
        return []
    words = set(re.findall(r"[a-z0-9]+", said.lower()))
    meant = []
    for tool in tools:
        _, *rest = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", tool["name"]) or [""]
        if rest and words.issuperset(part.lower() for part in rest):
            meant.append(tool)
    return meant


def _arguments(tool: JSON, said: str, start: int, smallest: Any) -> tuple[Any, int]:
    """Return the arguments that are written behind a tool's name, completed by the smallest, and where they end."""
    behind = said[start:]
    written = behind.lstrip(" :`")
    if written.startswith("{"):
        try:
            given, length = json.JSONDecoder().raw_decode(written)
        except ValueError:
            return smallest, start
        return smallest | given if isinstance(smallest, dict) else given, len(said) - len(written) + length
    parameter = _open_parameter(tool)
    if not behind.startswith(":") or parameter is None or not isinstance(smallest, dict):
        return smallest, start
    line, _, lines = behind[1:].partition("\n")
    end = start + 1 + len(line) if line.strip() else len(said)
    text = line.strip() or lines
    is_list = "array" in _types(tool["parameters"]["properties"][parameter])
    return smallest | {parameter: [text] if is_list else text}, end


def _smallest(tool: JSON, said: str, asked: str = "") -> Any:
    """Return the smallest arguments that fit; a query that may be left out is not, if nothing else is needed."""
    schema = tool.get("parameters") or {}
    words = Words(said, asked.strip(" :.?!\n"))
    return instance_of(schema, words) or {
        name: instance_of(parameter, words, name)
        for name, parameter in (schema.get("properties") or {}).items()
        if name in QUERIES and isinstance(parameter, dict)
    }


def _open_parameter(tool: JSON) -> str | None:
    """Return the first parameter that takes any text, or a list of texts; of those that are required, if one does."""
    schema = tool.get("parameters") or {}
    properties = schema.get("properties") or {}
    for name in (*schema.get("required", ()), *properties):
        parameter = properties.get(name)
        if not isinstance(parameter, dict) or "enum" in parameter or "const" in parameter:
            continue
        types = _types(parameter)
        items = parameter.get("items")
        if "string" in types or ("array" in types and isinstance(items, dict) and "string" in _types(items)):
            return str(name)
    return None


def _types(schema: JSON) -> list[Any]:
    kinds = schema.get("type")
    return kinds if isinstance(kinds, list) else [kinds]

"""Tools and tool_choice, both ways.

Chat completions know functions by a flat name of at most 64 characters; the Responses API knows kinds, namespaces
and longer names. `ToolNames` is the bijection between the two for one request: deterministic (the same tools give
the same names, so provider prompt caches stay warm), and used for the declarations, for the calls in history and
for the calls that come back. Source: responses-api reference §4.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from translators.dialect import Dialect
from translators.items import Name
from translators.notes import Notes


class FunctionTool(Struct, frozen=True, gc=False, tag_field="type", tag="function"):
    """A function the client runs. An echo has every member, null where the client set nothing."""

    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class NamespaceTool(Struct, frozen=True, gc=False, tag_field="type", tag="namespace"):
    """Functions under a common name; Codex groups its own this way."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    tools: list[FunctionTool]
    description: str | None = None


class WebSearchTool(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag="web_search"):
    """OpenAI's own search. No chat provider runs it: it is left out with a note, because Codex always declares it."""

    filters: Any = None
    search_context_size: str | None = None
    user_location: Any = None
    external_web_access: bool | None = None
    search_content_types: Any = None


Tool = FunctionTool | NamespaceTool | WebSearchTool


class FunctionChoice(Struct, frozen=True, gc=False, tag_field="type", tag="function"):
    name: Name


ToolChoice = Literal["none", "auto", "required"] | FunctionChoice

_CHAT_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_PARAMETERS: Final[dict[str, Any]] = {"type": "object", "properties": {}}


class ToolNames:
    """Names of one request: as the client knows a tool (name, namespace) ↔ as the provider does (flat)."""

    __slots__ = ("_flat", "_full")

    def __init__(self, tools: Sequence[Tool] = ()) -> None:
        self._flat: dict[tuple[str, str | None], str] = {}
        self._full: dict[str, tuple[str, str | None]] = {}
        for tool in tools:
            if isinstance(tool, FunctionTool):
                self.flat(tool.name)
        for tool in tools:
            if isinstance(tool, NamespaceTool):
                for member in tool.tools:
                    self.flat(member.name, tool.name)

    def flat(self, name: str, namespace: str | None = None) -> str:
        """Return the provider's name for a tool, declared or only met in history."""
        known = self._flat.get((name, namespace))
        if known is not None:
            return known
        full = name if namespace is None else f"{namespace}__{name}"
        flat = full
        digest = f"{namespace}\0{name}"
        while not _CHAT_NAME.fullmatch(flat) or flat in self._full:
            digest = hashlib.sha256(digest.encode()).hexdigest()
            flat = re.sub(r"[^A-Za-z0-9_-]", "_", full)[:55] + "_" + digest[:8]
        self._flat[name, namespace] = flat
        self._full[flat] = (name, namespace)
        return flat

    def restore(self, flat: str) -> tuple[str, str | None]:
        """Return the client's name and namespace for a name the provider used, even one nobody declared."""
        return self._full.get(flat) or (flat, None)


def chat_tools(tools: Sequence[Tool], names: ToolNames, dialect: Dialect, notes: Notes) -> list[dict[str, Any]]:
    """Return the tools as chat functions; those that no chat provider runs are left out with a note."""
    functions: list[dict[str, Any]] = []
    for tool in tools:
        if isinstance(tool, FunctionTool):
            functions.append(_chat_function(tool, None, names, dialect, notes))
        elif isinstance(tool, NamespaceTool):
            functions += [_chat_function(member, tool, names, dialect, notes) for member in tool.tools]
        else:
            notes.add("tools", "dropped", "web_search: chat providers do not run OpenAI's hosted tools")
    return functions


def _chat_function(
    tool: FunctionTool, namespace: NamespaceTool | None, names: ToolNames, dialect: Dialect, notes: Notes
) -> dict[str, Any]:
    function: dict[str, Any] = {"name": names.flat(tool.name, namespace.name if namespace else None)}
    description = tool.description
    if namespace is not None and namespace.description:
        description = f"[{namespace.name}: {namespace.description}] {description or ''}".rstrip()
    if description is not None:
        function["description"] = description
    function["parameters"] = _NO_PARAMETERS if tool.parameters is None else tool.parameters
    if tool.strict is not None:
        if dialect.strict_tools:
            function["strict"] = tool.strict
        elif tool.strict:
            notes.add("tools", "dropped", f"strict: not known to provider '{dialect.name}'")
    return {"type": "function", "function": function}


def chat_tool_choice(choice: ToolChoice, names: ToolNames) -> str | dict[str, Any]:
    if isinstance(choice, FunctionChoice):
        return {"type": "function", "function": {"name": names.flat(choice.name)}}
    return choice

"""Names of one request's tools: as the client knows a tool ↔ as the provider does.

Chat completions know functions by a flat name of at most 64 characters; the Responses API knows kinds, namespaces and
longer names. `ToolNames` is the bijection: deterministic (the same tools give the same names, so provider prompt caches
stay warm), and used for the declarations, for the calls in history and for the calls that come back.
Source: responses-api reference §4.1.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from translators.responses.tools import (
    ApplyPatchTool,
    CustomTool,
    FunctionTool,
    LocalShellTool,
    NamespaceTool,
    ShellTool,
    Tool,
    ToolSearchTool,
)

Kind = Literal["function", "custom", "local_shell", "shell", "apply_patch", "tool_search", "computer"]

_CHAT_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KIND_OF: Final[dict[type, Kind]] = {
    FunctionTool: "function",
    CustomTool: "custom",
    LocalShellTool: "local_shell",
    ShellTool: "shell",
    ApplyPatchTool: "apply_patch",
    ToolSearchTool: "tool_search",
}


class Called(NamedTuple):
    """A tool as the client knows it. Kinds of which there is one are named as their kind."""

    name: str
    namespace: str | None = None
    kind: Kind = "function"


def called(tool: Tool) -> list[Called]:
    """Return what a declared tool makes callable; nothing for those that OpenAI runs itself."""
    if isinstance(tool, NamespaceTool):
        return [Called(member.name, tool.name, _KIND_OF[type(member)]) for member in tool.tools]
    if isinstance(tool, (FunctionTool, CustomTool)):
        return [Called(tool.name, None, _KIND_OF[type(tool)])]
    kind = _KIND_OF.get(type(tool))
    return [Called(kind, None, kind)] if kind else []


class ToolNames:
    """The two ways of the bijection. Tools without a namespace come first: their names change least."""

    __slots__ = ("_flat", "_full")

    def __init__(self, tools: Sequence[Tool] = ()) -> None:
        self._flat: dict[tuple[str, str | None, Kind], str] = {}
        self._full: dict[str, Called] = {}
        every = [one for tool in tools for one in called(tool)]
        for one in every:
            if one.namespace is None:
                self.flat(*one)
        for one in every:
            self.flat(*one)

    def flat(self, name: str, namespace: str | None = None, kind: Kind = "function") -> str:
        """Return the provider's name for a tool, declared or only met in history."""
        known = self._flat.get((name, namespace, kind))
        if known is not None:
            return known
        full = name if namespace is None else f"{namespace}__{name}"
        flat = full
        digest = f"{namespace}\0{name}" if kind == "function" else f"{namespace}\0{name}\0{kind}"
        while not _CHAT_NAME.fullmatch(flat) or flat in self._full:
            digest = hashlib.sha256(digest.encode()).hexdigest()
            flat = re.sub(r"[^A-Za-z0-9_-]", "_", full)[:55] + "_" + digest[:8]
        self._flat[name, namespace, kind] = flat
        self._full[flat] = Called(name, namespace, kind)
        return flat

    def restore(self, flat: str) -> Called:
        """Return the tool that the provider means by a name, even by one nobody declared."""
        return self._full.get(flat) or Called(flat)

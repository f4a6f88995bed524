"""Names of one request's tools: qualified, as the client knows a tool ↔ flat, as the provider does.

Chat completions name functions with at most 64 characters of `[A-Za-z0-9_-]`; the Responses API has kinds, namespaces
and longer names. `ToolNames` is the bijection between them. It is deterministic (the same tools give the same names, so
that provider prompt caches stay warm) and serves declarations, calls in history and calls that come back.
Source: OpenAI API reference, Chat: create; OpenAI guide, Function calling.
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
_DIGEST_LENGTH: Final = 8
"""Hex digits that tell apart names which would be equal: 32 bits, and a collision is hashed once more."""
_STEM_LENGTH: Final = 64 - 1 - _DIGEST_LENGTH
"""Characters of a name in front of `_` and its digest."""
_KIND_OF: Final[dict[type, Kind]] = {
    FunctionTool: "function",
    CustomTool: "custom",
    LocalShellTool: "local_shell",
    ShellTool: "shell",
    ApplyPatchTool: "apply_patch",
    ToolSearchTool: "tool_search",
}


class QualifiedName(NamedTuple):
    """A tool as the client knows it. A kind that has only one tool (`shell`) is its name."""

    name: str
    namespace: str | None = None
    kind: Kind = "function"


def qualified_names(tool: Tool) -> list[QualifiedName]:
    """Return what a declared tool makes callable; nothing for tools that OpenAI runs itself."""
    if isinstance(tool, NamespaceTool):
        return [QualifiedName(member.name, tool.name, _KIND_OF[type(member)]) for member in tool.tools]
    if isinstance(tool, (FunctionTool, CustomTool)):
        return [QualifiedName(tool.name, None, _KIND_OF[type(tool)])]
    kind = _KIND_OF.get(type(tool))
    return [QualifiedName(kind, None, kind)] if kind else []


class ToolNames:
    """The bijection. Tools without a namespace are named first, so that they keep their own names if they can."""

    __slots__ = ("_flat", "_full", "with_encrypted")

    def __init__(self, tools: Sequence[Tool] = ()) -> None:
        self._flat: dict[tuple[str, str | None, Kind], str] = {}
        self._full: dict[str, QualifiedName] = {}
        self.with_encrypted: set[str] = set()
        """The provider's names of functions with parameters that OpenAI would encrypt."""
        every = [name for tool in tools for name in qualified_names(tool)]
        for name in every:
            if name.namespace is None:
                self.flatten(*name)
        for name in every:
            self.flatten(*name)

    def flatten(self, name: str, namespace: str | None = None, kind: Kind = "function") -> str:
        """Return the provider's name for a tool that is declared or was called in history."""
        known = self._flat.get((name, namespace, kind))
        if known is not None:
            return known
        full = name if namespace is None else f"{namespace}__{name}"
        flat = full
        digest = f"{namespace}\0{name}" if kind == "function" else f"{namespace}\0{name}\0{kind}"
        while not _CHAT_NAME.fullmatch(flat) or flat in self._full:
            digest = hashlib.sha256(digest.encode()).hexdigest()
            flat = re.sub(r"[^A-Za-z0-9_-]", "_", full)[:_STEM_LENGTH] + "_" + digest[:_DIGEST_LENGTH]
        self._flat[name, namespace, kind] = flat
        self._full[flat] = QualifiedName(name, namespace, kind)
        return flat

    def restore(self, flat: str) -> QualifiedName:
        """Return the tool that a provider's name stands for; an undeclared one is a function of that name."""
        return self._full.get(flat) or QualifiedName(flat)

"""Names of one request's tools: qualified, as the client knows a tool ↔ flat, as the provider does.

Chat completions name functions with at most 64 characters of `[A-Za-z0-9_-]`, of which some providers want a letter
first; the Responses API has kinds, namespaces and longer names. `ToolNames` is the bijection between them. It is
deterministic (the same tools give the same names, so that provider prompt caches stay warm) and serves declarations,
calls in history and calls that come back.
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

_CHAT_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
"""A letter comes first: Kimi and Gemini refuse a digit. Source: MoonshotAI/kimi-cli#1773."""
_FIRST_LETTER: Final = "t_"
"""Put before a name that begins otherwise."""
_DIGEST_LENGTH: Final = 8
"""Hex digits that tell apart names which would be equal: 32 bits, and a collision is hashed once more."""
_OF_NO_ARGUMENTS: Final = frozenset(
    {"type", "properties", "required", "additionalProperties", "title", "description", "$schema"}
)
"""Keywords of a schema that, with empty `properties`, allows no arguments."""
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

    __slots__ = ("_allowed", "_declared", "_flat", "_full", "_tools", "with_encrypted")

    def __init__(self, tools: Sequence[Tool] = ()) -> None:
        self._tools = tools
        self._flat: dict[tuple[str, str | None, Kind], str] = {}
        self._full: dict[str, QualifiedName] = {}
        self.with_encrypted: set[str] = set()
        """The provider's names of functions with parameters that OpenAI would encrypt."""
        self._allowed: frozenset[str] | None = None
        """The flat names of the tools that may be called; None: any."""
        self._declared: dict[str, QualifiedName] = {}
        """The flat names of declared tools; the others were only met in the history."""
        every = [name for tool in tools for name in qualified_names(tool)]
        for name in every:
            if name.namespace is None:
                self.flatten(*name)
        for name in every:
            self.flatten(*name)
        self._declared.update(self._full)

    def copy(self) -> "ToolNames":
        """Return names that can be added to without changing these."""
        copy = object.__new__(ToolNames)
        copy._tools, copy._declared = self._tools, self._declared
        copy._flat, copy._full = self._flat.copy(), self._full.copy()
        copy.with_encrypted, copy._allowed = self.with_encrypted, self._allowed
        return copy

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
            stem = re.sub(r"[^A-Za-z0-9_-]", "_", full)
            stem = stem if stem[:1].isalpha() else _FIRST_LETTER + stem
            flat = stem[:_STEM_LENGTH] + "_" + digest[:_DIGEST_LENGTH]
        self._flat[name, namespace, kind] = flat
        self._full[flat] = QualifiedName(name, namespace, kind)
        return flat

    def restore(self, flat: str) -> QualifiedName:
        """Return the tool that a provider's name stands for; an undeclared one is a function of that name."""
        return self._full.get(flat) or QualifiedName(flat)

    def allow_only(self, tools: Sequence[Tool]) -> None:
        """Allow calls of these tools and of no other."""
        self._allowed = frozenset(self.flatten(*name) for tool in tools for name in qualified_names(tool))

    def allow_all(self) -> None:
        self._allowed = None

    def may_call(self, flat: str) -> bool:
        return self._allowed is None or flat in self._allowed

    # --- names that are not quite right -----------------------------------------------------------------------

    def takes_arguments(self, flat: str) -> bool:
        """Whether a function may get arguments; false only if its declaration says that there are none."""
        called = self.restore(self.meant(flat) or flat)
        for tool in self._tools:
            members = tool.tools if isinstance(tool, NamespaceTool) else [tool]
            for name, member in zip(qualified_names(tool), members, strict=False):
                if name == called and isinstance(member, FunctionTool):
                    schema = member.parameters or {}
                    others = schema.get("additionalProperties") or schema.keys() - _OF_NO_ARGUMENTS
                    return schema.get("properties") != {} or bool(others)
        return True

    def is_declared(self, flat: str) -> bool:
        return flat in self._declared

    def begins_declared(self, flat: str) -> bool:
        """Whether a declared tool's name begins so, or is it."""
        return any(name.startswith(flat) for name in self._declared)

    def is_final(self, flat: str) -> bool:
        """Whether a name is a tool's, and no longer name begins with it."""
        if not self._declared:
            return bool(flat)
        return flat in self._declared and [name for name in self._declared if name.startswith(flat)] == [flat]

    def meant(self, name: str) -> str | None:
        """Return the flat name of the one declared tool that a name can mean; None if there is none, or several.

        Models put a channel mark behind a name, `functions.` before it, leave out or alter a namespace, and write other
        capitals, and "-" for "_".
        Source: pydantic/pydantic-ai#7143; Wei-Shaw/sub2api#5675.
        """
        if name in self._declared:
            return name
        plains = dict.fromkeys((_without_marks(name), without_marks(name)))
        for spelled in (str, _folded):
            for plain in map(spelled, plains):
                found = [
                    flat for flat, full in self._declared.items()
                    if plain in (spelled(one) for one in (flat, *_spellings(full)))
                ]  # fmt: skip
                if found:
                    return found[0] if len(found) == 1 else None
        return None

    def flatten_called(self, name: str) -> str:
        """Return the provider's name for a function that the history calls, without the marks of a model's format.

        A call is not taken for one of a namespace's members: it may be of a tool that is no longer declared.
        """
        plain = without_marks(name)
        if plain == name or not plain or (name, None, "function") in self._flat:
            return self.flatten(name)
        return self.meant(name) or self.flatten(plain)

    def meant_by_id(self, id: str) -> str | None:
        """Return the tool of a call that has no name: the one that its id names, else the only one that there is."""
        words = _ID_WITH_NAME.fullmatch(id)
        if words is not None:
            return self.meant(words[1])
        return next(iter(self._declared)) if len(self._declared) == 1 else None


_ID_WITH_NAME: Final = re.compile(r"(?:functions?[.:])?([A-Za-z_][\w.-]*):\d+")
"""Kimi's ids: `functions.get:0`. Source: Moonshot docs."""
_MARK: Final = re.compile(r"<\||<[/a-z]")
_PREFIX: Final = re.compile(r"\A(?:functions?|tools?|default_api)(?:\.|::?|/)")


_RECIPIENT: Final = re.compile(r"<\|\w+\|>[^<]*\bto=([\w.-]+)")
"""In a whole header of gpt-oss that a server took for the name: `assistant<|channel|>commentary to=functions.get`."""
_BEHIND: Final = re.compile(r"(?::\d+|\(\))\Z")


def without_marks(name: str) -> str:
    """Return a name without what a model's format puts around it: white space, quotes, channel marks, a prefix."""
    return _PREFIX.sub("", _without_marks(name), count=1)


def _without_marks(name: str) -> str:
    recipient = _RECIPIENT.search(name)
    plain = recipient[1] if recipient else _MARK.split(name.strip().strip("\"'`"), maxsplit=1)[0].strip()
    return _BEHIND.sub("", plain)


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_")


def _spellings(full: QualifiedName) -> set[str]:
    """Return how models write the name of a tool: bare, and as a member of its namespace."""
    if full.namespace is None:
        return {full.name}
    return {full.name, *(f"{full.namespace}{mark}{full.name}" for mark in (".", "/", ":", "::", "__", "_", "-"))}

"""Tools with deferred loading: the model knows their names, and searches for those that it needs.

The model calls `tool_search` with the names of tools or namespaces, or with words. What is found is declared in the
next chat request, behind the tools that were there; its declaration is an item of the response, so that later turns
have it, too. A tool that the context has loaded is not found again.
Source: OpenAI guide, Tool search.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET, Struct
from msgspec.structs import replace

from translators.responses.tools import CustomTool, FunctionTool, NamespaceTool, Tool
from translators.tools.names import QualifiedName, qualified_names

_MAX_FOUND: Final = 16
"""Tools of one search by words."""
_MAX_NAMED: Final = 64
"""Tools of one search by names: half of what most providers accept in one request."""
_MAX_LINES: Final = 256
"""Lines of the function's description, one for each tool or namespace."""
_MAX_LINE_CHARS: Final = 200
_WORD: Final = re.compile(r"[a-z0-9]{3,}")
_COMMON: Final = frozenset({"and", "for", "from", "return", "that", "the", "this", "with"})
"""Words that say nothing about a tool, as `_words` returns them."""
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class DeferredTool(Struct, frozen=True, gc=False):
    """One tool that is not shown, as it is declared when it is found."""

    name: QualifiedName
    tool: FunctionTool | CustomTool
    namespace: NamespaceTool | None = None

    @property
    def path(self) -> str:
        """By which the model names it."""
        return self.name.name if self.namespace is None else f"{self.namespace.name}.{self.name.name}"


def split_deferred(tools: Sequence[Tool]) -> tuple[list[Tool], list[DeferredTool]]:
    """Return the tools that the model is shown, and those that it has to search for."""
    shown: list[Tool] = []
    deferred: list[DeferredTool] = []
    for tool in tools:
        if isinstance(tool, NamespaceTool):
            left = [member for member in tool.tools if member.defer_loading is not True]
            deferred += [
                DeferredTool(name, replace(member, defer_loading=UNSET), tool)
                for name, member in zip(qualified_names(tool), tool.tools, strict=True)
                if member.defer_loading is True
            ]
            if left:
                shown.append(tool if len(left) == len(tool.tools) else replace(tool, tools=left))
        elif isinstance(tool, (FunctionTool, CustomTool)) and tool.defer_loading is True:
            deferred.append(DeferredTool(qualified_names(tool)[0], replace(tool, defer_loading=UNSET)))
        else:
            shown.append(tool)
    return shown, deferred


def describe_deferred(deferred: Sequence[DeferredTool]) -> str:
    """Return what can be searched, one line for each namespace and each tool without one."""
    lines: dict[str, str] = {}
    for one in deferred:
        if one.namespace is None:
            lines[one.path] = one.tool.description or ""
        else:
            lines.setdefault(one.namespace.name, one.namespace.description or "")
    shown = [f"{path}: {' '.join(text.split())}".rstrip(": ")[:_MAX_LINE_CHARS] for path, text in lines.items()]
    more = [f"and {len(shown) - _MAX_LINES} more"] if len(shown) > _MAX_LINES else []
    return "\n".join(f"- {line}" for line in shown[:_MAX_LINES] + more)


def find_deferred(deferred: Sequence[DeferredTool], arguments: Mapping[str, Any]) -> list[DeferredTool]:
    """Return the tools that the arguments of a call name, else those whose names and descriptions fit its words best.

    `paths`: names of tools or namespaces. `query`: words, which are also searched for if no path names a tool.
    """
    paths = list(_texts(arguments.get("paths")))
    named = [one for one in deferred if {one.path, one.name.name, one.name.namespace} & set(paths)][:_MAX_NAMED]
    words = Counter(_words(" ".join(_texts(arguments.get("query"))) if named else " ".join(_all_texts(arguments))))
    left = [one for one in deferred if one not in named]
    return named + _rank(left, words)


def declare_found(found: Iterable[DeferredTool]) -> tuple[Tool, ...]:
    """Return the declarations of tools, the members of a namespace together."""
    tools: list[Tool] = []
    places: dict[str, int] = {}
    for one in found:
        if one.namespace is None:
            tools.append(one.tool)
            continue
        at = places.setdefault(one.namespace.name, len(tools))
        if at == len(tools):
            tools.append(replace(one.namespace, tools=[one.tool]))
        else:
            together = tools[at]
            assert isinstance(together, NamespaceTool)
            tools[at] = replace(together, tools=[*together.tools, one.tool])
    return tuple(tools)


def _rank(tools: Sequence[DeferredTool], wanted: Counter[str]) -> list[DeferredTool]:
    """Return the tools that have one of the words, those with the most and the rarest first."""
    known = [_words_of(one) for one in tools]
    common = Counter(word for words in known for word in words)
    scores = [sum(1 / common[word] for word in wanted if word in words) for words in known]
    found = sorted((at for at, score in enumerate(scores) if score > 0), key=lambda at: -scores[at])
    return [tools[at] for at in found[:_MAX_FOUND]]


def _words_of(one: DeferredTool) -> set[str]:
    texts = [one.path, one.tool.description or "", one.namespace.description or "" if one.namespace else ""]
    if isinstance(one.tool, FunctionTool) and isinstance(one.tool.parameters, dict):
        properties = one.tool.parameters.get("properties")
        texts += properties if isinstance(properties, dict) else ()
    return set(_words(" ".join(texts)))


def _words(text: str) -> list[str]:
    words = [word.removesuffix("s") for word in _WORD.findall(_CAMEL.sub(" ", text).lower())]
    return [word for word in words if word not in _COMMON]


def _texts(value: object) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield one


def _all_texts(arguments: Mapping[str, Any]) -> Iterator[str]:
    for value in arguments.values():
        yield from _texts(value)

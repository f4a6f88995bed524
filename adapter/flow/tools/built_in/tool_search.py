"""`tool_search`: tools with deferred loading, which the model finds before it calls them.

Unlike the other built-in tools it is about the rest of the request: its functions, and those of the MCP servers.
Source: OpenAI guide, Tool search.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from adapter.flow.tools.built_in.base import BuiltIn
from adapter.hosting.runs import ToolRun
from translators.notes import Notes
from translators.open_items.hosted import OpenHostedItem
from translators.open_items.tool_search import OpenFoundTools, OpenToolSearch
from translators.responses.items import Item
from translators.responses.tools import Tool, is_hosted_search
from translators.tools.built_in import read_object, tool_search
from translators.tools.declarations import tools_from_items
from translators.tools.deferred import (
    DeferredTool,
    declare_found,
    describe_deferred,
    find_deferred,
    split_deferred,
)
from translators.tools.names import qualified_names


def defer_tools(
    tools: Sequence[Tool], items: Sequence[Item], notes: Notes
) -> tuple[tuple[Tool, ...], BuiltIn | None]:
    """Return the tools that the model is shown, with a function for the search, and what runs that.

    `items`: the whole context, which may have loaded some. Without a search that the server runs, nothing is deferred.
    """
    declared = next(filter(is_hosted_search, tools), None)
    if declared is None:
        return tuple(tools), None
    shown, deferred = split_deferred([tool for tool in tools if tool is declared or not is_hosted_search(tool)])
    if not deferred:
        notes.add("tools", "dropped", "tool_search: no tool has defer_loading")
        return tuple(tool for tool in shown if tool is not declared), None
    loaded = {name for tool in tools_from_items(items) for name in qualified_names(tool)}
    function = tool_search(describe_deferred(deferred))
    search = partial(ToolSearchRun, [one for one in deferred if one.name not in loaded])
    return tuple(function if tool is declared else tool for tool in shown), BuiltIn(declared, (function,), search)


class ToolSearchRun(ToolRun):
    """A search for tools."""

    def __init__(self, deferred: list[DeferredTool], function: str, arguments: str) -> None:
        """`deferred`: the tools that are not loaded yet; what is found is removed."""
        self._deferred = deferred
        self._arguments = read_object(arguments)
        self._found: list[DeferredTool] = []

    def open_item(self, output_index: int, digits: str) -> OpenHostedItem:
        self._item = OpenToolSearch(output_index, f"tsc_{digits}", arguments=self._arguments)
        return self._item

    def open_result(self, output_index: int, digits: str) -> OpenHostedItem:
        return OpenFoundTools(output_index, f"tso_{digits}", tools=declare_found(self._found))

    def _run(self) -> None:
        self._found = find_deferred(self._deferred, self._arguments)
        for one in self._found:
            self._deferred.remove(one)

    def settle(self) -> None:
        names = ", ".join(one.path for one in self._found)
        self._item.settle(f"These tools can be called now: {names}" if names else "No other tools were found.")

    def log_fields(self) -> dict[str, Any]:
        return {"kind": "tool_search", "results": len(self._found), "outcome": "ok"}

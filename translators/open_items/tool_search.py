"""A search for tools that the adapter runs: `tool_search_call` and `tool_search_output`, without further events.

Source: OpenAI guide, Tool search.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from translators.open_items.base import FinalStatus
from translators.open_items.hosted import OpenHostedItem
from translators.responses.events import Event
from translators.responses.items import OutputItem, ToolSearchCall, ToolSearchOutput
from translators.responses.tools import Tool


class OpenToolSearch(OpenHostedItem):
    """The search."""

    def __init__(self, output_index: int, id: str, *, arguments: dict[str, Any]) -> None:
        super().__init__(output_index, id)
        self._item = ToolSearchCall(arguments, None, id, "server", "in_progress")
        self.item: OutputItem = self._item

    def settle(self, text: str) -> None:
        """Take what the model reads."""
        self.hidden = {"text": text}

    def _end(self, status: FinalStatus) -> list[Event]:
        self.item = replace(self._item, status=status)
        return []


class OpenFoundTools(OpenHostedItem):
    """What it found, which the model can call from then on."""

    def __init__(self, output_index: int, id: str, *, tools: Sequence[Tool]) -> None:
        super().__init__(output_index, id)
        self._tools = tuple(tools)
        self._item = ToolSearchOutput((), None, id, "server", "in_progress")
        self.item: OutputItem = self._item

    def _end(self, status: FinalStatus) -> list[Event]:
        self.item = replace(self._item, tools=self._tools, status=status)
        return []

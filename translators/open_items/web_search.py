"""A `web_search_call`: a search, a page that is opened, or a text that is looked for in one.

The action is there from the beginning: OpenAI sends it at the end, but strict clients need it, and Codex shows it while
the search runs. Source: OpenAI API reference, Streaming events; openai-python 3.54; Codex CLI 0.169.
"""

from typing import Any

from msgspec.structs import replace

from translators.open_items.base import FinalStatus
from translators.open_items.hosted import OpenHostedItem
from translators.responses.events import Event, WebSearchCompleted, WebSearchInProgress, WebSearchSearching
from translators.responses.hosted.items import WebSearchCall
from translators.responses.items import OutputItem


class OpenWebSearch(OpenHostedItem):
    """One search or look at a page; `action` is that of the item."""

    def __init__(self, output_index: int, id: str, *, action: dict[str, Any]) -> None:
        super().__init__(output_index, id)
        self._item = WebSearchCall(id, "in_progress", action)
        self.item: OutputItem = self._item
        self._status = "incomplete"

    def _begin(self) -> list[Event]:
        at: dict[str, Any] = {"item_id": self._id, "output_index": self._index}
        return [WebSearchInProgress(**at), WebSearchSearching(**at)]

    def settle(self, text: str, sources: list[str], *, failed: bool, shows_sources: bool) -> None:
        """Take the result: what the model reads, and the URLs that a search found."""
        self._status = "failed" if failed else "completed"
        action = dict(self._item.action or {})
        if shows_sources and not failed and action["type"] == "search":
            action["sources"] = [{"type": "url", "url": url} for url in sources]
        self._item = replace(self._item, action=action)
        self.hidden = {"text": text}

    def _end(self, status: FinalStatus) -> list[Event]:
        if status == "incomplete":
            self._status = "incomplete"
        self.item = replace(self._item, status=self._status)
        return [WebSearchCompleted(item_id=self._id, output_index=self._index)] if self._status != "incomplete" else []

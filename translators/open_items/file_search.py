"""A `file_search_call`: a search in vector stores.

The queries come with the results, as OpenAI sends them. Source: OpenAI API reference, Streaming events.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from translators.open_items.base import FinalStatus
from translators.open_items.hosted import OpenHostedItem
from translators.responses.events import Event, FileSearchCompleted, FileSearchInProgress, FileSearchSearching
from translators.responses.hosted.items import FileSearchCall
from translators.responses.items import OutputItem


class OpenFileSearch(OpenHostedItem):
    """One search, with all of its queries."""

    def __init__(self, output_index: int, id: str, *, queries: list[str]) -> None:
        super().__init__(output_index, id)
        self._queries = queries
        self._item = FileSearchCall(id, "in_progress", [], None)
        self.item: OutputItem = self._item
        self._status = "incomplete"
        self._results: list[dict[str, Any]] | None = None

    def _begin(self) -> list[Event]:
        at: dict[str, Any] = {"item_id": self._id, "output_index": self._index}
        return [FileSearchInProgress(**at), FileSearchSearching(**at)]

    def settle(
        self, text: str, results: list[dict[str, Any]], cited: Sequence[tuple[int, str, str]], *, failed: bool,
        shows_results: bool,
    ) -> None:  # fmt: skip
        """Take the result: what the model reads, and the results with their files (number, id, name)."""
        self._status = "failed" if failed else "completed"
        self._results = results if shows_results else None
        self.hidden = {"text": text, "cited": [list(one) for one in cited]}

    def _end(self, status: FinalStatus) -> list[Event]:
        if status == "incomplete":
            self._status = "incomplete"
        self.item = replace(self._item, status=self._status, queries=self._queries, results=self._results)
        return [FileSearchCompleted(item_id=self._id, output_index=self._index)] if self._status != "incomplete" else []

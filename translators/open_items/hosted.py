"""Items of tools that the adapter runs itself, while they are being written.

Such an item is opened with the whole call, because only after the round is it known whether the call is run. `open()`
returns all events before its result; then the tool runs, `settle()` stores what it returned, and `close("completed")`
returns the rest. Closed without a result, because the response broke off, the item is incomplete.
Source: OpenAI API reference, Streaming events.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from translators.open_items.base import FinalStatus, PieceKind
from translators.responses.events import Event, OutputItemAdded, OutputItemDone
from translators.responses.items import OutputItem


class OpenHostedItem(ABC):
    """What the items of all hosted tools share: nothing is appended, and a result ends them."""

    item: OutputItem
    hidden: dict[str, Any] | None = None
    """What the model has read of the result and the item does not show."""
    shows_hidden = False
    """The client keeps the history, and must send this back."""
    not_run: Sequence[dict[str, Any]] = ()
    """Calls of the same round that were not run and have no item: what the model reads of them is hidden here."""

    def __init__(self, output_index: int, id: str) -> None:
        self._id = id
        self._index = output_index

    def open(self) -> list[Event]:
        return [OutputItemAdded(output_index=self._index, item=self.item), *self._begin()]

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        return  # the adapter itself sets what the item holds

    def close(self, status: FinalStatus) -> list[Event]:
        events = self._end(status)
        if self.not_run:
            self.hidden = {**(self.hidden or {}), "not_run": list(self.not_run)}
        if self.shows_hidden and self.hidden is not None and status == "completed":
            item: Any = self.item
            self.item, self.hidden = replace(item, hidden=self.hidden), None
        return [*events, OutputItemDone(output_index=self._index, item=self.item)]

    def _begin(self) -> list[Event]:
        """Return the events between the item's first one and its result."""
        return []

    @abstractmethod
    def _end(self, status: FinalStatus) -> list[Event]:
        """Finish `item`; return the events before its last one."""

"""The compaction item of an answer, in which the summary of a conversation goes out, sealed.

Source: OpenAI API reference, Streaming events.
"""

from typing import Any

from translators.open_items.base import FinalStatus, PieceKind
from translators.responses.events import CompactionCompacting, Event, OutputItemAdded, OutputItemDone
from translators.responses.items import Compaction, OutputItem


class OpenCompaction:
    """A compaction item; its only piece is its `encrypted_content`."""

    def __init__(self, output_index: int, id: str) -> None:
        self._output_index = output_index
        self._id = id
        self.item: OutputItem = Compaction("", id=id)

    def open(self) -> list[Event]:
        return [
            OutputItemAdded(output_index=self._output_index, item=self.item),
            CompactionCompacting(item_id=self._id, output_index=self._output_index),
        ]

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        self.item = Compaction(delta, id=self._id)

    def close(self, status: FinalStatus) -> list[Event]:
        return [OutputItemDone(output_index=self._output_index, item=self.item)]

"""A call that the client must not see: it has its place in the queue, and no events and no item come of it."""

from typing import Any

from translators.open_items.base import FinalStatus, PieceKind
from translators.responses.events import Event
from translators.responses.items import OutputItem


class OpenDroppedCall:
    item: OutputItem
    """There is none."""

    def open(self) -> list[Event]:
        return []

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        """Ignore the arguments."""

    def close(self, status: FinalStatus) -> list[Event]:
        return []

"""An output item that is not done yet, in the queue of an `ItemSequencer`."""

from typing import Any, Literal

from msgspec import Struct

from translators.open_items.base import OpenItem, PieceKind
from translators.open_items.dropped_call import OpenDroppedCall
from translators.reasoning.opaque import OpaqueReasoning
from translators.to_responses.provider_call import ProviderCall

ItemKind = Literal["message", "reasoning", "call", "image", "compaction", "hosted", "dropped"]


class QueuedItem(Struct, eq=False):
    """An output item that is not done: open, or waiting, with its `pieces`, for the items before it to close."""

    kind: ItemKind
    call: ProviderCall | None = None
    opaque: OpaqueReasoning | None = None
    item: OpenItem | None = None
    pieces: list[tuple[PieceKind, str, list[Any]]] = []
    closed: bool = False

    def drop(self) -> bool:
        """Make this a call of which the client sees nothing; return True, since it is open now."""
        self.kind, self.item = "dropped", OpenDroppedCall()
        self.pieces.clear()
        return True

    def may_close(self) -> bool:
        """Whether the item may close now that something else has arrived."""
        return self.kind != "hosted" if self.call is None else self.call.has_ended()

"""A reasoning item while it is being written, streamed in one of two sets of events.

By default thinking goes out as the item's summary, since every client shows that; with `reasoning_as = "content"` as
raw reasoning text. Either way it is one part. Source: OpenAI API reference, Streaming events.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from msgspec import UNSET, UnsetType

from translators.open_items.base import FinalStatus, PieceKind
from translators.reasoning.opaque import OpaqueReasoning
from translators.reasoning.thinking import SealPolicy
from translators.responses.events import (
    ContentPartAdded,
    ContentPartDone,
    Event,
    OutputItemAdded,
    OutputItemDone,
    ReasoningSummaryPartAdded,
    ReasoningSummaryPartDone,
    ReasoningSummaryTextDelta,
    ReasoningSummaryTextDone,
    ReasoningTextDelta,
    ReasoningTextDone,
)
from translators.responses.items import (
    OutputItem,
    OutputText,
    PlainText,
    Reasoning,
    ReasoningText,
    Status,
    SummaryText,
)

ShownAs = Literal["summary", "content"]


class _Events(NamedTuple):
    """One set of events, each built from item_id, output_index, the index of the part, and a delta, text or part."""

    part_added: Callable[[str, int, int, Any], Event]
    delta: Callable[[str, int, int, str], Event]
    text_done: Callable[[str, int, int, str], Event]
    part_done: Callable[[str, int, int, Any], Event]


_EVENTS: Final[dict[ShownAs, _Events]] = {
    "summary": _Events(
        ReasoningSummaryPartAdded, ReasoningSummaryTextDelta, ReasoningSummaryTextDone, ReasoningSummaryPartDone
    ),
    "content": _Events(ContentPartAdded, ReasoningTextDelta, ReasoningTextDone, ContentPartDone),
}


class OpenReasoning:
    """A reasoning item; `opaque` gathers what only the provider can read."""

    def __init__(
        self, output_index: int, id: str, shown_as: ShownAs, opaque: OpaqueReasoning, sealing: SealPolicy | None
    ) -> None:
        self._output_index = output_index
        self._id = id
        self._shown_as = shown_as
        self._events = _EVENTS[shown_as]
        self._opaque = opaque
        self._sealing = sealing
        self.pieces: list[str] = []
        """Of the text so far."""
        self.item: OutputItem = self._item("in_progress")

    def open(self) -> list[Event]:
        return [OutputItemAdded(output_index=self._output_index, item=self.item)]

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        if not self.pieces:
            events.append(self._events.part_added(self._id, self._output_index, 0, self._part("")))
        self.pieces.append(delta)
        events.append(self._events.delta(self._id, self._output_index, 0, delta))

    def extend(self, deltas: list[str], events: list[Event]) -> None:
        """Append several deltas."""
        self.append("reasoning", deltas[0], [], events)
        self.pieces += deltas[1:]
        events += [self._events.delta(self._id, self._output_index, 0, delta) for delta in deltas[1:]]

    def close(self, status: FinalStatus) -> list[Event]:
        text = "".join(self.pieces)
        sealed = UNSET if self._sealing is None else self._sealing.seal(self._opaque.with_text(text))
        self.item = self._item(status, text, sealed)
        done = OutputItemDone(output_index=self._output_index, item=self.item)
        if not text:
            return [done]
        return [
            self._events.text_done(self._id, self._output_index, 0, text),
            self._events.part_done(self._id, self._output_index, 0, self._part(text)),
            done,
        ]

    def _item(self, status: Status, text: str = "", sealed: str | UnsetType = UNSET) -> Reasoning:
        if self._shown_as == "summary":
            summary = [SummaryText(text)] if text else []
            return Reasoning(summary, id=self._id, encrypted_content=sealed, status=status)
        content: list[ReasoningText | PlainText | OutputText] = [ReasoningText(text)] if text else []
        return Reasoning([], id=self._id, content=content, encrypted_content=sealed, status=status)

    def _part(self, text: str) -> SummaryText | ReasoningText:
        return SummaryText(text) if self._shown_as == "summary" else ReasoningText(text)

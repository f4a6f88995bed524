"""Output items while they are being written: one class per kind of item, one per kind of content part; calls: `tools/`.

An open item knows its `output_index` and `id` from the moment it opens; they never change. `open()` returns the
events that announce it, `append()` those of one more piece, `close(status)` those that end it, and then `item` is the
finished item: what stands in the terminal response is exactly what `output_item.done` said. Text gathers in lists
and is joined once. Event order: responses-api reference §5.4.
"""

from typing import Any, ClassVar, Literal, Protocol

from msgspec import UNSET, UnsetType

from translators.open_items.citations import Citations
from translators.reasoning.opaque import OpaqueReasoning
from translators.reasoning.thinking import SealPolicy
from translators.responses.events import (
    AnnotationAdded,
    ContentPartAdded,
    ContentPartDone,
    Event,
    OutputItemAdded,
    OutputItemDone,
    OutputTextDelta,
    OutputTextDone,
    ReasoningSummaryPartAdded,
    ReasoningSummaryPartDone,
    ReasoningSummaryTextDelta,
    ReasoningSummaryTextDone,
    ReasoningTextDelta,
    ReasoningTextDone,
    RefusalDelta,
    RefusalDone,
)
from translators.responses.items import (
    Message,
    OutputItem,
    OutputText,
    Reasoning,
    ReasoningText,
    Refusal,
    SummaryText,
)

Closed = Literal["completed", "incomplete"]
Piece = Literal["text", "refusal", "reasoning", "arguments", "picture", "sealed"]


class OpenItem(Protocol):
    """What the stream machine asks of each kind of item."""

    item: OutputItem

    def open(self) -> list[Event]: ...

    def append(self, piece: Piece, delta: str, logprobs: list[Any]) -> list[Event]: ...

    def close(self, status: Closed) -> list[Event]: ...


class OpenMessage:
    """A message of the assistant; its parts are text and refusals, one open at a time."""

    def __init__(self, output_index: int, id: str, citations: Citations) -> None:
        self._output_index = output_index
        self._id = id
        self._citations = citations
        self._done: list[OutputText | Refusal] = []
        self._part: OpenText | OpenRefusal | None = None
        self.item: OutputItem = Message("assistant", [], id=id, status="in_progress")

    def open(self) -> list[Event]:
        return [OutputItemAdded(output_index=self._output_index, item=self.item)]

    def append(self, piece: Piece, delta: str, logprobs: list[Any]) -> list[Event]:
        part = self._part
        if part is not None and part.piece == piece:
            return [part.append(delta, logprobs)]
        events = self._close_part()
        if piece == "text":
            part = OpenText(self._id, self._output_index, len(self._done), self._citations)
        else:
            part = OpenRefusal(self._id, self._output_index, len(self._done))
        self._part = part
        events.append(part.open())
        events.append(part.append(delta, logprobs))
        return events

    def close(self, status: Closed) -> list[Event]:
        events = self._close_part()
        self.item = Message("assistant", list(self._done), id=self._id, status=status)
        events.append(OutputItemDone(output_index=self._output_index, item=self.item))
        return events

    def _close_part(self) -> list[Event]:
        if self._part is None:
            return []
        part, events = self._part.close()
        self._part = None
        self._done.append(part)
        return events


class OpenText:
    """An `output_text` part; its annotations are told when it closes."""

    piece: ClassVar[Piece] = "text"

    def __init__(self, item_id: str, output_index: int, content_index: int, citations: Citations) -> None:
        self._item_id = item_id
        self._output_index = output_index
        self._content_index = content_index
        self._citations = citations
        self._text: list[str] = []
        self._logprobs: list[Any] = []

    def open(self) -> Event:
        return ContentPartAdded(
            item_id=self._item_id, output_index=self._output_index, content_index=self._content_index,
            part=OutputText("", [], []),
        )

    def append(self, delta: str, logprobs: list[Any]) -> Event:
        self._text.append(delta)
        if logprobs:
            self._logprobs += logprobs
        return OutputTextDelta(
            item_id=self._item_id, output_index=self._output_index, content_index=self._content_index,
            delta=delta, logprobs=logprobs,
        )

    def close(self) -> tuple[OutputText, list[Event]]:
        text = "".join(self._text)
        part = OutputText(text, self._citations.place(text), self._logprobs)
        at = (self._item_id, self._output_index, self._content_index)
        return part, [
            *(
                AnnotationAdded(
                    item_id=at[0], output_index=at[1], content_index=at[2],
                    annotation_index=position, annotation=annotation,
                )
                for position, annotation in enumerate(part.annotations or ())
            ),
            OutputTextDone(item_id=at[0], output_index=at[1], content_index=at[2],
                           text=part.text, logprobs=self._logprobs),
            ContentPartDone(item_id=at[0], output_index=at[1], content_index=at[2], part=part),
        ]


class OpenRefusal:
    """A `refusal` part."""

    piece: ClassVar[Piece] = "refusal"

    def __init__(self, item_id: str, output_index: int, content_index: int) -> None:
        self._item_id = item_id
        self._output_index = output_index
        self._content_index = content_index
        self._text: list[str] = []

    def open(self) -> Event:
        return ContentPartAdded(
            item_id=self._item_id, output_index=self._output_index, content_index=self._content_index,
            part=Refusal(""),
        )

    def append(self, delta: str, logprobs: list[Any]) -> Event:
        self._text.append(delta)
        return RefusalDelta(
            item_id=self._item_id, output_index=self._output_index, content_index=self._content_index,
            delta=delta,
        )

    def close(self) -> tuple[Refusal, list[Event]]:
        part = Refusal("".join(self._text))
        at = (self._item_id, self._output_index, self._content_index)
        return part, [
            RefusalDone(item_id=at[0], output_index=at[1], content_index=at[2], refusal=part.refusal),
            ContentPartDone(item_id=at[0], output_index=at[1], content_index=at[2], part=part),
        ]


class OpenReasoning:
    """Thinking while it arrives: its text, and what of it only the provider can read."""

    def __init__(self, output_index: int, id: str, opaque: OpaqueReasoning, sealing: SealPolicy | None) -> None:
        self._output_index = output_index
        self._id = id
        self._opaque = opaque
        self._sealing = sealing
        self._text: list[str] = []

    def _sealed(self, text: str) -> str | UnsetType:
        return UNSET if self._sealing is None else self._sealing.seal(self._opaque.with_text(text))


class OpenSummary(OpenReasoning):
    """Reasoning told as one summary part: how it goes out by default, since all clients read that."""

    item: OutputItem

    def open(self) -> list[Event]:
        self.item = Reasoning([], id=self._id, status="in_progress")
        return [OutputItemAdded(output_index=self._output_index, item=self.item)]

    def append(self, piece: Piece, delta: str, logprobs: list[Any]) -> list[Event]:
        at = (self._id, self._output_index)
        told = ReasoningSummaryTextDelta(item_id=at[0], output_index=at[1], summary_index=0, delta=delta)
        self._text.append(delta)
        if len(self._text) > 1:
            return [told]
        part = SummaryText("")
        return [ReasoningSummaryPartAdded(item_id=at[0], output_index=at[1], summary_index=0, part=part), told]

    def close(self, status: Closed) -> list[Event]:
        part = SummaryText("".join(self._text))
        at = (self._id, self._output_index)
        summary = [part] if self._text else []
        self.item = Reasoning(summary, id=self._id, encrypted_content=self._sealed(part.text), status=status)
        done = OutputItemDone(output_index=at[1], item=self.item)
        if not self._text:
            return [done]
        return [
            ReasoningSummaryTextDone(item_id=at[0], output_index=at[1], summary_index=0, text=part.text),
            ReasoningSummaryPartDone(item_id=at[0], output_index=at[1], summary_index=0, part=part),
            done,
        ]


class OpenReasoningText(OpenReasoning):
    """Reasoning told raw, as a `reasoning_text` content part."""

    item: OutputItem

    def open(self) -> list[Event]:
        self.item = Reasoning([], id=self._id, content=[], status="in_progress")
        return [OutputItemAdded(output_index=self._output_index, item=self.item)]

    def append(self, piece: Piece, delta: str, logprobs: list[Any]) -> list[Event]:
        at = (self._id, self._output_index)
        told = ReasoningTextDelta(item_id=at[0], output_index=at[1], content_index=0, delta=delta)
        self._text.append(delta)
        if len(self._text) > 1:
            return [told]
        part = ReasoningText("")
        return [ContentPartAdded(item_id=at[0], output_index=at[1], content_index=0, part=part), told]

    def close(self, status: Closed) -> list[Event]:
        part = ReasoningText("".join(self._text))
        at = (self._id, self._output_index)
        self.item = Reasoning(
            [], id=self._id, content=[part] if self._text else [],
            encrypted_content=self._sealed(part.text), status=status,
        )
        done = OutputItemDone(output_index=at[1], item=self.item)
        if not self._text:
            return [done]
        return [
            ReasoningTextDone(item_id=at[0], output_index=at[1], content_index=0, text=part.text),
            ContentPartDone(item_id=at[0], output_index=at[1], content_index=0, part=part),
            done,
        ]

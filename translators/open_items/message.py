"""A message of the assistant while it is being written, and its parts: text and refusals.

Source: OpenAI API reference, Streaming events.
"""

from typing import Any, ClassVar

from translators.open_items.base import FinalStatus, PieceKind
from translators.open_items.citations import Citations
from translators.responses.events import (
    AnnotationAdded,
    ContentPartAdded,
    ContentPartDone,
    Event,
    OutputItemAdded,
    OutputItemDone,
    OutputTextDelta,
    OutputTextDone,
    RefusalDelta,
    RefusalDone,
)
from translators.responses.items import Message, OutputItem, OutputText, Refusal


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

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        part = self._part
        if part is not None and part.piece == piece:
            events.append(part.append(delta, logprobs))
            return
        events += self._close_part()
        if piece == "text":
            part = OpenText(self._id, self._output_index, len(self._done), self._citations)
        else:
            part = OpenRefusal(self._id, self._output_index, len(self._done))
        self._part = part
        events.append(part.open())
        events.append(part.append(delta, logprobs))

    def close(self, status: FinalStatus) -> list[Event]:
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
    """An `output_text` part; its annotations are added when it closes."""

    piece: ClassVar[PieceKind] = "text"

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
        part = OutputText(text, self._annotations(text), self._logprobs)
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

    def _annotations(self, text: str) -> list[Any]:
        return list(self._citations.place(text))


class OpenRefusal:
    """A `refusal` part."""

    piece: ClassVar[PieceKind] = "refusal"

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

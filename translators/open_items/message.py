"""A message of the assistant while it is being written, and its parts: text and refusals.

Source: OpenAI API reference, Streaming events.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec import Struct

from translators.open_items.base import FinalStatus, PieceKind
from translators.open_items.citations import Citations
from translators.open_items.file_marks import FileMarks
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
from translators.responses.items import FileCitation, Message, OutputItem, OutputText, Refusal


class OpenMessage(Struct, eq=False):
    """A message of the assistant; its parts are text and refusals, one open at a time."""

    _output_index: int
    _id: str
    _citations: Citations
    _done: list[OutputText | Refusal] = []
    _part: "OpenText | OpenRefusal | None" = None
    text: "OpenText | None" = None
    """The part that was opened last, if it is text."""
    item: OutputItem = Message("assistant", [])

    def open(self) -> list[Event]:
        self.item = Message("assistant", [], id=self._id, status="in_progress")
        return [OutputItemAdded(output_index=self._output_index, item=self.item)]

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        part = self._part
        if part is None or part.piece != piece:
            if part is not None:
                self._done.append(part.close(events))
            part = self._part = self._new_part(piece)
            self.text = part if isinstance(part, OpenText) else None
            events.append(part.open())
        part.append(delta, logprobs, events)

    def _new_part(self, piece: PieceKind) -> "OpenText | OpenRefusal":
        at = (self._id, self._output_index, len(self._done))
        if piece != "text":
            return OpenRefusal(*at)
        if not self._citations.files:
            return OpenText(*at, self._citations)
        marks = FileMarks(self._citations.files)
        return CitingText(*at, self._citations, _cited_files=marks.citations, _marks=marks)

    def close(self, status: FinalStatus) -> list[Event]:
        events: list[Event] = []
        if self._part is not None:
            self._done.append(self._part.close(events))
        self.item = Message("assistant", list(self._done), id=self._id, status=status)
        events.append(OutputItemDone(output_index=self._output_index, item=self.item))
        return events


class OpenText(Struct, eq=False):
    """An `output_text` part; its annotations are added when it closes."""

    piece: ClassVar[PieceKind] = "text"

    _item_id: str
    _output_index: int
    _content_index: int
    _citations: Citations
    _text: list[str] = []
    _logprobs: list[Any] = []
    _cited_files: Sequence[FileCitation] = ()

    def open(self) -> Event:
        return ContentPartAdded(
            item_id=self._item_id, output_index=self._output_index, content_index=self._content_index,
            part=OutputText("", [], []),
        )

    def append(self, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        self._text.append(delta)
        if logprobs:
            self._logprobs += logprobs
        events.append(
            OutputTextDelta(
                item_id=self._item_id, output_index=self._output_index, content_index=self._content_index,
                delta=delta, logprobs=logprobs,
            )
        )

    def extend(self, deltas: list[str], events: list[Event]) -> None:
        """Append several deltas."""
        self._text += deltas
        id, output_index, content_index = self._item_id, self._output_index, self._content_index
        events += [
            OutputTextDelta(
                item_id=id, output_index=output_index, content_index=content_index, delta=delta, logprobs=[]
            )
            for delta in deltas
        ]

    def close(self, events: list[Event]) -> OutputText:
        """Return the finished part, with its last events in `events`."""
        id, output_index, content_index = self._item_id, self._output_index, self._content_index
        text = "".join(self._text)
        annotations: list[Any] = [*self._citations.place(text), *self._cited_files]
        part = OutputText(text, annotations, self._logprobs)
        for position, annotation in enumerate(annotations):
            events.append(
                AnnotationAdded(
                    item_id=id, output_index=output_index, content_index=content_index,
                    annotation_index=position, annotation=annotation,
                )
            )
        events += (
            OutputTextDone(
                item_id=id, output_index=output_index, content_index=content_index,
                text=text, logprobs=self._logprobs,
            ),
            ContentPartDone(item_id=id, output_index=output_index, content_index=content_index, part=part),
        )
        return part


class CitingText(OpenText, eq=False, kw_only=True):
    """A text whose marks of files become citations (`file_marks.py`)."""

    _marks: FileMarks

    def append(self, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        if shown := self._marks.feed(delta):
            super().append(shown, logprobs, events)

    def extend(self, deltas: list[str], events: list[Event]) -> None:
        for delta in deltas:
            self.append(delta, [], events)

    def close(self, events: list[Event]) -> OutputText:
        if rest := self._marks.flush():
            super().append(rest, [], events)
        return super().close(events)


class OpenRefusal(Struct, eq=False):
    """A `refusal` part."""

    piece: ClassVar[PieceKind] = "refusal"

    _item_id: str
    _output_index: int
    _content_index: int
    _text: list[str] = []

    def open(self) -> Event:
        return ContentPartAdded(
            item_id=self._item_id, output_index=self._output_index, content_index=self._content_index,
            part=Refusal(""),
        )

    def append(self, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        self._text.append(delta)
        events.append(
            RefusalDelta(
                item_id=self._item_id, output_index=self._output_index, content_index=self._content_index, delta=delta
            )
        )

    def close(self, events: list[Event]) -> Refusal:
        """Return the finished part, with its last events in `events`."""
        id, output_index, content_index = self._item_id, self._output_index, self._content_index
        part = Refusal("".join(self._text))
        events += (
            RefusalDone(item_id=id, output_index=output_index, content_index=content_index, refusal=part.refusal),
            ContentPartDone(item_id=id, output_index=output_index, content_index=content_index, part=part),
        )
        return part

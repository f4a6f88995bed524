"""Marks by which a model cites files → `file_citation` annotations; the marks leave the text.

The model has the instruction to cite result 3 as `【3】`; models that were trained on OpenAI's search do so anyway (as
`【4:3†name】`). A mark may come in pieces, so what could be the beginning of one is buffered: at most 96 characters,
and only in answers that follow a search. Brackets that are no mark of a known result stay as they are.
Source: OpenAI guide, File search.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from translators.open_items.base import PieceKind
from translators.open_items.citations import Citations, CitedFile
from translators.open_items.message import OpenMessage, OpenText
from translators.responses.events import Event
from translators.responses.items import FileCitation

_OPENING, _CLOSING = "【", "】"
_MAX_MARK: Final = 96
_MARK: Final = re.compile(r"【\s*((?:\d{1,4}:)?\d{1,4}(?:\s*[,，、;]\s*\d{1,4})*)\s*(?:†[^】]*)?】")
_NUMBER: Final = re.compile(r"\d+(?=$|\s*[,，、;])")
_MAX_CITATIONS: Final = 1000
"""Of one text, however often the model repeats a mark."""


class FileMarks:
    """Takes the marks out of one text, as it comes."""

    def __init__(self, files: Mapping[int, CitedFile]) -> None:
        self._files = files
        self._held = ""
        self._length = 0
        """Characters of the text so far, without marks."""
        self.citations: list[FileCitation] = []

    def feed(self, delta: str) -> str:
        """Return what can be shown of the text so far and was not shown before."""
        if not self._held and _OPENING not in delta:
            self._length += len(delta)
            return delta
        text, self._held = self._held + delta, ""
        shown: list[str] = []
        at = 0
        while (start := text.find(_OPENING, at)) != -1:
            end = text.find(_CLOSING, start, start + _MAX_MARK)
            if end == -1 and len(text) - start < _MAX_MARK:
                self._held = text[start:]
                break
            if end != -1:
                start = text.rindex(_OPENING, start, end)
            after = start + 1 if end == -1 else end + 1
            self._show(shown, text[at:start])
            if not self._cite(text[start:after]):
                self._show(shown, text[start:after])
            at = after
        self._show(shown, text[at : len(text) - len(self._held)])
        return "".join(shown)

    def flush(self) -> str:
        """Return what was buffered: the text is over, and it was no mark."""
        held, self._held = self._held, ""
        self._length += len(held)
        return held

    def _show(self, shown: list[str], text: str) -> None:
        shown.append(text)
        self._length += len(text)

    def _cite(self, mark: str) -> bool:
        """Add the citations of a mark; return False if it is none."""
        found = _MARK.fullmatch(mark)
        files = [self._files.get(int(number)) for number in _NUMBER.findall(found[1])] if found else []
        known = [file for file in files if file is not None]
        if not known or len(known) < len(files):
            return False
        room = _MAX_CITATIONS - len(self.citations)
        self.citations += [FileCitation(file.id, file.name, self._length) for file in known[:room]]
        return True


class CitingText(OpenText):
    """An `output_text` part of an answer that may cite files."""

    def __init__(self, item_id: str, output_index: int, content_index: int, citations: Citations) -> None:
        super().__init__(item_id, output_index, content_index, citations)
        self._marks = FileMarks(citations.files)

    def take(self, delta: str) -> str:
        """Return what can be shown of the text."""
        return self._marks.feed(delta)

    def flush(self) -> str:
        """Return the rest of the text, which is over."""
        return self._marks.flush()

    def _annotations(self, text: str) -> list[Any]:
        return [*super()._annotations(text), *self._marks.citations]


class CitingMessage(OpenMessage):
    """A message of an answer that may cite files."""

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        if piece != "text":
            super().append(piece, delta, logprobs, events)
            return
        part = self._part
        if not isinstance(part, CitingText):
            events += self._close_part()
            self._part = part = CitingText(self._id, self._output_index, len(self._done), self._citations)
            events.append(part.open())
        if shown := part.take(delta):
            events.append(part.append(shown, logprobs))

    def _close_part(self) -> list[Event]:
        part = self._part
        rest = part.flush() if isinstance(part, CitingText) else ""
        events = [part.append(rest, [])] if rest and part is not None else []
        return [*events, *super()._close_part()]

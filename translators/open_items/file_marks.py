"""Marks by which a model cites files → `file_citation` annotations; the marks leave the text.

The model has the instruction to cite result 3 as `【3】`; models that were trained on OpenAI's search do so anyway (as
`【4:3†name】`). A mark may come in pieces, so what could be the beginning of one is buffered: at most 96 characters,
and only in answers that follow a search. Brackets that are no mark of a known result stay as they are.
Source: OpenAI guide, File search.
"""

import re
from collections.abc import Mapping
from typing import Final

from translators.open_items.citations import CitedFile
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

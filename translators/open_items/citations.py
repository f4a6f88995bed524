"""The sources of an answer → the `url_citation` annotations of its text.

Providers send sources in three ways: as annotations with their position in the text (OpenAI); as annotations from 0 to
0, which is no position (OpenRouter); as a list beside the choices, whole in every chunk (Perplexity, xAI, Venice), or
in the searches that the provider ran (Groq). A source without a position is annotated at each mark of it in the text,
`[2]` for the second of the list or a link to its URL, else at the end of the text. A source that is sent repeatedly
counts once. Annotations are made when their text is done, so it does not matter when the sources arrive. Source:
docs/decisions/0017-sources-and-images.md; Perplexity docs, Sources; xAI docs, Live search.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from translators.chat.chunks import Annotation, Chunk, Source
from translators.notes import Notes
from translators.responses.items import UrlCitation

_MARK: Final = re.compile(r"\[[^\[\]]{0,200}\]\(((?:[^()\s]|\([^()\s]*\)){1,2048})\)|\[(\d{1,3})\]")
"""A link, whose URL may contain parentheses, or the number of a source."""
_MAX_MARKS: Final = 1000
"""Marks of one answer that are annotated: far above any real text, and a model that writes `[1]` for ever cannot make
the response a thousand times as large as its text."""
_MAX_SOURCE_CHARACTERS: Final = 8192
"""A source's URL and title together, since each mark repeats them; common servers accept no longer URL."""


class CitedFile(Struct, frozen=True, gc=False):
    """A file that the model may cite."""

    id: str
    name: str


class Citations(Struct, eq=False):
    """Gathers the sources of one answer until the text that cites them is done."""

    _notes: Notes
    files: dict[int, CitedFile] = {}
    """Files that the model has the instruction to cite, by number (`file_marks.py`)."""
    _titles: dict[str, str] = {}
    """Sources without a position: title by URL."""
    _order: list[str] = []
    """Their URLs in the order of arrival."""
    _placed_count: int = 0
    """How many of these URLs, from the first, the finished texts have annotations for."""
    _numbered: list[str] | None = None
    """Their URLs in the numbering of the latest list; None: none has come, and they are numbered as they arrived."""
    _instructed: set[str] = set()
    """URLs that the model has the instruction to cite at marks."""
    _positioned: list[UrlCitation] = []
    """Sources with a position, in the text that is not done."""
    _seen: set[UrlCitation] = set()
    """All sources with a position."""
    _cited: set[str] = set()
    """URLs that finished texts cite at a position or mark."""
    _text_start: int = 0
    """Characters of the finished texts; positions count from the start of the first."""
    _mark_count: int = 0
    """Annotations made from marks."""

    def add_annotations(self, annotations: Iterable[Annotation]) -> int:
        """Add a message's annotations; return the number of characters they add to the answer."""
        size = 0
        for annotation in annotations:
            source = annotation.url_citation or annotation
            url, title = source.url or "", source.title or ""
            start, end = source.start_index or 0, source.end_index or 0
            if annotation.type not in (None, "url_citation") or not url:
                self._notes.add("annotations", "dropped", "one that is not a url_citation")
            elif not 0 <= start < end:
                size += self._add(url, title)
            elif self._fits(url, title) and (placed := UrlCitation(start, end, url, title or url)) not in self._seen:
                self._seen.add(placed)
                self._positioned.append(placed)
                size += len(url) + len(title)
        return size

    def add_lists(self, chunk: Chunk) -> int:
        """Add the lists of sources of a chunk; return the number of characters they add to the answer."""
        size = self.add_list(chunk.search_results) if chunk.search_results else 0
        if chunk.citations:
            size += self.add_list(chunk.citations)
        if chunk.venice_parameters is not None:
            size += self.add_list(chunk.venice_parameters.web_search_citations or ())
        return size

    def add_list(self, sources: Sequence[str | Source]) -> int:
        """Add a list of sources, numbered from 1; return the number of characters they add to the answer."""
        listed = [Source(source) if isinstance(source, str) else source for source in sources]
        self._numbered = [source.url or "" for source in listed]
        if "" in self._numbered:
            self._notes.add("annotations", "dropped", "a source without a URL")
        return sum([self._add(source.url, source.title or "") for source in listed if source.url])

    def add_numbered(self, sources: Sequence[Source]) -> None:
        """Add sources for the model to cite by number, from 1; one that it does not cite is left out."""
        self._numbered = [source.url or "" for source in sources]
        for source in sources:
            if source.url and source.url not in self._titles and self._fits(source.url, source.title or ""):
                self._titles[source.url] = source.title or ""
                self._instructed.add(source.url)

    def _add(self, url: str, title: str) -> int:
        known = self._titles.get(url)
        if known or known == title or not self._fits(url, title):
            return 0
        self._titles[url] = title
        if known is None:
            self._order.append(url)
        return len(url) + len(title)

    def _fits(self, url: str, title: str) -> bool:
        if len(url) + len(title) <= _MAX_SOURCE_CHARACTERS:
            return True
        self._notes.add("annotations", "dropped", f"a source of more than {_MAX_SOURCE_CHARACTERS} characters")
        return False

    def place(self, text: str) -> list[UrlCitation]:
        """Return the annotations of a finished text, in the order of their positions."""
        before, self._text_start = self._text_start, self._text_start + len(text)
        if not (self._positioned or self._titles):
            return []
        found = [self._shift(citation, before, len(text)) for citation in self._positioned]
        self._positioned.clear()
        found += self._at_marks(text, {citation.start_index for citation in found})
        self._cited.update([citation.url for citation in found])
        found += [self._approximate(url, len(text), len(text)) for url in self._uncited()]
        self._placed_count = len(self._order)
        return sorted(found, key=lambda citation: (citation.start_index, citation.end_index))

    def end(self) -> None:
        """Note the sources that no text cites."""
        if self._positioned or (self._placed_count < len(self._order) and self._uncited()):
            self._notes.add("annotations", "dropped", "no text was left to cite them")

    def _uncited(self) -> list[str]:
        return [url for url in self._order[self._placed_count :] if url not in self._cited]

    def _at_marks(self, text: str, taken: set[int]) -> list[UrlCitation]:
        """Return the sources without a position, at each of their marks in the text."""
        found: list[UrlCitation] = []
        numbered = self._order if self._numbered is None else self._numbered
        for mark in _MARK.finditer(text):
            number = int(mark[2] or 0)
            url = mark[1] or (numbered[number - 1] if 0 < number <= len(numbered) else "")
            if url in self._titles and mark.start() not in taken:
                if self._mark_count == _MAX_MARKS:
                    self._notes.add("annotations", "dropped", f"marks after the first {_MAX_MARKS} of an answer")
                    break
                self._mark_count += 1
                found.append(self._approximate(url, mark.start(), mark.end()))
        return found

    def _approximate(self, url: str, start: int, end: int) -> UrlCitation:
        if url not in self._instructed:
            why = "the provider sends sources without positions; they are put at their marks"
            self._notes.add("annotations", "approximated", why)
        return UrlCitation(start, end, url, self._titles[url] or url)

    def _shift(self, citation: UrlCitation, before: int, size: int) -> UrlCitation:
        """Return a citation with its position counted from the start of the text that is done now."""
        start, end = citation.start_index - before, citation.end_index - before
        if start < 0 or end > size:
            self._notes.add("annotations", "approximated", "a position outside the text")
            start, end = min(max(start, 0), size), min(max(end, 0), size)
        return UrlCitation(start, end, citation.url, citation.title)

"""The sources of an answer → the `url_citation` annotations of its text.

Providers tell sources in three ways: as annotations with their place in the text (OpenAI); as annotations without one,
which say 0 to 0 (OpenRouter); as a list of pages or search results beside the choices, whole in every chunk
(Perplexity, xAI, Venice), or in the searches that the provider made (Groq). A source without a place is put wherever
the text cites it, as `[2]` for the second of the list or as a link to its URL, and at the end of the text if it does
nowhere. However often the same is sent, it is told once. All are placed when their text is done, so it does not matter
when they came. Source: responses-api reference §4.2, §5.4.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from translators.chat.chunks import Annotation, Source
from translators.notes import Notes
from translators.responses.items import UrlCitation

_CITED: Final = re.compile(r"\[[^\[\]]{0,200}\]\(((?:[^()\s]|\([^()\s]*\)){1,2048})\)|\[(\d{1,3})\]")
"""A link, whose URL may have parentheses in it, or the number of a source."""
_MOST: Final = 1000
"""Marks that one answer may have: each becomes an annotation of up to `_LONGEST` characters."""
_LONGEST: Final = 8192
"""Characters of a source's URL and title together."""


class Citations:
    """The sources of one answer as they come, until the text that cites them is done."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._titles: dict[str, str] = {}
        """The sources that came without a place: title by URL."""
        self._order: list[str] = []
        """Their URLs as they came."""
        self._settled = 0
        """How many of them a text that is done has told."""
        self._numbered = self._order
        """Their URLs as the last list numbered them, if one did."""
        self._waiting: list[UrlCitation] = []
        """The sources that came with a place in a text that is not done."""
        self._seen: set[UrlCitation] = set()
        """All that came with a place."""
        self._told: set[str] = set()
        """URLs that a text which is done has told at their place or mark."""
        self._before = 0
        """Characters of the texts that are done: places count from the first of these."""
        self._marks = 0
        """Annotations made from marks."""

    def take_annotations(self, annotations: Iterable[Annotation]) -> int:
        """Take a message's annotations; return how many characters they add to the answer."""
        size = 0
        for annotation in annotations:
            source = annotation.url_citation or annotation
            url, title = source.url or "", source.title or ""
            start, end = source.start_index or 0, source.end_index or 0
            if annotation.type not in (None, "url_citation") or not url:
                self._notes.add("annotations", "dropped", "one that is no url_citation")
            elif not 0 <= start < end:
                size += self._take(url, title)
            elif self._fits(url, title) and (placed := UrlCitation(start, end, url, title or url)) not in self._seen:
                self._seen.add(placed)
                self._waiting.append(placed)
                size += len(url) + len(title)
        return size

    def take_list(self, sources: Sequence[str | Source]) -> int:
        """Take a list of sources, numbered from 1; return how many characters they add to the answer."""
        told = [Source(source) if isinstance(source, str) else source for source in sources]
        self._numbered = [source.url or "" for source in told]
        if "" in self._numbered:
            self._notes.add("annotations", "dropped", "a source without a URL")
        return sum([self._take(source.url, source.title or "") for source in told if source.url])

    def _take(self, url: str, title: str) -> int:
        known = self._titles.get(url)
        if known or known == title or not self._fits(url, title):
            return 0
        self._titles[url] = title
        if known is None:
            self._order.append(url)
        return len(url) + len(title)

    def _fits(self, url: str, title: str) -> bool:
        if len(url) + len(title) <= _LONGEST:
            return True
        self._notes.add("annotations", "dropped", f"a source of more than {_LONGEST} characters")
        return False

    def place(self, text: str) -> list[UrlCitation]:
        """Return the annotations of a text that is done, in the order of their places."""
        before, self._before = self._before, self._before + len(text)
        if not (self._waiting or self._titles):
            return []
        found = [self._shifted(citation, before, len(text)) for citation in self._waiting]
        self._waiting.clear()
        found += self._marked(text, {citation.start_index for citation in found})
        self._told.update([citation.url for citation in found])
        found += [self._guessed(url, len(text), len(text)) for url in self._untold()]
        self._settled = len(self._order)
        return sorted(found, key=lambda citation: (citation.start_index, citation.end_index))

    def end(self) -> None:
        """Note what no text has told."""
        if self._waiting or self._untold():
            self._notes.add("annotations", "dropped", "there was no text left that could have them")

    def _untold(self) -> list[str]:
        return [url for url in self._order[self._settled :] if url not in self._told]

    def _marked(self, text: str, taken: set[int]) -> list[UrlCitation]:
        """Return the sources without a place wherever the text has their mark."""
        found: list[UrlCitation] = []
        for mark in _CITED.finditer(text):
            number = int(mark[2] or 0)
            url = mark[1] or (self._numbered[number - 1] if 0 < number <= len(self._numbered) else "")
            if url in self._titles and mark.start() not in taken:
                if self._marks == _MOST:
                    self._notes.add("annotations", "dropped", f"marks behind the first {_MOST} of an answer")
                    break
                self._marks += 1
                found.append(self._guessed(url, mark.start(), mark.end()))
        return found

    def _guessed(self, url: str, start: int, end: int) -> UrlCitation:
        self._notes.add("annotations", "approximated", "the provider says what it cites and not where; marks tell")
        return UrlCitation(start, end, url, self._titles[url] or url)

    def _shifted(self, citation: UrlCitation, before: int, size: int) -> UrlCitation:
        """Return a citation whose place counts from the beginning of the text that is done now."""
        start, end = citation.start_index - before, citation.end_index - before
        if start < 0 or end > size:
            self._notes.add("annotations", "approximated", "a place that lies outside of the text")
            start, end = min(max(start, 0), size), min(max(end, 0), size)
        return UrlCitation(start, end, citation.url, citation.title)

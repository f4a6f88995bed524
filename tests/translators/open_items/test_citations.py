"""Where the sources of an answer are cited: at their place, at their marks, at the end of the text."""

from typing import Any

import pytest

from translators.chat.chunks import Annotation, Source
from translators.notes import Notes
from translators.open_items.citations import Citations

A, B, C = "https://a.example/", "https://b.example/x_(y)", "https://c.example/?q=1"
GUESSED = ("approximated", "the provider sends sources without positions; they are put at their marks")


def annotation(url: str | None = A, start: int | None = None, end: int | None = None, **more: Any) -> Annotation:
    return Annotation(type="url_citation", url_citation=Source(url, more.get("title", "T"), start, end))


class Answer:
    """Citations, what they say of texts, and their notes."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.citations = Citations(self.notes)

    def of(self, text: str) -> list[tuple[int, int, str]]:
        return [(cited.start_index, cited.end_index, cited.url) for cited in self.citations.place(text)]

    def noted(self) -> list[tuple[str, str]]:
        return [(note.action, note.reason) for note in self.notes]


def test_a_place_that_was_given_is_kept() -> None:
    answer = Answer()
    answer.citations.add_annotations([annotation(start=3, end=5), annotation(start=0, end=2), annotation(B, 0, 2)])
    assert answer.of("01234") == [(0, 2, A), (0, 2, B), (3, 5, A)]
    assert answer.noted() == []


@pytest.mark.parametrize("title", [None, ""])
def test_a_source_without_a_title_has_its_url_for_one(title: str | None) -> None:
    answer = Answer()
    answer.citations.add_annotations([annotation(A, 0, 2, title=title), annotation(B, title=title)])
    assert [cited.title for cited in answer.citations.place("text")] == [A, B]


@pytest.mark.parametrize(("start", "end"), [(None, None), (0, 0), (2, 2), (5, 1), (-1, 4)])
def test_a_place_that_is_none(start: int | None, end: int | None) -> None:
    answer = Answer()
    answer.citations.add_annotations([annotation(start=start, end=end)])
    assert answer.of("text") == [(4, 4, A)]
    assert answer.noted() == [GUESSED]


MARKS = {
    "numbers": ("a[1][2], b[2]", [(1, 4, A), (4, 7, B), (10, 13, B)]),
    "numbers of nothing": ("a[0] b[4] c[1000] d[x]", []),
    "a link": (f"see [here]({B})", [(4, 4 + 8 + len(B), B)]),
    "a link whose text is a number": (f"see [1]({B})", [(4, 4 + 5 + len(B), B)]),
    "a link to something else": ("see [1](https://d.example/)", []),
    "a link without end": (f"see [here]({B}", []),
    "brackets everywhere": ("[" * 5000 + "1]" + "](" * 5000, [(4999, 5002, A)]),
}


@pytest.mark.parametrize("name", MARKS)
def test_a_list_is_cited_at_its_marks_and_the_rest_at_the_end(name: str) -> None:
    text, marked = MARKS[name]
    answer = Answer()
    answer.citations.add_list([A, B, C])
    urls = [url for _, _, url in marked]
    end = [(len(text), len(text), url) for url in (A, B, C) if url not in urls]
    assert answer.of(text) == marked + end
    assert answer.noted() == [GUESSED]


def test_a_list_counts_as_it_stands_and_titles_come_from_wherever_they_are() -> None:
    answer = Answer()
    answer.citations.add_list([Source(B, "Bee"), Source(A, "")])
    answer.citations.add_list([A, A, B, Source(None)])
    cited = answer.citations.place("x[2] y[3] z[4]")
    assert [(one.start_index, one.url, one.title) for one in cited] == [(1, A, A), (6, B, "Bee")]
    assert answer.noted() == [("dropped", "a source without a URL"), GUESSED]


def test_what_comes_again_is_cited_once() -> None:
    answer = Answer()
    sizes = [
        answer.citations.add_list([A, B]) + answer.citations.add_annotations([annotation(C, 0, 2)]) for _ in range(3)
    ]
    assert sizes == [len(A) + len(B) + len(C) + 1, 0, 0]
    assert answer.of("01[1]") == [(0, 2, C), (2, 5, A), (5, 5, B)]
    answer.citations.add_list([A, B])
    answer.citations.add_annotations([annotation(C, 0, 2)])
    assert answer.of("next") == []
    answer.citations.end()
    assert answer.noted() == [GUESSED]


def test_a_source_with_places_is_not_cited_at_a_mark_there_nor_at_the_end() -> None:
    answer = Answer()
    answer.citations.add_list([A])
    answer.citations.add_annotations([annotation(A, 1, 4)])
    assert answer.of("a[1] b") == [(1, 4, A)]


def test_later_texts_have_their_own_places_and_marks() -> None:
    answer = Answer()
    answer.citations.add_list([A, B])
    assert answer.of("one[1]") == [(3, 6, A), (6, 6, B)]
    answer.citations.add_annotations([annotation(C, 6, 9), annotation(C, 2, 4), annotation(C, 11, 99)])
    assert answer.of("two[2]") == [(0, 0, C), (0, 3, C), (3, 6, B), (5, 6, C)]
    assert ("approximated", "a position outside the text") in answer.noted()


def test_what_no_text_tells_is_noted() -> None:
    answer = Answer()
    assert answer.of("text") == []
    answer.citations.add_annotations([annotation(start=0, end=2)])
    answer.citations.end()
    assert answer.noted() == [("dropped", "no text was left to cite them")]


def test_what_cites_no_url_is_noted() -> None:
    answer = Answer()
    flat = Annotation(type="url_citation", url=A, start_index=0, end_index=1)
    answer.citations.add_annotations([Annotation(type="file"), annotation(None), Annotation(url=B), flat])
    assert answer.of("text") == [(0, 1, A), (4, 4, B)]
    assert answer.noted() == [("dropped", "one that is not a url_citation"), GUESSED]


def test_what_is_too_much_is_noted() -> None:
    answer = Answer()
    long = A + "x" * 8192
    assert answer.citations.add_list([long]) == 0
    assert answer.citations.add_annotations([annotation(long, 0, 1)]) == 0
    answer.citations.add_list([A])
    assert len(answer.of("[1]" * 600)) == 600
    assert len(answer.of("[1]" * 600)) == 400
    assert [action for action, _ in answer.noted()] == ["dropped", "approximated", "dropped"]

"""Marks of files: they leave the text and become citations, however the text is split."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.open_items.citations import CitedFile
from translators.open_items.file_marks import FileMarks

FILES = {1: CitedFile("file-a", "a.txt"), 2: CitedFile("file-b", "b.txt"), 12: CitedFile("file-c", "c.txt")}


def read(*pieces: str) -> tuple[str, list[tuple[str, int]]]:
    marks = FileMarks(FILES)
    text = "".join(map(marks.feed, pieces)) + marks.flush()
    return text, [(citation.filename, citation.index) for citation in marks.citations]


@pytest.mark.parametrize(
    ("given", "text", "cited"),
    [
        ("Yes【1】.", "Yes.", [("a.txt", 3)]),
        ("【1】【12】x", "x", [("a.txt", 0), ("c.txt", 0)]),
        ("a【1, 2】b【 2 】", "ab", [("a.txt", 1), ("b.txt", 1), ("b.txt", 2)]),
        ("a【4:2†b.txt】", "a", [("b.txt", 1)]),
        ("a【1†source】b", "ab", [("a.txt", 1)]),
        ("【9】", "【9】", []),
        ("【1, 9】", "【1, 9】", []),
        ("【第一章】【】", "【第一章】【】", []),
        ("【【1】", "【", [("a.txt", 1)]),
        ("ends 【1", "ends 【1", []),
        ("【" + "1" * 200 + "】", "【" + "1" * 200 + "】", []),
    ],
)
def test_marks(given: str, text: str, cited: list[tuple[str, int]]) -> None:
    assert read(given) == (text, cited)
    assert read(*given) == (text, cited)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["【", "】", "1", "2", "†x", ":", ", ", "【1】", "【12】", "x" * 40]), max_size=20))
def test_a_split_changes_nothing(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert read(*pieces) == read(whole) == read(*whole)


def test_text_without_brackets_is_not_held_back() -> None:
    marks = FileMarks(FILES)
    assert marks.feed("Hello") == "Hello"
    assert marks.feed(" you【") == " you"
    assert marks.feed("1】 there") == " there"

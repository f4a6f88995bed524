"""Texts as terms and chunks: what makes two words the same, and where a text is cut."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.hosting.file_search.chunking import split_text
from adapter.hosting.file_search.ranking import query_terms
from adapter.hosting.file_search.terms import split_terms

SAME = [
    ("Reading", "reads"), ("classes", "class"), ("dictionaries", "Dictionary"), ("naïve", "NAIVE"), ("ﬁle", "files"),
    ("ＡＢＣ", "abc"), ("Straße", "strasse"), ("running", "run"), ("stopped", "stop"), ("quickly", "quick"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_words_that_are_the_same(one: str, other: str) -> None:
    assert split_terms(one) == split_terms(other)


@pytest.mark.parametrize(("one", "other"), [("がか", "かか"), ("हिन्दी", "हनद"), ("bus", "bu"), ("C3", "C4")])
def test_words_that_are_not(one: str, other: str) -> None:
    assert split_terms(one) != split_terms(other)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("read_file", "file"), ("readFile", "read"), ("HTTPServer", "server"), ("utf-8", "8"), ("東京都に行く", "京都"),
        ("日本語Python3", "python"), ("한국어를", "국어"), ("ขอบคุณ", "อบ"),
    ],
)  # fmt: skip
def test_what_a_text_is_found_by(text: str, found: str) -> None:
    assert set(split_terms(found)) <= set(split_terms(text))


def test_a_query_of_nothing_but_stop_words_keeps_them() -> None:
    assert query_terms("What is the walrus operator?") == split_terms("walrus operator")
    assert query_terms("to be or not to be") == ["not"]
    assert query_terms("is it") == ["is", "it"]
    assert query_terms("?!") == []


@settings(max_examples=30)
@given(st.text(max_size=200))
def test_terms_need_no_quoting(text: str) -> None:
    for term in split_terms(text):
        assert not set(term) & set(" \t\n\"'\\:|&!()*") and term, term  # noqa: PT018


@settings(max_examples=30)
@given(st.text(alphabet="ab c.\n漢ä", max_size=2000), st.integers(100, 150), st.integers(0, 50))
def test_chunks_have_all_of_the_text_and_no_more_than_fits(text: str, size: int, overlap: int) -> None:
    chunks = list(split_text(text, size, overlap))
    assert all(0 < len(chunk.encode()) <= size * 4 for chunk in chunks)
    at = 0
    for chunk in chunks:
        start = text.index(chunk, max(0, at - overlap * 4 - 8))
        assert not text[at:start].strip() or start <= at
        at = start + len(chunk)
    assert not text[at:].strip()


def test_chunks_overlap_and_end_with_sentences() -> None:
    text = " ".join(f"This is sentence number {number}." for number in range(100))
    chunks = list(split_text(text, 100, 50))
    assert all(chunk.endswith(".") and chunk.startswith("This") for chunk in chunks)
    for one, other in itertools.pairwise(chunks):
        assert other[:26] in one

"""Text → terms: what a chunk is found by.

A term is a word in lower case, without accents, reduced to a stem where that is plain in English; identifiers give
their parts as well (`read_file` is also `read` and `file`, `readFile` too). Scripts that write no blanks, or add
endings as Korean does, give each pair of neighbouring characters. Terms have letters and digits only, so they need no
quoting in any index. A text and a query must go through the same function; changing it makes what is indexed
unfindable.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import regex

_WORD: Final = regex.compile(r"[\p{L}\p{N}\p{M}_]+")
_UNSPACED: Final = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Hangul}\u30fc]+"
)
_PART: Final = regex.compile(r"\p{Lu}?[\p{Ll}\p{M}]+|\p{Lu}+(?!\p{Ll})|\p{N}+|[\p{L}\p{M}]+")
_SPOKEN: Final = frozenset((0, 8, 9))
"""Combining classes of marks that change a letter into another: vowel signs, voiced kana, the virama."""
_MAX_TERM_CHARACTERS: Final = 64
"""A longer word is no word that anybody searches for."""
STOP_WORDS: Final = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "do", "does", "for", "from", "had", "has", "hav",
    "how", "i", "if", "in", "into", "is", "it", "its", "of", "on", "or", "so", "such", "that", "the", "their", "them",
    "then", "ther", "thes", "they", "thi", "this", "to", "was", "we", "were", "what", "when", "wher", "which", "who",
    "will", "with", "you", "your",
})  # fmt: skip
"""Stems that are left out of queries, as far as other terms remain."""


def split_terms(text: str) -> list[str]:
    """Return the terms of a text, each as often as it occurs."""
    terms: list[str] = []
    for found in _WORD.finditer(text):
        terms += _terms_of(found[0])
    return terms


@lru_cache(4096)
def _terms_of(word: str) -> tuple[str, ...]:
    """Return the terms of one word; most words of a text occur again and again."""
    return tuple(_split_word(word))


def _split_word(word: str) -> Iterator[str]:
    if _UNSPACED.search(word):
        at = 0
        for found in _UNSPACED.finditer(word):
            yield from _split_word(word[at : found.start()]) if found.start() > at else ()
            yield from _pairs(_fold(found[0]))
            at = found.end()
        if at < len(word):
            yield from _split_word(word[at:])
        return
    whole = _fold(word.replace("_", ""))
    if 0 < len(whole) <= _MAX_TERM_CHARACTERS:
        yield stem(whole)
    parts = _PART.findall(word)
    if len(parts) > 1:
        for part in parts:
            folded = _fold(part)
            if 1 < len(folded) <= _MAX_TERM_CHARACTERS:
                yield stem(folded)


def _pairs(text: str) -> list[str]:
    return [text] if len(text) == 1 else [text[at : at + 2] for at in range(len(text) - 1)]


def _fold(text: str) -> str:
    """Return letters and digits of a text in lower case, without accents; signs that are letters elsewhere stay."""
    if text.isascii():
        return "".join([letter for letter in text.lower() if letter.isalnum()])
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = [letter for letter in decomposed if letter.isalnum() or _is_spoken(letter)]
    return unicodedata.normalize("NFC", "".join(plain))


def _is_spoken(letter: str) -> bool:
    """Whether a character that is no letter makes a word another: a vowel sign, a voicing mark, a virama."""
    return unicodedata.category(letter)[0] == "M" and unicodedata.combining(letter) in _SPOKEN


def stem(word: str) -> str:
    """Return a word without the endings of English that are plain: plurals, -ed, -ing, -ly.

    Never wrong about what a word means, it only makes more words equal; words of other languages are hardly changed.
    """
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith(("sses", "xes", "ches", "shes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed", "ly"):
        left = word.removesuffix(ending)
        if left != word and len(left) >= 3 and not set("aeiouy").isdisjoint(left):
            if len(left) > 3 and left[-1] == left[-2] and left[-1] not in "lsz":
                left = left[:-1]
            word = left
            break
    return word.removesuffix("e") if len(word) > 4 else word

"""docs/glossary.md is the language of the code: what it names exists, and the words it replaced do not come back."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| (?!term|---)(.+?) \| (.+?) \| (.+?) \|$", (ROOT / "docs" / "glossary.md").read_text(), re.M)
MODULES = {
    str(path.relative_to(ROOT)): path
    for folder in ("adapter", "translators")
    for path in sorted(ROOT.glob(f"{folder}/**/*.py"))
}

REPLACED_NAMES = {
    *("asking", "beginnings", "demands", "draft", "halves", "lanes", "misfits", "pulse", "stand_ins", "united"),
    *("Asking", "Beginnings", "Demands", "Draft", "Halves", "Histories", "Lanes", "Pulse", "Sealing", "Seals"),
    *("GoingBack", "Opaque", "Tries", "WarmUp", "Compacting"),
}
"""Modules and classes whose names the glossary has replaced."""

REPLACED_WORDS = re.compile(
    r"\b(nobody|none of which|to be had|whose way|looks? after|is told of|are told of|stands? for none|"
    r"tells? whether)\b",
    re.IGNORECASE,
)
"""Phrases for which the field has a term or the house a plainer sentence; not in the first paragraph of a docstring."""


def definitions(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the first paragraph of the docstring of a module and its classes and functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            name = path.stem if isinstance(node, ast.Module) else node.name
            yield name, (ast.get_docstring(node) or "").partition("\n\n")[0]


def test_it_has_enough_terms_and_each_once() -> None:
    terms = [term for row in ROWS for term in row[0].split(", ")]
    assert len(terms) >= 30
    assert len(set(terms)) == len(terms)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_term_is_in_the_code(row: tuple[str, str, str]) -> None:
    _, _, place = row
    for name, module in re.findall(r"(?:`(\w+)` in )?`([\w/]+\.py)`", place):
        assert (ROOT / module).is_file(), module
        assert not name or name in dict(definitions(ROOT / module)), f"{name} is not in {module}"


@pytest.mark.parametrize("path", MODULES.values(), ids=MODULES)
def test_replaced_words_do_not_come_back(path: Path) -> None:
    named = dict(definitions(path))
    assert not REPLACED_NAMES & named.keys()
    assert [text for text in named.values() if REPLACED_WORDS.search(text)] == []

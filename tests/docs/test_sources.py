"""Each source that code or a page cites is in docs/sources.md, and can be opened by whoever reads it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "sources.md"
NAMES = re.findall(r"^\| ([^|`]+?) \| https://", PAGE.read_text(), re.M)

FILES = sorted(
    path
    for pattern in ("adapter/**/*.py", "translators/**/*.py", "tests/**/*.py", "bench/**/*.py", "docs/**/*.md", "*.md")
    for path in ROOT.glob(pattern)
    if path not in (Path(__file__), PAGE)
)

CITATION = re.compile(r"\bSources?:\s+(.+?)(?:\.(?=\s|\"\"\"|$)|\"\"\"|\n\s*\n)", re.S)
"""A citation ends with its sentence."""

WITHOUT_A_ROW = re.compile(r"RFC \d+\b|[\w.-]+/[\w.-]+#\d+\b|docs/")

NOT_IN_THE_PROJECT = re.compile(
    r"\b(responses-api|providers|clients|operations|open-responses|field-lessons|performance)\s+reference\b"
    r"|\breference\s+§|\.md §|\bfield-lessons\b|\bDESIGN\b|\bSTYLE\b|/work/|\bshared/",
)


def sources(text: str) -> Iterator[str]:
    text = re.sub(r"\n[ \t]*#:?[ \t]", "\n", text)
    for citation in CITATION.findall(text):
        yield from (" ".join(source.split()) for source in citation.split(";"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_known(source: str) -> bool:
    if source.startswith("docs/"):
        path, _, anchor = source.split(",")[0].split()[0].partition("#")
        page = ROOT / path
        return page.is_file() and (not anchor or anchor in anchors(page))
    if tests := re.findall(r"`(tests/[\w/.]+)`", source):
        return all((ROOT / path).exists() for path in tests)
    named = any(re.match(rf"{re.escape(name)}(?![\w-])", source) for name in NAMES)
    return named or WITHOUT_A_ROW.match(source) is not None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_cites_what_can_be_opened(path: Path) -> None:
    text = path.read_text()
    assert [source for source in sources(text) if not is_known(source)] == [], "not in docs/sources.md"
    assert NOT_IN_THE_PROJECT.search(text) is None


def test_names_are_listed_once() -> None:
    assert sorted(NAMES) == sorted(set(NAMES))
    assert len(NAMES) > 40


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ('"""Read it.\n\nSource: OpenAI guide, WebSocket mode.\n"""', [True]),
        ("# Source: RFC 6455 §5.2; Codex CLI 0.169.", [True, True]),
        ('"""Source: docs/sources.md#providers."""', [True]),
        ("# Source: docs/sources.md#nowhere.", [False]),
        ("# Sources: llama.cpp, tools/server; ggml-org/llama.cpp#20733; hearsay.", [True, True, False]),
        ("# Source: recorded errors in `tests/docs/test_sources.py`; those in `tests/nowhere.py`.", [True, False]),
        ("# A rule. Source: Z.AI\n    # docs, Thinking mode.", [True]),
    ],
)
def test_what_is_a_source(text: str, known: list[bool]) -> None:
    assert [is_known(source) for source in sources(text)] == known

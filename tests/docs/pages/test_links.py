"""Each file and heading that a page of the project links to or names exists."""

import re
from pathlib import Path

import pytest

from tests.docs.test_sources import anchors

ROOT = Path(__file__).parents[3]
PAGES = {str(page.relative_to(ROOT)): page for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])}


MODULES = {path.name for package in ("adapter", "translators", "tests") for path in ROOT.glob(f"{package}/**/*.py")}


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    file = (page.parent / path).resolve() if path else page
    return file.exists() and (not anchor or anchor in anchors(file))


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_links(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if "://" not in link]
    assert [link for link in links if not leads_somewhere(page, link)] == []


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_paths(page: Path) -> None:
    named = set(re.findall(r"`((?:adapter|translators|tests|bench|docs)/[\w./]*)`", page.read_text()))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    assert set(re.findall(r"`(\w+\.py)`", page.read_text())) - MODULES - {"wsgi.py", "gunicorn.conf.py"} == set()


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_decisions_are_linked_by_their_numbers(page: Path) -> None:
    links = re.findall(r"\[(?:decision )?(\d{4})\]\((?:[\w./]*/)?(\d{4})-", page.read_text())
    assert [link for link in links if link[0] != link[1]] == []

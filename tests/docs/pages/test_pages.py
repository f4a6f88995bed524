"""The pages of docs/ as a whole: each says for whom it is, the index leads to each, and their code is code.

`test_commands.py`, `test_files.py` and `test_outputs.py` try what the blocks say.
"""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from adapter.settings.settings import DESCRIPTIONS
from tests.docs.pages.blocks import DOCS, EVERY, PAGES, blocks

VARIABLES = {of.variable for of in DESCRIPTIONS.values()}
OTHERS = {"ADAPTER_TEST_SEED"}
"""Of the tests."""


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_says_first_for_whom_it_is(page: Path) -> None:
    title, empty, readers = page.read_text().splitlines()[:3]
    assert title.startswith("# ")
    assert not empty
    assert re.fullmatch(r"\*For (people|everybody)\b.*\*?", readers)


def test_the_index_leads_to_every_page() -> None:
    index = (DOCS / "README.md").read_text()
    linked = set(re.findall(r"\]\(([\w/-]+\.md)\)", index))
    assert linked >= {page.name for page in DOCS.glob("*.md")} - {"README.md"}
    recipes = (DOCS / "providers/README.md").read_text()
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", recipes)) == {
        page.name for page in DOCS.glob("providers/*.md")
    } - {"README.md"}


@pytest.mark.parametrize("page", EVERY.values(), ids=EVERY)
def test_code_is_code(page: Path) -> None:
    for text in blocks(page, "python"):
        compile(text, page.name, "exec")
    for text in blocks(page, "json"):
        json.loads(re.sub(r"…|\.\.\.", "", text))
    for text in blocks(page, "toml"):
        tomllib.loads(text)
    for text in blocks(page, "yaml"):
        assert yaml.safe_load(text)


@pytest.mark.parametrize("page", EVERY.values(), ids=EVERY)
def test_javascript_is_javascript(page: Path, tmp_path: Path) -> None:
    programs = blocks(page, "javascript")
    if not programs:
        return
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so the JavaScript of the pages is not parsed")
    for text in programs:
        (tmp_path / "program.mjs").write_text(text)
        subprocess.run([node, "--check", str(tmp_path / "program.mjs")], check=True)


@pytest.mark.parametrize("page", EVERY.values(), ids=EVERY)
def test_every_variable_is_a_setting(page: Path) -> None:
    named = set(re.findall(r"\bADAPTER_[A-Z_]*[A-Z]\b", page.read_text()))
    assert named - VARIABLES - OTHERS == set()

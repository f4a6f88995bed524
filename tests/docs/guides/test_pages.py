"""The pages of docs/ as a whole: each says for whom it is, the index leads to each, and their code is code.

A block is parsed as what it is: a command of the adapter by its own command line, a request by its schema's reader, a
program by its language. Blocks of a page that has a test of its own are checked there too.
"""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from adapter.cli import main
from adapter.settings.settings import DESCRIPTIONS

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = {
    str(page.relative_to(ROOT)): page
    for page in [*sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("providers/*.md"))]
}
EVERY = {**PAGES, **{name: ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")}}
VARIABLES = {of.variable for of in DESCRIPTIONS.values()}
OTHERS = {"ADAPTER_KEY", "ADAPTER_TEST_SEED"}
"""Variables that are named because they are no settings of the server."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)


def commands(page: Path) -> list[str]:
    """Return the shell commands of a page: its indented blocks and those marked `sh`, continued lines joined."""
    indented = [line[4:] for line in re.findall(r"(?:^\n|\A)((?:    .*\n)+)", page.read_text(), re.M)]
    text = "\n".join(indented + blocks(page, "sh")).replace("\n    ", "\n")
    return re.sub(r"\\\n\s*", "", text).splitlines()


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


@pytest.mark.parametrize("page", EVERY.values(), ids=EVERY)
def test_every_command_is_one(page: Path) -> None:
    for line in commands(page):
        if "responses-adapter " not in line or line.lstrip().startswith("#"):
            continue
        words = shlex.split(line.lstrip("$ ").partition("  #")[0].partition(" > ")[0])
        while words and "=" in words[0]:
            del words[0]  # a variable
        if words and Path(words[0]).name == "responses-adapter":
            parse(words[1:])


def parse(words: list[str]) -> None:
    """Parse a command of the adapter as click does, without running it; raise UsageError."""
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group) and words:
        if words[0].startswith("-"):
            if "show" not in command.commands:
                break
            words = ["show", *words]
        name, found, words = command.resolve_command(context, words)
        assert found is not None, name
        command = found
    if command is not main:
        command.make_context(command.name, words, resilient_parsing=True)
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known

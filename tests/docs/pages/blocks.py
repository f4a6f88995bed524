"""The pages of the project and the code blocks in them, as readers take them.

A shell block is marked `sh`, or indented by four spaces. Where lines of one begin with `$ `, the others are what the
command prints.
"""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from adapter.settings.sources import load_settings

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = {
    str(page.relative_to(ROOT)): page
    for page in [*sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("providers/*.md"))]
}  # fmt: skip
EVERY = {**PAGES, **{name: ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")}}
BASE = f"http://{load_settings({}, {}).bind}/v1"
"""The address that is served by default."""
NO_COMMANDS = ("CREATE ROLE", "Source", "responses-adapter: ", "Checking ")
"""How indented blocks begin that are something else: SQL, forms of citations, what a command prints."""


class Command(NamedTuple):
    """A command with the variables before it; an assignment without a command has no words."""

    variables: dict[str, str]
    words: list[str]


class Sample(NamedTuple):
    """A command after `$ `, and what the page says that it prints."""

    command: str
    output: str


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)


def shell_blocks(page: Path) -> list[str]:
    """Return its shell blocks, without indentation and without what commands print."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    indented = re.findall(r"(?:^\n|\A)((?:    .*\n|\n(?=    ))+)", text, re.M)
    found = [re.sub(r"^    ", "", block, flags=re.M).strip("\n") for block in indented]
    found = [block for block in found if not block.startswith(NO_COMMANDS)]
    typed = ["\n".join(re.findall(r"^\$ (.*)$", block, re.M)) or block for block in found]
    return [*typed, *blocks(page, "sh")]


def samples(page: Path) -> list[Sample]:
    """Return the commands of a page that are shown with what they print."""
    indented = re.findall(r"(?:^\n|\A)((?:    .*\n|\n(?=    ))+)", page.read_text(), re.M)
    found = []
    for block in indented:
        for part in re.split(r"^    \$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            found.append(Sample(command, re.sub(r"^    ", "", output, flags=re.M)))
    return found


def commands(page: Path) -> list[Command]:
    """Return the commands of its shell blocks; raise ValueError where a quote is not closed."""
    found = []
    for block in shell_blocks(page):
        for line in block.replace("\\\n", " ").splitlines():
            line = re.sub(r"(^|\s)# .*", "", line)
            if not line.startswith('eval "'):
                parts = [re.sub(r"^ *(do|then) ", "", part) for part in re.split(r" && |; ", line)]
                found += [split(part) for part in parts if not re.match(r" *(for|if) | *(do|then|done|fi)$", part)]
    return [command for command in found if command.variables or command.words]


def split(line: str) -> Command:
    words = shlex.split(line)
    variables: dict[str, str] = {}
    if words[:1] == ["export"]:
        del words[0]
    while words and re.match(r"\w+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    return Command(variables, words)

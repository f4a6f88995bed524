"""docs/command-line.md and the Makefile tell every command there is."""

import re
import subprocess
from pathlib import Path

import click

from adapter.cli import main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "command-line.md").read_text()


def commands() -> dict[str, click.Command]:
    return main.commands


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert set(re.findall(r"^## (\w+)$", TEXT, re.M)) == commands().keys()


def test_every_option_that_the_page_shows_exists() -> None:
    shown = re.findall(r"responses-adapter ([a-z]+)(.*)", TEXT)
    assert {command for command, _ in shown} == commands().keys()
    for command, rest in shown:
        shown_command = commands()[command]
        if isinstance(shown_command, click.Group):
            shown_command = shown_command.commands[rest.split()[0] if rest.split() else "show"]
        known = {option for param in shown_command.params for option in param.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known


def test_every_command_is_told_in_a_line_that_is_not_cut_off() -> None:
    assert [command.name for command in commands().values() if command.get_short_help_str(60).endswith("...")] == []


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert phony is not None
    shown = subprocess.check_output(["make", "--no-print-directory"], cwd=ROOT, text=True)
    assert sorted(re.findall(r"^  ([a-z-]+) ", shown, re.M)) == sorted(phony[1].split())

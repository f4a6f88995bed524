"""docs/configuration.md lists every setting as it is."""

import re
import tomllib
from pathlib import Path

import pytest

from adapter.settings.description import PREFIX, Description
from adapter.settings.kinds import Kind
from adapter.settings.settings import DESCRIPTIONS
from adapter.settings.sources import load_settings
from tests.docs.configuration import BEGIN, END, PAGE, render, table

TEXT = PAGE.read_text()


def test_the_table_is_that_of_the_settings() -> None:
    assert render(TEXT) == TEXT, "stale: run python -m tests.docs.configuration"


@pytest.mark.parametrize("of", DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_every_setting_has_a_row_with_a_description(of: Description) -> None:
    (row,) = [line for line in TEXT[TEXT.index(BEGIN) : TEXT.index(END)].splitlines() if f"| `{of.variable}` |" in line]
    assert row.count("|") == 6, "a value breaks the table"
    assert row.endswith(f" {of.help} |")
    assert of.help[0].isupper()
    assert of.help[-1] == "."
    assert of.kind.expects != Kind.expects, "the kind does not say what it takes"


def test_every_variable_that_the_page_names_is_a_setting() -> None:
    assert set(re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", TEXT)) == {of.variable for of in DESCRIPTIONS.values()}


def test_the_example_is_a_file_that_loads(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.S)
    file = tmp_path / "adapter.toml"
    file.write_text(example)
    settings = load_settings({}, {"ADAPTER_CONFIG": str(file)})
    for key, value in tomllib.loads(example).items():
        assert getattr(settings, key) == (tuple(value) if isinstance(value, list) else value)


def test_a_missing_table_would_be_noticed() -> None:
    assert table() not in TEXT.replace(table(), "")
    assert render(TEXT.replace(table(), "")) == TEXT

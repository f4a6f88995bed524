"""docs/routing.md: its file loads, and its tables tell every setting."""

import re
from pathlib import Path

import pytest

from adapter.settings.description import PREFIX
from adapter.settings.models import TARGET_TABLE
from adapter.settings.settings import DESCRIPTIONS, Settings
from adapter.settings.sources import load_settings
from adapter.settings.upstreams import UPSTREAM_TABLE

TEXT = (Path(__file__).parents[2] / "docs" / "routing.md").read_text()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.S)
    (tmp_path / "azure").write_text("key-of-azure\n")
    file = tmp_path / "adapter.toml"
    file.write_text(example.replace("/run/secrets", str(tmp_path)))
    return load_settings({}, {"ADAPTER_CONFIG": str(file), "OPENAI_KEY_1": "k1", "OPENAI_KEY_2": "k2"})


def test_the_example_is_a_file_that_loads(settings: Settings) -> None:
    assert [one.name for one in settings.upstreams] == ["openai", "azure", "local", "gateway"]
    assert list(settings.models) == ["gpt-4.1", "gpt-*", "local/*", "fast", "*"]
    assert [key.value for key in settings.upstreams[1].keys] == ["key-of-azure"]


def test_the_example_uses_every_setting() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.S)
    for name in [*UPSTREAM_TABLE.fields, *TARGET_TABLE.fields]:
        assert re.search(rf"\b{name} = ", example), name


def test_every_setting_of_the_tables_has_a_row() -> None:
    rows = re.findall(r"^\| (`.*?) \|", TEXT, re.M)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told == {*UPSTREAM_TABLE.fields, *TARGET_TABLE.fields}


def test_every_variable_that_the_page_names_is_a_setting() -> None:
    named = set(re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", TEXT))
    assert named
    assert named <= {of.variable for of in DESCRIPTIONS.values()}

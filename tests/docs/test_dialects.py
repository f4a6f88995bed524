"""docs/dialects.md lists the presets as they are, in values that the TOML file accepts."""

import tomllib

import pytest
from msgspec.structs import fields

from adapter.settings.dialects import read_dialect
from tests.docs.dialects import PAGE, differences, meanings, render, tables, toml
from translators.dialects.dialect import Dialect
from translators.dialects.presets import HOSTS, PORTS, PRESETS

TEXT = PAGE.read_text()


def test_the_tables_are_those_of_the_presets() -> None:
    assert render(TEXT) == TEXT, "stale: run python -m tests.docs.dialects"


def test_missing_tables_would_be_noticed() -> None:
    assert tables() not in TEXT.replace(tables(), "")
    assert render(TEXT.replace(tables(), "")) == TEXT


def test_every_field_is_explained_in_one_cell() -> None:
    assert meanings().keys() >= {field.name for field in fields(Dialect)} - {"name"}
    assert not [text for text in meanings().values() if "|" in text or not text.endswith(".")]


@pytest.mark.parametrize("known", [*HOSTS, *map(str, PORTS)])
def test_every_host_and_port_is_named(known: str) -> None:
    assert f"`{known}`" in TEXT or f"port {known}" in TEXT


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_different_can_be_written_in_the_file(name: str) -> None:
    different = differences(PRESETS[name])
    lines = "\n".join(f"{field} = {toml(value)}" for field, value in different.items())
    table = {"preset": "default", **tomllib.loads(lines)}
    assert differences(read_dialect(table, "", "upstreams.x.dialect")) == different

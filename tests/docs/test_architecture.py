"""docs/architecture.md draws the packages as they are."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text()
PICTURES = re.findall(r"^```mermaid\n(.*?)^```$", TEXT, re.M | re.S)


def test_every_path_exists() -> None:
    paths = set(re.findall(r"(?<![\w/])(?:adapter|translators|tests)/[\w./]*", TEXT))
    assert len(paths) > 30
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_folder_is_in_it() -> None:
    folders = [path.parent for package in ("adapter", "translators") for path in (ROOT / package).glob("*/__init__.py")]
    assert [folder.name for folder in folders if not re.search(rf"\b{folder.name}\b", TEXT)] == []


@pytest.mark.parametrize(("package", "prefix"), [("adapter", "A"), ("translators", "T")])
def test_the_layers_are_those_of_the_contract(package: str, prefix: str) -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    layers = config[f"importlinter:contract:{package}"]["layers"].split("\n")[1:]
    assert re.findall(rf'\b{prefix}\d+\["([^"]+)"\]', PICTURES[-1]) == layers

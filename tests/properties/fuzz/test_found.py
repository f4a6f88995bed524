"""Inputs that once broke a target (`make fuzz`), and those with which the search begins."""

from pathlib import Path

import pytest

from tests.properties.fuzz.targets import TARGETS

FOUND = sorted((Path(__file__).parent / "found").glob("*-*"))
STARTS = [(name, data) for name, (_, starts) in TARGETS.items() for data in starts]


@pytest.mark.parametrize("file", FOUND, ids=lambda file: file.name)
def test_found(file: Path) -> None:
    TARGETS[file.name.rpartition("-")[0]][0](file.read_bytes())


@pytest.mark.parametrize(("name", "data"), STARTS, ids=[f"{name}-{at}" for at, (name, _) in enumerate(STARTS)])
def test_start(name: str, data: bytes) -> None:
    TARGETS[name][0](data)

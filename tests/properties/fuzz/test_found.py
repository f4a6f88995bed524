"""Inputs that once broke a target (`make fuzz`), and those with which the search begins."""

from pathlib import Path

import pytest

from tests.properties.fuzz.targets import TARGETS

FOUND = sorted((Path(__file__).parent / "found").glob("*-*"))
CASES = {
    **{f"{name}-start-{at}": data for name, (_, starts) in TARGETS.items() for at, data in enumerate(starts)},
    **{file.name: file.read_bytes() for file in FOUND},
}


@pytest.mark.parametrize("name", CASES)
def test_a_target_takes_it(name: str) -> None:
    TARGETS[name.partition("-")[0]][0](CASES[name])

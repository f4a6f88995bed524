"""SECURITY.md names, for each attack, the test that holds it off; each of them exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = re.findall(r"\| `([^`]+)::([^`]+)` \|$", (ROOT / "SECURITY.md").read_text(), re.M)


def test_the_table_is_read() -> None:
    assert len(TESTS) >= 30
    assert len(set(TESTS)) == len(TESTS)


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_it_exists(file: str, name: str) -> None:
    body = ast.parse((ROOT / file).read_text()).body
    assert name in {node.name for node in body if isinstance(node, ast.FunctionDef)}

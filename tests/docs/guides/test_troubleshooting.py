"""docs/troubleshooting.md: the messages that it explains are the program's own."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/troubleshooting.md").read_text().partition("## Codex")[0]  # what Codex says is Codex's own
CODE = "\n".join(path.read_text() for package in ("adapter", "translators") for path in ROOT.glob(f"{package}/**/*.py"))
MESSAGES = re.findall(r"^\| `([^`|]{20,})` \|", TEXT, re.M) + re.findall(r"\d, `([A-Z][^`]{20,})`", TEXT)
ELSEWHERE = {"Did you mean /v1/responses?"}
"""Put together from more than one piece."""


def words(message: str) -> str:
    """Return the pattern of a message: its numbers, addresses and paths are made at run time."""
    pieces = re.split(r"\d+(?:\.\d+)*(?::\d+)?", message)
    return r"[^\"]*".join(re.escape(piece) for piece in pieces)


@pytest.mark.parametrize("message", [one for one in MESSAGES if one not in ELSEWHERE])
def test_a_message(message: str) -> None:
    shown = message.partition(": Address already in use")[0]
    assert re.search(words(shown), CODE.replace('"\n            f"', "").replace('"\n            "', ""))


def test_every_code_of_an_error_is_one() -> None:
    codes = set(re.findall(r"\d{3} `([a-z_]+)`", TEXT))
    assert len(codes) > 8
    assert {code for code in codes if f'"{code}"' not in CODE} == set()

"""`python -m adapter`, and another package named `translators` in its way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapter import __version__

ROOT = Path(__file__).parents[3]


def run(path: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=30, cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path},
    )  # fmt: skip


def test_it_is_the_command() -> None:
    done = run(str(ROOT), "-m", "adapter", "--version")
    assert (done.returncode, done.stdout) == (0, f"responses-adapter {__version__}\n")


@pytest.mark.parametrize("arguments", [("-m", "adapter", "--version"), ("-c", "import adapter")])
def test_another_translators_is_not_imported(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "translators").mkdir()
    other = tmp_path / "translators" / "__init__.py"
    other.write_text("raise SystemExit('imported')")
    done = run(f"{tmp_path}:{ROOT}", *arguments)
    assert done.returncode == 1
    assert f"the package 'translators' in {other} is not the adapter's own" in done.stderr
    assert done.stderr.count("\n") == 1

"""The Makefile says what is wrong where nothing can be installed: an old Python, a dead environment, no index."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder, with a space in its name, that has only what the installation reads."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for name in ("Makefile", "setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def make(checkout: Path, *arguments: str, **environ: str) -> str:
    """Return what a `make` that fails prints."""
    ran = subprocess.run(
        ["make", *arguments], cwd=checkout, env={**os.environ, **environ}, capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert ran.returncode == 2, ran.stdout
    return ran.stdout + ran.stderr


def program(file: Path, *lines: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    file.chmod(0o755)
    return file


def test_an_old_python_is_named_with_a_newer_one(checkout: Path) -> None:
    old = program(checkout / "old", 'test "$1" = -V && echo Python 3.9.2 || exit 1')
    program(checkout / "bin/python3.12")
    printed = make(checkout, "run", f"PYTHON={old.name}", PATH=f"{checkout}/bin:{checkout}:/usr/bin:/bin")
    assert "Python 3.11 or newer is needed; old is Python 3.9.2." in printed
    assert "make run PYTHON=" in printed
    assert "bin/python3." in printed


def test_a_python_that_is_not_there(checkout: Path) -> None:
    assert "no-python is not installed." in make(checkout, "run", "PYTHON=no-python")


def test_an_environment_whose_python_is_gone(checkout: Path) -> None:
    program(checkout / ".venv/bin/pip")
    (checkout / ".venv/bin/python").symlink_to("/nowhere/python")
    assert ".venv does not work: its Python is gone. Make it anew: make clean run" in make(checkout, "run")


def test_an_index_that_cannot_be_reached(checkout: Path) -> None:
    program(checkout / ".venv/bin/pip")
    program(
        checkout / ".venv/bin/python",
        'test "$1" = -m || exit 0',
        "echo 'ERROR: No matching distribution found for setuptools>=77'",
        "exit 1",
    )
    printed = make(checkout, "run")
    assert "NOT INSTALLED. All that pip printed: .venv/install.log" in printed
    assert "The package index could not be reached, or lacks a package. Behind a proxy set HTTPS_PROXY" in printed


def test_progress_is_shown_at_least_every_two_seconds(checkout: Path) -> None:
    program(checkout / ".venv/bin/pip")
    program(
        checkout / ".venv/bin/python",
        'test "$1" = -m || exit 0',
        "echo '  Downloading a.whl'; sleep 4.5; exit 1",
    )
    printed = make(checkout, "run")
    assert "  2 s    Downloading a.whl\n" in printed
    assert "HTTPS_PROXY" not in printed

"""Packages of clients, each in a directory of its own in `.clients/`: they cannot all be in one environment."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

CLIENTS = Path(__file__).parents[2] / ".clients"


def python_directory(name: str, version: str, *requirements: str) -> Path:
    """Return the directory of a Python package, installing it if need be; raise OSError or SubprocessError."""

    def install(partial: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", str(partial), *requirements], check=True, timeout=900)

    return install_once(CLIENTS / f"{name}-{version}-{sys.implementation.cache_tag}", install)


def install_once(directory: Path, install: Callable[[Path], None]) -> Path:
    """Return a directory that `install` fills once; it appears when complete, and other processes wait for it."""
    if directory.is_dir():
        return directory
    CLIENTS.mkdir(exist_ok=True)
    with directory.with_name(f"{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.is_dir():
            partial = directory.with_name(f"{directory.name}.{os.getpid()}")
            try:
                install(partial)
                partial.rename(directory)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return directory

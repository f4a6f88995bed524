"""The openai clients of earlier years, each in a directory of its own: `python -m
tests.contract.install_clients`.

They cannot stand beside the newest one in an environment, so they lie in `.clients/`, and their tests run
them in a process that looks there first. Installing is done once; a directory appears only when it is
complete.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CLIENTS = Path(__file__).parents[2] / ".clients"
VERSIONS = ("1.109.1", "2.54.0")
"""The last 1.x, and the last 2.x: what LiteLLM, LlamaIndex and llm come with."""


def directory_of(version: str) -> Path:
    return CLIENTS / f"openai-{version}-{sys.implementation.cache_tag}"


def install(version: str) -> Path:
    """Return the directory of a version, installing it if it is not there; raise CalledProcessError."""
    directory = directory_of(version)
    if directory.is_dir():
        return directory
    partial = directory.with_name(f"{directory.name}.{os.getpid()}")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run([*command, "--target", str(partial), f"openai=={version}"], check=True, timeout=300)
        partial.rename(directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return directory


if __name__ == "__main__":
    for version in VERSIONS:
        print(install(version))

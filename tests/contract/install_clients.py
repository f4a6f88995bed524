"""The openai clients of earlier years, each in a directory of its own: `python -m tests.contract.install_clients`.

Their tests run them in a process that looks there first.
"""

from pathlib import Path

from tests.support.client_packages import python_directory

VERSIONS = ("1.109.1", "2.54.0")
"""The last 1.x, and the last 2.x, which LiteLLM, LlamaIndex and llm install."""


def install(version: str) -> Path:
    """Return the directory of a version, installing it if need be; raise OSError or SubprocessError."""
    return python_directory("openai", version, f"openai=={version}")


if __name__ == "__main__":
    for version in VERSIONS:
        print(install(version))

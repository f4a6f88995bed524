"""The real clients, each Python one in a directory of its own, those for Node in one together: `python -m
tests.clients.install`.

They are in `.clients/`. The versions are the newest of November 2026, those in `OLDER` aside.
"""

import json
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.support.client_packages import CLIENTS, install_once, python_directory

PYTHON = {
    "openai-agents": ["openai-agents==0.24.0"],
    "pydantic-ai": ["pydantic-ai-slim[openai]==2.68.0"],
    "langchain-openai": ["langchain-openai==1.7.4"],
    "litellm": ["litellm==1.106.2", "mcp>=2,<3"],  # it needs mcp for its Responses API, and does not say so
    "llama-index-llms-openai": ["llama-index-llms-openai==0.8.3"],
    "agent-framework-openai": ["agent-framework-openai==1.17.0"],
    "semantic-kernel": ["semantic-kernel==1.45.0"],
}
OLDER = ("1.109.1", "2.54.0")
"""Of the openai package: the last 1.x, and the last 2.x, which LiteLLM, LlamaIndex and llm install."""
NODE = {
    "@ai-sdk/openai": "4.0.118",
    "@openai/agents": "0.20.0",
    "@openai/codex": "0.171.0",
    "ai": "7.0.173",
    "node": "22",
    "openai": "7.59.0",
    "zod": "4",
}
"""`node` is Node 22 itself, which the AI SDK needs."""
MCP_CONFORMANCE = "0.2.0-alpha.12"
"""The first series with tests of revision 2026-07-28."""
MCP_SERVER = "2026.8.31"


def python_client(name: str) -> Path:
    """Return the directory of a Python client, installing it if need be; raise OSError or SubprocessError."""
    requirements = PYTHON[name]
    return python_directory(name, requirements[0].rpartition("=")[2], *requirements)


def older_openai(version: str) -> Path:
    """Return the directory of an earlier openai package, likewise."""
    return python_directory("openai", version, f"openai=={version}")


def node_clients() -> Path:
    """Return the directory of the clients for Node, likewise."""
    return _node_directory("npm", NODE)


def mcp_conformance() -> Path:
    """Return the directory of the official conformance tests of MCP, likewise."""
    return _node_directory(f"mcp-conformance-{MCP_CONFORMANCE}", {"@modelcontextprotocol/conformance": MCP_CONFORMANCE})


def mcp_server() -> Path:
    """Return the directory of the reference server of MCP, likewise."""
    package = "@modelcontextprotocol/server-everything"
    return _node_directory(f"mcp-server-{MCP_SERVER}", {package: MCP_SERVER})


def _node_directory(name: str, packages: dict[str, str]) -> Path:
    def install(partial: Path) -> None:
        partial.mkdir(parents=True)
        (partial / "package.json").write_text(json.dumps({"private": True, "dependencies": packages}))
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
        subprocess.run([*npm, "--prefix", str(partial)], check=True, timeout=900)

    return install_once(CLIENTS / name, install)


def available(client: Callable[..., Path], *names: str) -> Path:
    """Return the directory of a client; where it cannot be, skip the test, or fail it where everything must be."""
    found = _directory_or_cause(client, *names)
    if isinstance(found, Path):
        return found
    if os.environ.get("CI"):
        pytest.fail(found)
    pytest.skip(found)


@cache
def _directory_or_cause(client: Callable[..., Path], *names: str) -> Path | str:
    """Return the directory of a client, or why it cannot be installed; tried once, as npm takes minutes to give up."""
    try:
        return client(*names)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{' '.join(names) or 'npm'} is not in .clients and cannot be installed ({error})"


if __name__ == "__main__":
    for name in PYTHON:
        print(python_client(name))
    for version in OLDER:
        print(older_openai(version))
    print(node_clients())
    print(mcp_conformance())
    print(mcp_server())

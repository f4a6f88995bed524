"""The official conformance tests of MCP, as far as they are about listing and calling tools.

Not covered, because the adapter does not do it: OAuth (`auth/…`), resuming a stream, and servers that request input.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.install import available, mcp_conformance, node_clients

PROGRAM = Path(__file__).with_name("programs") / "call_mcp_tools.py"
ROOT = Path(__file__).parents[3]
SCENARIOS = [
    ("tools_call", "2025-06-18"),
    ("tools_call", "2026-07-28"),
    ("initialize", "2025-11-25"),
    ("request-metadata", "2026-07-28"),
    ("http-standard-headers", "2026-07-28"),
    ("http-custom-headers", "2026-07-28"),
    ("http-invalid-tool-headers", "2026-07-28"),
    ("json-schema-ref-no-deref", "2026-07-28"),
    ("json-schema-2020-12-preservation", "2026-07-28"),
]


@pytest.mark.clients
@pytest.mark.parametrize(("scenario", "revision"), SCENARIOS)
def test_a_scenario(scenario: str, revision: str) -> None:
    tests = available(mcp_conformance) / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
    node = available(node_clients) / "node_modules/.bin/node"
    client = f"{sys.executable} {PROGRAM}"
    command = [str(node), str(tests), "client", "--command", client, "--scenario", scenario]
    done = subprocess.run(
        [*command, "--spec-version", revision], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "OVERALL: PASSED" in done.stdout + done.stderr, done.stdout + done.stderr

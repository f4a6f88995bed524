"""A server on the loopback interface that a test scripts."""

from collections.abc import Iterator

import pytest

from tests.support.servers.scripted_mcp import ScriptedMCP, scripted_mcp


@pytest.fixture
def server() -> Iterator[ScriptedMCP]:
    with scripted_mcp() as server:
        yield server

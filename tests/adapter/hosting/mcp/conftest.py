"""Clients of an MCP server that a test scripts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from adapter.hosting.mcp.server import MCPServer
from adapter.hosting.policy import ToolPolicy
from adapter.settings.tools.servers import MCPServerSettings
from adapter.settings.tools.settings import ToolSettings
from tests.support.servers.scripted_mcp import ScriptedMCP

Connect = Callable[..., MCPServer]


@pytest.fixture
def policy() -> Iterator[ToolPolicy]:
    """The policy of one worker."""
    with closing(ToolPolicy(ToolSettings())) as policy:
        yield policy


@pytest.fixture
def connect(server: ScriptedMCP, policy: ToolPolicy) -> Iterator[Connect]:
    """Connect to the scripted server, or to another URL; settings of the server may be given."""
    with ExitStack() as stack:

        def connect(url: str = server.url, **settings: Any) -> MCPServer:
            return stack.enter_context(closing(policy.connect(MCPServerSettings(label="x", url=url, **settings))))

        yield connect

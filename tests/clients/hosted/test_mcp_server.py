"""The reference server of MCP, on the official SDK for TypeScript: sessions, images, links, and HTTP+SSE."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from adapter.hosting.policy import ToolPolicy
from adapter.settings.tools.servers import MCPServerSettings
from adapter.settings.tools.settings import ToolSettings
from tests.clients.install import available, mcp_server, node_clients

LIMIT = 30


@pytest.fixture(params=["streamableHttp /mcp", "sse /sse"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    transport, path = request.param.split()
    program = available(mcp_server) / "node_modules/@modelcontextprotocol/server-everything/dist/index.js"
    node = available(node_clients) / "node_modules/.bin/node"
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(node), str(program), transport], env={**os.environ, "PORT": str(port)}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}{path}"
    finally:
        process.kill()
        process.wait()


@pytest.mark.clients
def test_its_tools(url: str) -> None:
    policy = ToolPolicy(ToolSettings())
    with closing(policy.connect(MCPServerSettings(label="everything", url=url))) as server:
        names = [tool.name for tool in server.list_tools()]
        assert {"echo", "get-sum", "get-tiny-image", "get-resource-links", "get-structured-content"} <= set(names)
        assert server.revision == "2025-11-25"
        assert server.call("get-sum", {"a": 1, "b": 2}).text == "The sum of 1 and 2 is 3."
        (image,) = server.call("get-tiny-image", {}).images
        assert image.url.startswith("data:image/png;base64,")
        assert "](demo://resource/" in server.call("get-resource-links", {"count": 2}).text
        assert '"temperature"' in server.call("get-structured-content", {"location": "New York"}).text
        unknown = server.call("nosuch", {})
        assert unknown.error is not None
        assert "not found" in unknown.text

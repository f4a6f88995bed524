"""Real MCP servers, those of the official SDK and of fastmcp, all in one process: importing them takes seconds.

As a program it serves them on free loopback ports until its standard input ends, and prints their URLs as JSON.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SERVERS = ("sdk", "sdk-json", "sdk-sse", "fastmcp")


@contextmanager
def real_mcp() -> Iterator[dict[str, str]]:
    """Run the servers; return the URL of each."""
    command = [sys.executable, "-m", "tests.support.servers.real_mcp"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


def _sdk() -> Any:
    import asyncio

    from mcp.server.mcpserver import Context, MCPServer
    from mcp_types import ToolAnnotations

    server = MCPServer("dice")
    cancelled: list[str] = []

    @server.tool(description="Roll dice", annotations=ToolAnnotations(read_only_hint=True))
    def roll(n: int = 1) -> int:
        return 4 * n

    @server.tool()
    async def wait(seconds: float, name: str, ctx: Context[Any, Any]) -> str:
        try:
            for at in range(4):
                await asyncio.sleep(seconds / 4)
                await ctx.report_progress(at + 1, 4)
        except asyncio.CancelledError:
            cancelled.append(name)
            raise
        return "done"

    @server.tool()
    def list_cancelled() -> list[str]:
        return cancelled

    return server


def _fastmcp() -> Any:
    from fastmcp import FastMCP

    server = FastMCP("fast")

    @server.tool
    def add(a: int, b: int) -> int:
        return a + b

    @server.tool
    def say(words: str, times: int) -> str:
        return words * times

    return server


async def _serve() -> None:
    import asyncio

    import uvicorn

    sdk = _sdk()
    apps = {
        "sdk": (sdk.streamable_http_app(), "/mcp"),
        "sdk-json": (_sdk().streamable_http_app(json_response=True), "/mcp"),
        "sdk-sse": (_sdk().sse_app(), "/sse"),
        "fastmcp": (_fastmcp().http_app(), "/mcp"),
    }
    servers, urls = [], {}
    for name, (app, path) in apps.items():
        listening = socket.create_server(("127.0.0.1", 0))
        urls[name] = f"http://127.0.0.1:{listening.getsockname()[1]}{path}"
        servers.append(uvicorn.Server(uvicorn.Config(app, log_level="critical")).serve([listening]))
    print(json.dumps(urls), flush=True)
    await asyncio.gather(*servers)


def _end_with_the_tests() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    import asyncio

    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    asyncio.run(_serve())

"""What `check` finds out about servers of tools."""

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from adapter.commands.check.tools import run_tool_probes
from adapter.settings.settings import Settings
from adapter.settings.tools.backends import CodeSettings, FileSearchSettings, WebSearchSettings
from adapter.settings.tools.servers import MCPServerSettings
from adapter.settings.tools.settings import ToolSettings
from tests.adapter.hosting.mcp.test_eras import WithSessions
from tests.support.servers.scripted_mcp import Reply, Request, ScriptedMCP, as_json, result, scripted_mcp, tool
from tests.support.servers.upstream import Upstream


@pytest.fixture
def server() -> Iterator[ScriptedMCP]:
    def answer(request: Request) -> Reply:
        if request.method == "GET":
            return as_json({"results": [{"url": "https://a.example/", "title": "A", "content": "a"}]})
        meta = {"io.modelcontextprotocol/serverInfo": {"name": "dice", "version": "3"}}
        return as_json(result(request, resultType="complete", tools=[tool("roll"), tool("wipe")], _meta=meta))

    with scripted_mcp() as server:
        server.answers = answer
        yield server


def check(tools: ToolSettings) -> dict[str, tuple[str, str]]:
    return {result.name: (result.verdict, result.detail) for result in run_tool_probes(Settings(tools=tools))}


def test_servers_that_answer(server: ScriptedMCP) -> None:
    settings = MCPServerSettings(label="a", url=server.url, allowed_tools=frozenset({"roll"}))
    tools = ToolSettings(
        mcp={"a": settings, "b": replace(settings, label="b", allowed_tools=None)},
        web_search=WebSearchSettings(backend="searxng", url=server.url.removesuffix("/mcp")),
        code_interpreter=CodeSettings(command=(sys.executable, "-I", "-")),
    )
    assert check(tools) == {
        "mcp a": ("ok", "2026-07-28, dice 3: 1 tools, roll"),
        "mcp b": ("ok", "2026-07-28, dice 3: 2 tools, roll, wipe"),
        "web_search": ("ok", 'searxng: "weather today" found 1 pages, the first is https://a.example/'),
        "code_interpreter": ("ok", 'print(6 * 7) printed "42"'),
    }


def test_servers_that_do_not(server: ScriptedMCP) -> None:
    tools = ToolSettings(
        mcp={
            "a": MCPServerSettings(label="a", url=server.url, allowed_tools=frozenset({"roll", "fly"})),
            "b": MCPServerSettings(label="b", url="http://nowhere.invalid/mcp?key=hunter2"),
            "c": MCPServerSettings(label="c", url=server.url),
        },
        web_search=WebSearchSettings(backend="mcp", mcp="c", tool="search"),
        code_interpreter=CodeSettings(command=("no-such-sandbox",)),
    )
    found = check(tools)
    assert found["mcp a"] == ("no", "2026-07-28, dice 3: it has no tool fly.")
    assert found["mcp b"] == ("error", "The tool server could not be reached.")
    assert found["mcp c"] == ("no", "2026-07-28, dice 3: it has no tool search.")
    assert found["web_search"] == ("no", 'mcp: "weather today" found nothing.')
    assert found["code_interpreter"] == ("error", "the sandbox could not be started.")


def test_a_session_is_ended(server: ScriptedMCP) -> None:
    server.answers = WithSessions()
    tools = ToolSettings(mcp={"a": MCPServerSettings(label="a", url=server.url)})
    assert check(tools) == {"mcp a": ("ok", "2025-06-18, old: 1 tools, roll")}
    assert server.calls[-1] == "DELETE"


def test_without_tools_there_is_nothing_to_check() -> None:
    assert check(ToolSettings()) == {}


@pytest.mark.parametrize(
    ("answer", "timeout", "verdict", "begins"),
    [
        ({"data": [{"index": 0, "embedding": [0.6] * 300}]}, 10.0, "ok", "e: 256 dimensions in "),
        ({"data": [{"index": 0, "embedding": [0.6] * 20}]}, 0.0, "no", "e: 20 dimensions in "),
        ({"data": []}, 10.0, "error", "e: what came has no embedding: 0 embeddings for 1 texts."),
        (None, 10.0, "error", "e: no such path"),
    ],
)
def test_embeddings(provider: Upstream, answer: object, timeout: float, verdict: str, begins: str) -> None:
    provider.answers = {} if answer is None else {"/v1/embeddings": answer}
    file_search = FileSearchSettings(upstream="default", model="e", query_timeout=timeout)
    settings = Settings(upstream_url=provider.url, tools=ToolSettings(file_search=file_search))
    try:
        (result,) = run_tool_probes(settings)
    finally:
        provider.reset()
    assert (result.name, result.verdict) == ("file_search", verdict)
    assert result.detail.startswith(begins)

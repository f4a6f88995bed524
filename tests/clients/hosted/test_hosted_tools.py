"""Real clients whose tools the adapter runs: a call of an MCP server, streamed too, a search, and an approval;
some search for a tool.

`programs` prints what each client got, as JSON. The MCP server and the search engine are scripted; the provider calls a
function by what it was asked, and then words the result.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.install import available, node_clients, python_client
from tests.support import chat
from tests.support.servers.scripted_mcp import Reply, Request, ScriptedMCP, as_json, result, scripted_mcp, tool
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole

PROGRAMS = Path(__file__).with_name("programs")
LIMIT = 120
CALLS = {
    "Roll.": ("mcp__dice__roll", '{"n":2}'),
    "Wipe.": ("mcp__dice__wipe", '{"path":"/x"}'),
    "Search.": ("web_search", '{"query":"dice"}'),
    "Find.": ("tool_search", '{"paths":["weather"]}'),
}
ANSWERS = {"8": "Rolled 8.", "wiped /x": "Wiped.", "These tools can be called now: weather": "Found."}
EXPECTED = {
    "rolled": "Rolled 8.", "streamed": "Rolled 8.", "searched": "Dice are cubes [1].", "approved": "Wiped.",
    "found": "Found.",
}  # fmt: skip


def serve(request: Request) -> Reply:
    """Answer as a search engine does to GET, else as an MCP server."""
    if request.method == "GET":
        return as_json({"results": [{"url": "https://dice.example/", "title": "Dice", "content": "Dice are cubes."}]})
    if request.rpc == "tools/list":
        reads = tool("roll", description="Roll dice", annotations={"readOnlyHint": True})
        return as_json(result(request, resultType="complete", tools=[reads, tool("wipe")]))
    params = request.message["params"]
    text = str(4 * params["arguments"]["n"]) if params["name"] == "roll" else f"wiped {params['arguments']['path']}"
    return as_json(result(request, resultType="complete", content=[{"type": "text", "text": text}]))


def answer(received: ReceivedRequest) -> Script:
    last: dict[str, Any] = received.messages[-1]
    content = last["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    streamed = received.json.get("stream")
    if last["role"] == "tool":
        words = ANSWERS.get(text, EXPECTED["searched"])
        return stream(chat.text(words), chat.end()) if streamed else whole(chat.completion(words))
    name, arguments = CALLS[text]
    if streamed:
        return stream(chat.call(0, "call_1", name, arguments), chat.end("tool_calls"))
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return whole(chat.completion(tool_calls=[call], finish="tool_calls"))


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedMCP]:
    with scripted_mcp() as server:
        server.answers = serve
        yield server


@pytest.fixture(scope="module")
def hosting(provider: Upstream, server: ScriptedMCP, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    toml = f"""
[tools.mcp.dice]
url = "{server.url}"
[tools.web_search]
backend = "searxng"
url = "{server.url.removesuffix("/mcp")}"
"""
    with Service(tmp_path_factory.mktemp("hosted"), toml, upstream_url=provider.url, workers=1) as service:
        yield service


def run(command: list[str], service: Service, **environ: str) -> Any:
    environ = {"PATH": os.environ["PATH"], "HOME": str(service.directory), **environ}
    ran = subprocess.run([*command, service.url], env=environ, capture_output=True, text=True, timeout=LIMIT)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def check(printed: Any) -> None:
    assert printed == {name: EXPECTED[name] for name in printed}
    assert {"rolled", "streamed", "searched"} <= printed.keys()


@pytest.mark.clients
@pytest.mark.parametrize("name", ["openai-agents", "langchain-openai", "pydantic-ai"])
def test_python(name: str, hosting: Service, upstream: Upstream) -> None:
    upstream.otherwise = answer
    program = PROGRAMS / f"host_{name.replace('-', '_')}.py"
    check(run([sys.executable, str(program)], hosting, PYTHONPATH=str(available(python_client, name))))


@pytest.mark.clients
def test_openai(hosting: Service, upstream: Upstream) -> None:
    upstream.otherwise = answer
    check(run([sys.executable, str(PROGRAMS / "host_openai.py")], hosting))


@pytest.mark.clients
@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("*.mjs")), ids=lambda program: program.stem)
def test_node(program: Path, hosting: Service, upstream: Upstream, tmp_path: Path) -> None:
    upstream.otherwise = answer
    directory = available(node_clients)
    (tmp_path / "node_modules").symlink_to(directory / "node_modules")
    copy = tmp_path / program.name
    copy.write_bytes(program.read_bytes())
    check(run([str(directory / "node_modules/.bin/node"), str(copy)], hosting))

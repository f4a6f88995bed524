"""Codex CLI searches the web through the adapter, over HTTP and a WebSocket, and shows what it searched for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.codex import Codex
from tests.support import chat
from tests.support.servers.scripted_mcp import as_json, scripted_mcp
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, stream

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def searching(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with scripted_mcp() as server:
        found = {"url": "https://dice.example/", "title": "Dice", "content": "Dice are cubes."}
        server.answers = lambda _: as_json({"results": [found]})
        toml = f'[tools.web_search]\nbackend = "searxng"\nurl = "{server.url.removesuffix("/mcp")}"\n'
        directory = tmp_path_factory.mktemp("searching")
        with Service(directory, toml, upstream_url=provider.url, workers=1) as service:
            yield service


@pytest.mark.parametrize("websocket", [False, True], ids=["HTTP", "WebSocket"])
def test_a_search(websocket: bool, searching: Service, upstream: Upstream, tmp_path: Path) -> None:
    members = {"supports_websockets": True} if websocket else {}
    codex = Codex(tmp_path, searching, "README.md", **members)
    call = chat.call(0, "call_1", "web_search", '{"query":"dice"}')
    upstream.plays(
        stream(chat.thinking("Hm."), call, chat.end("tool_calls")),
        stream(chat.text("Dice are ", "cubes [1]."), chat.end()),
    )
    items = codex.items("What are dice?")
    searches = [item for item in items if item["type"] == "web_search"]
    assert [item["query"] for item in searches] == ["dice"]
    assert [item["text"] for item in items if item["type"] == "agent_message"] == ["Dice are cubes [1]."]
    assert "[1] Dice" in upstream.requests[1].messages[-1]["content"]
    upstream.plays(stream(chat.text("Yes."), chat.end()))
    assert codex.run("resume", "--last", "Really?") == ["Yes."]
    roles = [message["role"] for message in upstream.requests[-1].messages]
    assert roles[-2:] == ["assistant", "user"]

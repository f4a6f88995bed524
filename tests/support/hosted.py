"""The application in this process, with MCP servers whose tools are functions of the test."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import gevent
from msgspec.structs import replace

from adapter import create_app
from adapter.hosting.mcp.errors import MCPError
from adapter.hosting.results import ToolResult
from adapter.settings.settings import Settings
from adapter.settings.tools.servers import MCPServerSettings
from adapter.sharing.shares import TenantSemaphore
from tests.support import chat
from tests.support.client import judged
from tests.support.judges import oracles
from tests.support.judges.response import check_response
from tests.support.servers.upstream import Script, Upstream, stream
from translators.errors import RequestError
from translators.responses.hosted.errors import MCPHTTPError
from translators.responses.tools import HOSTED_TOOLS, WEB_SEARCH_TOOLS
from translators.tools.mcp import ListedFunction

Tool = Callable[..., Any]
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


class FakeServer:
    """An MCP server of a test: a tool returns a text or a ToolResult; one named `get…` only reads."""

    def __init__(self, label: str, tools: Mapping[str, Tool], **settings: Any) -> None:
        self.label = label
        self.settings = MCPServerSettings(label=label, url="http://mcp.test/mcp", **settings)
        self.tools = tools
        self.error: str | None = None
        """Why its tools cannot be listed."""
        self.lists = 0
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.running = 0
        self.most_running = 0
        self.killed = threading.Event()
        self.closed = 0

    def known_tools(self) -> None:
        """Return None: nothing is cached."""

    def list_tools(self) -> tuple[ListedFunction, ...]:
        self.lists += 1
        if self.error is not None:
            raise MCPError(self.error, MCPHTTPError(502, self.error))
        return tuple(ListedFunction(name, f"Tool {name}", SCHEMA, name.startswith("get")) for name in self.tools)

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        self.calls.append((name, arguments))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            result = self.tools[name](**arguments)
        except gevent.GreenletExit:
            self.killed.set()
            raise
        finally:
            self.running -= 1
        return result if isinstance(result, ToolResult) else ToolResult(str(result))

    def close(self) -> None:
        self.closed += 1


class FakePolicy:
    rounds = 10
    calls = 64

    refuses_cached_search = False
    calls_at_once = TenantSemaphore(64, 64)

    def __init__(self, *servers: FakeServer) -> None:
        self.servers = {server.label: server for server in servers}
        self.search: Any = None
        self.pages: Any = None
        self.code: Any = None
        self.images: Any = None

    def create_search(self) -> Any:
        return self.search

    def create_pages(self, files: Any, tenant: str, domains: Any) -> Any:
        return self.pages

    def create_code_runner(self) -> Any:
        return self.code

    def create_image_maker(self, upstreams: Any, files: Any, tenant: str) -> Any:
        return self.images

    def resolve_all(self, declarations: Any, tenant: str) -> list[FakeServer]:
        return [self.resolve(declaration, tenant, path) for path, declaration in declarations]

    def resolve(self, declaration: Any, tenant: str, path: str) -> FakeServer:
        server = self.servers.get(declaration.server_label)
        if server is None:
            raise RequestError("Unknown MCP server.", param=f"{path}.server_label", code="invalid_value")
        return server


class HostedApp:
    """A client of the application in this process; it judges every answer."""

    def __init__(self, provider: Upstream, *servers: FakeServer, **settings: Any) -> None:
        self.app = create_app(Settings(upstream_url=provider.url, store="memory:", **settings))
        self.services = self.app.extensions["adapter"]
        self.policy = FakePolicy(*servers)
        self.services._tools = self.policy
        self.services.flow = replace(self.services.flow, hosted=HOSTED_TOOLS | WEB_SEARCH_TOOLS)
        self.client = self.app.test_client()

    def post(self, **members: Any) -> Any:
        return self.client.post("/v1/responses", json={"model": "m", "input": "Hi", **members})

    def create(self, **members: Any) -> dict[str, Any]:
        answer = self.post(**members)
        assert answer.status_code == 200, answer.text
        response: dict[str, Any] = answer.json
        check_response(response)
        oracles.validate_response_with_openai(response)
        return response

    def stream(self, **members: Any) -> list[dict[str, Any]]:
        """Return the events of a stream, judged, and equal to what is stored."""
        answer = self.post(**members, stream=True)
        assert answer.status_code == 200, answer.text
        events = judged(answer.data)
        terminal = events[-1]["response"]
        if terminal["store"]:
            assert self.get(terminal["id"]) == terminal
        return events

    def get(self, id: str) -> dict[str, Any]:
        response: dict[str, Any] = self.client.get(f"/v1/responses/{id}").json
        return response


def mcp(label: str = "dice", **members: Any) -> dict[str, Any]:
    """Return a declaration that needs no approval."""
    return {"type": "mcp", "server_label": label, "require_approval": "never", **members}


def calls(*calls: tuple[str, str]) -> Script:
    """Return an answer that calls tools by their flat names, each with its arguments."""
    blocks = [chat.call(at, f"call_{at}", name, arguments) for at, (name, arguments) in enumerate(calls)]
    return stream(*blocks, chat.end("tool_calls"))


def says(*pieces: str) -> Script:
    return stream(chat.text(*pieces), chat.end())

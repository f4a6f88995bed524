"""Complete streams of hosted tools: the adapter sends the same events and items in the same situations."""

import json
from functools import partial
from typing import Any

import pytest
from gevent.lock import RLock

from adapter.flow.tools.built_in.base import BuiltIn
from adapter.flow.tools.built_in.file_search import FileSearchRun, Searches
from adapter.flow.tools.built_in_tools import BUILT_IN_TOOLS
from adapter.hosting.code import CodeResult
from adapter.hosting.file_search.search import SearchResult as FileResult
from adapter.hosting.images import ImageResult, PartialImage
from adapter.hosting.results import ToolResult
from adapter.hosting.web.backends import Hit
from adapter.hosting.web.pages import PageResult
from adapter.hosting.web.search import SearchResult
from tests.support.beside import HOSTED_STREAMS
from tests.support.hosted import FakeServer, HostedApp, calls, mcp, says
from tests.support.servers.upstream import Script, Upstream
from translators.responses.hosted.errors import MCPHTTPError, MCPProtocolError, ToolExecutionError
from translators.responses.tools import FileSearchTool
from translators.tools.built_in import SEARCH_FILES

pytestmark = pytest.mark.skipif(not HOSTED_STREAMS.exists(), reason=f"no streams at {HOSTED_STREAMS}")

ROLL, URL = "mcp__dice__roll", "https://example.com/a"
OURS = {"id", "item_id", "call_id", "container_id", "approval_request_id", "sequence_number", "logprobs", "response"}
"""Members that differ from one stream to the next, or that other tests check."""
WEB = {"type": "web_search"}
CODE = {"type": "code_interpreter", "container": {"type": "auto"}}
WEATHER = {"type": "function", "name": "get_weather"}
INCLUDE = ["web_search_call.action.sources", "code_interpreter_call.outputs"]
ERRORS = {
    "mcp_call_failed_tool": ToolExecutionError([{"type": "text", "text": "boom"}]),
    "mcp_call_failed_protocol": MCPProtocolError(-32602, "Unknown tool: rol"),
    "mcp_call_failed_http": MCPHTTPError(504, "The tool took longer than 60 s"),
}
SEARCH = ("web_search", '{"query":"x"}')
ONE, TWO = (ROLL, '{"n":1}'), (ROLL, '{"n":2}')
PAGE = json.dumps({"url": URL})
FIND = json.dumps({"url": URL, "pattern": "x"})
SCRIPTS: dict[str, tuple[list[dict[str, Any]], list[Script]]] = {
    "mcp": ([mcp()], [calls(ONE), says("You rolled 4.")]),
    "mcp_parallel_told_in_order": ([mcp()], [calls(ONE, TWO), says("4 and 8.")]),
    **{name: ([mcp()], [calls(ONE), says("That did not work.")]) for name in ERRORS},
    "mcp_approval_asked": ([mcp(require_approval="always")], [calls(ONE)]),
    "mixed_hosted_and_client": ([mcp(), WEATHER], [calls(ONE, ("get_weather", "{}"))]),
    "web_search_open_find": (
        [WEB],
        [calls(SEARCH), calls(("web_open", PAGE)), calls(("web_find", FIND)), says("See [1].")],
    ),
    "web_search_failed": ([WEB], [calls(SEARCH), says("The search failed.")]),
    "file_search_with_results": (
        [{"type": "file_search", "vector_store_ids": ["vs_1"]}],
        [calls(("file_search", '{"queries":["what"]}')), says("According to it【1】.")],
    ),
    "code_interpreter": ([CODE], [calls(("code_interpreter", '{"code":"print(1)"}')), says("1")]),
    "image_generation": (
        [{"type": "image_generation", "partial_images": 1}],
        [calls(("image_generation", '{"prompt":"a cat"}')), says("Here it is.")],
    ),
    "image_generation_failed": (
        [{"type": "image_generation"}],
        [calls(("image_generation", '{"prompt":"a cat"}')), says("No picture could be made.")],
    ),
}  # fmt: skip
LEFT_OUT = {
    "mcp_list_failed_in_stream": "lists are fetched before the stream begins, and a failure is an HTTP error",
}


class Backends:
    """A search, its pages, a sandbox and a maker of images in one."""

    def __init__(self, streams: dict[str, Any], name: str) -> None:
        self.fails = name.endswith("failed")
        done = [event["item"] for event in streams["image_generation"] if event["type"].endswith("item.done")]
        self.image = done[0]["result"]
        partial = next(event for event in streams["image_generation"] if "partial_image_b64" in event)
        self.preview = PartialImage(partial["partial_image_b64"], 0, "png", "1024x1024", "low", "opaque")

    def run(self, asked: Any, *show: Any, **_: Any) -> Any:
        if isinstance(asked, list):
            hits = () if self.fails else (Hit(URL, "A", "Some text."),)
            return SearchResult("[1] A", hits, error="down" if self.fails else None)
        if not show:
            return CodeResult("1\n")
        if self.fails:
            return ImageResult(error="no image")
        show[0](self.preview)
        return ImageResult(self.image, "a cat", "png", "opaque", "low", "1024x1024")

    def name(self, urls: Any) -> None: ...

    def open(self, url: str) -> PageResult:
        return PageResult("Page")

    def find(self, url: str, pattern: str) -> PageResult:
        return PageResult("x")

    def close(self) -> None: ...


class Files(Searches):
    """Vector stores that have one chunk."""

    def __init__(self) -> None:
        self.files = {}
        self.shows_results = True
        self.lock = RLock()

    def run(self, queries: Any) -> Any:
        return [(1, FileResult("file-1", "a.txt", 0.91, {}, "chunk"))]


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_files(tool: FileSearchTool, opening: Any) -> BuiltIn:
        return BuiltIn(tool, (SEARCH_FILES,), partial(FileSearchRun, Files()))

    monkeypatch.setitem(BUILT_IN_TOOLS, FileSearchTool, open_files)  # type: ignore[arg-type]


def hosting(provider: Upstream, streams: dict[str, Any], name: str) -> HostedApp:
    error = ERRORS.get(name)
    server = FakeServer("dice", {"roll": lambda n=1: ToolResult(str(4 * n), error)})
    app = HostedApp(provider, server)
    backends = Backends(streams, name)
    app.policy.search = app.policy.pages = app.policy.code = app.policy.images = backends
    return app


@pytest.fixture(scope="module")
def streams() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(HOSTED_STREAMS.read_bytes())
    return found


def plain(events: list[dict[str, Any]]) -> list[Any]:
    """Return events without what differs, and tools without what the test's server says of them."""
    return [_plain(event) for event in events]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if "input_schema" in value:
            return {"name": value["name"]}
        return {name: _plain(inner) for name, inner in value.items() if name not in OURS}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_same_situation_gives_the_same_stream(
    name: str, streams: dict[str, Any], provider: Upstream, upstream: Upstream
) -> None:
    tools, script = SCRIPTS[name]
    upstream.plays(*script)
    sent = hosting(provider, streams, name).stream(tools=tools, include=INCLUDE)
    assert plain(sent) == plain(streams[name])


@pytest.mark.parametrize("approve", [True, False])
def test_the_turn_after_a_request_for_approval(
    approve: bool, streams: dict[str, Any], provider: Upstream, upstream: Upstream
) -> None:
    name = f"mcp_approval_{'granted' if approve else 'denied'}_next_turn"
    text = "You rolled 4." if approve else "I did not roll: you declined."
    upstream.plays(calls(ONE), says(text))
    app, tools = hosting(provider, streams, name), [mcp(require_approval="always")]
    first = app.create(tools=tools)
    answer = {
        "type": "mcp_approval_response", "approval_request_id": first["output"][1]["id"], "approve": approve,
    }  # fmt: skip
    sent = app.stream(tools=tools, previous_response_id=first["id"], input=[answer])
    assert plain(sent) == plain(streams[name])


def test_every_stream_is_compared_or_left_out_for_a_reason(streams: dict[str, Any]) -> None:
    turns = {"mcp_approval_granted_next_turn", "mcp_approval_denied_next_turn"}
    assert streams.keys() == SCRIPTS.keys() | LEFT_OUT.keys() | turns

"""Servers of the official SDK and of fastmcp, in every era that they speak."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import to_builtins

from adapter.hosting.policy import ToolPolicy
from tests.adapter.hosting.mcp.conftest import Connect
from tests.support.servers.real_mcp import SERVERS, real_mcp


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    with real_mcp() as urls:
        yield urls


@pytest.fixture(params=[*SERVERS, "sdk with sessions", "sdk-json with sessions", "fastmcp with sessions"])
def url(request: pytest.FixtureRequest, urls: dict[str, str], policy: ToolPolicy) -> str:
    """The URL of a server, which is taken for one of the era of sessions if its name says so."""
    name, _, sessions = request.param.partition(" ")
    if sessions:
        policy._memory.learn_era(urls[name], "sessions")
    return urls[name]


def test_its_tools_are_listed_and_called(url: str, connect: Connect) -> None:
    client = connect(url)
    tools = {tool.name: tool for tool in client.list_tools()}
    calls: dict[str, tuple[dict[str, Any], str]] = {"roll": ({"n": 2}, "8"), "add": ({"a": 1, "b": 2}, "3")}
    (name,) = tools.keys() & calls.keys()
    arguments, text = calls[name]
    assert client.call(name, arguments) == client.call(name, arguments)
    found = client.call(name, arguments)
    assert (found.text, found.error) == (text, None)
    assert tools[name].input_schema["properties"].keys() == arguments.keys()
    assert tools[name].read_only is (name == "roll")
    assert client.revision == found.details["revision"] != ""
    assert client.identity


def test_what_it_cannot_do_is_an_error_of_the_tool(url: str, connect: Connect) -> None:
    client = connect(url)
    for name, arguments in (("nosuch", {}), ("roll", {"n": "many"}), ("add", {})):
        found = client.call(name, arguments)
        assert to_builtins(found.error)["type"] == "mcp_tool_execution_error"
        assert found.text.startswith("Error: ")


def test_a_call_that_is_given_up_is_cancelled(urls: dict[str, str], connect: Connect) -> None:
    client = connect(urls["sdk"], timeout=0.2)
    client.list_tools()
    assert client.call("wait", {"seconds": 20, "name": "mine"}).text == "The tool took longer than 0.2 s"
    for _ in range(50):
        if "mine" in connect(urls["sdk"]).call("list_cancelled", {}).text:
            break
        time.sleep(0.02)
    else:
        pytest.fail("the tool still runs")


def test_a_call_with_progress(urls: dict[str, str], connect: Connect) -> None:
    assert connect(urls["sdk"]).call("wait", {"seconds": 0.04, "name": "x"}).text == "done"


def test_a_large_output_is_cut(urls: dict[str, str], connect: Connect) -> None:
    found = connect(urls["fastmcp"]).call("say", {"words": "long ", "times": 40_000})
    assert found.cut_bytes == 200_000 - 100 * 1024
    assert found.text.endswith(f"[cut: {found.cut_bytes} more bytes]")

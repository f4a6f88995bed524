"""A search for tools that the adapter runs: its items, what the model gets, and the turns after it."""

from typing import Any

import pytest

from tests.support.hosted import FakeServer, HostedApp, calls, mcp, says
from tests.support.servers.upstream import Upstream

SEARCH = {"type": "tool_search"}
WEATHER = ("tool_search", '{"paths":["weather"]}')


def function(name: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "function", "name": name, "description": f"Does {name}.", "defer_loading": True,
        "parameters": {"type": "object", "properties": {}}, **members,
    }  # fmt: skip


TOOLS = [SEARCH, function("weather"), function("stocks"), function("now", defer_loading=False)]


@pytest.fixture
def dice() -> FakeServer:
    return FakeServer("dice", {"roll": lambda n=1: str(4 * n), "get_count": lambda: "1"})


@pytest.fixture
def app(provider: Upstream, dice: FakeServer) -> HostedApp:
    return HostedApp(provider, dice)


def shown(upstream: Upstream, at: int) -> list[str]:
    return [tool["function"]["name"] for tool in upstream.requests[at].json["tools"]]


def test_a_tool_is_found_and_called(app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(calls(WEATHER), calls(("weather", "{}")), says("Sunny."), says("Bye."))
    events = app.stream(tools=TOOLS)
    first = events[-1]["response"]
    search, found, call = first["output"]
    assert [event["type"].rpartition(".")[2] for event in events[2:6]] == ["added", "done"] * 2
    assert {**search, "id": ""} == {
        "id": "", "type": "tool_search_call", "arguments": {"paths": ["weather"]}, "call_id": None,
        "execution": "server", "status": "completed",
    }  # fmt: skip
    assert (found["execution"], found["call_id"]) == ("server", None)
    assert [tool["name"] for tool in found["tools"]] == ["weather"]
    assert (call["type"], call["name"]) == ("function_call", "weather")
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    second = app.create(tools=TOOLS, previous_response_id=first["id"], input=[output])
    app.services.flow.chain_cache._cache.clear()
    app.create(tools=TOOLS, previous_response_id=second["id"], input="Thanks")
    assert shown(upstream, 0) == ["tool_search", "now"]
    assert [shown(upstream, at) for at in (1, 2, 3)] == [["tool_search", "now", "weather"]] * 3
    described = upstream.requests[0].json["tools"][0]["function"]["description"]
    assert "- weather: Does weather.\n- stocks: Does stocks." in described
    for at in (1, 2, 3):
        before, after = upstream.requests[at - 1].messages, upstream.requests[at].messages
        assert after[: len(before)] == before
    assert upstream.requests[1].messages[-1]["content"] == "These tools can be called now: weather"


def test_what_is_loaded_is_not_found_again(app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(
        calls(WEATHER, ("tool_search", '{"paths":["weather","stocks"]}')), says("Yes."),
        calls(("tool_search", '{"paths":["stocks"]}')), says("No."),
    )  # fmt: skip
    first = app.create(tools=TOOLS)
    found = [[tool["name"] for tool in item["tools"]] for item in first["output"] if "tools" in item]
    assert found == [["weather"], ["stocks"]]
    second = app.create(tools=TOOLS, previous_response_id=first["id"], input="Again")
    assert second["output"][1]["tools"] == []
    assert shown(upstream, 3) == ["tool_search", "now", "weather", "stocks"]


def test_tools_of_a_server_are_found_and_run(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    tools = [SEARCH, mcp(defer_loading=True, server_description="Throws dice.")]
    upstream.plays(
        calls(("tool_search", '{"query":"roll"}')), calls(("mcp__dice__roll", '{"n":2}')), says("8"),
        calls(("tool_search", '{"paths":["mcp__dice"]}')), calls(("mcp__dice__get_count", "{}")), says("1"),
    )  # fmt: skip
    first = app.create(tools=tools)
    assert [item["type"] for item in first["output"]] == [
        "mcp_list_tools", "tool_search_call", "tool_search_output", "mcp_call", "message",
    ]  # fmt: skip
    assert "- mcp__dice: Throws dice." in upstream.requests[0].json["tools"][0]["function"]["description"]
    second = app.create(tools=tools, previous_response_id=first["id"], input="And the count?")
    assert [item["type"] for item in second["output"]][2] == "mcp_call"
    assert shown(upstream, 0) == ["tool_search"]
    assert shown(upstream, 5) == ["tool_search", "mcp__dice__roll", "mcp__dice__get_count"]
    assert dice.calls == [("roll", {"n": 2}), ("get_count", {})]


def test_a_tool_that_was_loaded_may_be_called_beyond_the_limit(app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(calls(WEATHER), calls(("weather", "{}")))
    response = app.create(tools=TOOLS, max_tool_calls=1)
    assert response["output"][-1]["type"] == "function_call"
    assert shown(upstream, 1) == ["now", "weather"]


def test_a_server_with_too_many_tools_is_searched(provider: Upstream, upstream: Upstream) -> None:
    many = FakeServer("dice", {f"roll{at}": str for at in range(129)})
    app = HostedApp(provider, many)
    refused = app.post(tools=[SEARCH, mcp()])
    assert (refused.status_code, refused.json["error"]["param"]) == (400, "tools")
    upstream.plays(calls(("tool_search", '{"paths":["mcp__dice"]}')), says("Many."))
    response = app.create(tools=[SEARCH, mcp(defer_loading=True)])
    assert len(response["output"][2]["tools"][0]["tools"]) == 64


def test_a_client_that_keeps_its_own_history(app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(calls(WEATHER), says("Found."), says("Bye."))
    first = app.create(tools=TOOLS, store=False)
    history = [{"role": "user", "content": "Hi"}, *first["output"], {"role": "user", "content": "And?"}]
    app.create(tools=TOOLS, store=False, input=history)
    live = upstream.requests[1].messages
    assert upstream.requests[2].messages[: len(live)] == live
    assert shown(upstream, 2) == ["tool_search", "now", "weather"]


@pytest.mark.parametrize(
    ("tools", "names"),
    [
        ([SEARCH, function("now", defer_loading=False)], ["now"]),
        ([{**SEARCH, "execution": "client"}, function("weather")], ["tool_search", "weather"]),
        ([function("weather")], ["weather"]),
    ],
    ids=["nothing is deferred", "the client searches", "no search"],
)
def test_nothing_to_search_for(tools: list[Any], names: list[str], app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(says("Hi."))
    app.create(tools=tools)
    assert shown(upstream, 0) == names


def test_a_client_call_beside_a_search_ends_the_response(app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(calls(WEATHER, ("now", "{}")))
    response = app.create(tools=TOOLS)
    assert [item["type"] for item in response["output"]] == ["tool_search_call", "tool_search_output", "function_call"]

"""What is known of an earlier request with hosted tools changes nothing but what the next one costs."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.adapter.flow.test_growth import operations
from tests.support.hosted import FakeServer, HostedApp, calls, mcp, says
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream

ROLL = "mcp__dice__roll"
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {"tools": [mcp()]},
    "with a limit": {"tools": [mcp()], "max_tool_calls": 3},
    "with a choice": {"tools": [mcp()], "tool_choice": "required"},
    "with more tools": {"tools": [FUNCTION, mcp(allowed_tools=["roll"]), {"type": "web_search"}]},
    "with deferred tools": {"tools": [mcp(defer_loading=True), {"type": "tool_search"}]},
}


def roll(n: int = 1) -> str:
    return str(n)


@pytest.fixture
def asked(provider: Upstream) -> Iterator[list[bytes]]:
    """What the provider was asked, by each round of each request."""
    bodies: list[bytes] = []

    def answer(received: ReceivedRequest) -> Script:
        bodies.append(received.body)
        ends = received.json["messages"][-1]["role"] == "tool" or b"mcp__dice__roll" not in received.body
        return says("Done.") if ends else calls((ROLL, "{}"))

    provider.otherwise = answer
    yield bodies
    provider.reset()


def without_ids(response: dict[str, Any]) -> dict[str, Any]:
    output = [{**item, "id": ""} for item in response["output"]]
    return {**response, "id": "", "created_at": 0, "completed_at": 0, "output": output}


@pytest.mark.parametrize("members", REQUESTS.values(), ids=REQUESTS)
def test_a_request_that_is_repeated(members: dict[str, Any], provider: Upstream, asked: list[bytes]) -> None:
    dice = FakeServer("dice", {"roll": roll, "fail": roll})
    app = HostedApp(provider, dice)
    first = app.create(**members, store=False)
    of_first = asked.copy()
    asked.clear()
    for _ in range(2):
        assert without_ids(app.create(**members, store=False)) == without_ids(first)
    assert [_without_call_ids(one) for one in asked] == [_without_call_ids(one) for one in of_first] * 2


def _without_call_ids(body: bytes) -> bytes:
    before, mark, after = body.partition(b'"messages"')
    return before + mark + after[:40]


def test_a_server_whose_tools_change(provider: Upstream, asked: list[bytes]) -> None:
    dice = FakeServer("dice", {"roll": roll})
    app = HostedApp(provider, dice)
    for _ in range(2):
        app.create(tools=[mcp()])
    dice.tools = {"roll": roll, "flip": roll}
    asked.clear()
    app.create(tools=[mcp()])
    assert all(b"mcp__dice__flip" in body for body in asked)
    dice.tools = {"roll": roll}
    asked.clear()
    app.create(tools=[mcp()])
    assert not any(b"mcp__dice__flip" in body for body in asked)


def test_a_server_with_many_tools(provider: Upstream, asked: list[bytes]) -> None:
    """They are translated once, not for each round of each response."""
    costs = []
    for size in (1, 50):
        app = HostedApp(provider, FakeServer("dice", {"roll": roll} | {f"tool{at}": roll for at in range(1, size)}))
        for _ in range(2):
            app.create(tools=[mcp()], store=False)
        # the lowest of three: the loop may have other work meanwhile
        costs.append(min(operations(lambda: app.post(tools=[mcp()], store=False)) for _ in range(3)))  # noqa: B023
    few, many = costs
    assert many - few <= 49 * 14

"""Tools that the adapter runs, in the running service: each transport, and what ends a call that is running."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import chat
from tests.support.client import judged
from tests.support.hosted import calls, mcp, says
from tests.support.servers.scripted_mcp import (
    Reply,
    Request,
    ScriptedMCP,
    as_json,
    as_stream,
    result,
    scripted_mcp,
    tool,
)
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Upstream, stream
from tests.support.websocket import Socket

ROLL, SLOW = "mcp__dice__roll", "mcp__dice__slow"
TOKEN = "tok-of-the-operator"
SECRET = "tok-of-the-caller"


def answers(request: Request) -> Reply:
    if request.rpc == "tools/list":
        tools = [tool("roll"), tool("slow")]
        return as_json(result(request, resultType="complete", tools=tools, ttlMs=0, cacheScope="private"))
    if request.message["params"]["name"] == "slow":
        return as_stream(whole=False)
    time.sleep(0.01)
    text = [{"type": "text", "text": str(4 * request.message["params"]["arguments"].get("n", 1))}]
    return as_json(result(request, resultType="complete", content=text))


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedMCP]:
    with scripted_mcp() as server:
        server.answers = answers
        yield server


@pytest.fixture(scope="module")
def hosting(
    provider: Upstream, server: ScriptedMCP, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    toml = f"""
[tools]
mcp_url_hosts = ["127.0.0.1:{server.server_port}"]
[tools.mcp.dice]
url = "{server.url}"
authorization = "env:DICE_TOKEN"
[tools.mcp.hasty]
url = "{server.url}"
timeout = 1
"""
    service = Service(
        tmp_path_factory.mktemp("hosting"), toml, upstream_url=provider.url, workers=1, shutdown_grace=1, keep_alive=1
    )
    service.environ["DICE_TOKEN"] = TOKEN
    with service:
        yield service


def types(response: dict[str, Any]) -> list[str]:
    return [item["type"] for item in response["output"]]


def test_every_transport_is_the_same(hosting: Service, upstream: Upstream) -> None:
    tools = [mcp()]
    two = [calls((ROLL, '{"n":1}'), (ROLL, '{"n":2}')), says("4 and 8.")]
    upstream.plays(*two, *two, *two, *two)
    streamed = hosting.stream(tools=tools)[-1]["response"]
    assert types(streamed) == ["mcp_list_tools", "mcp_call", "mcp_call", "message"]
    assert [item["output"] for item in streamed["output"][1:3]] == ["4", "8"]
    assert hosting.get(f"/v1/responses/{streamed['id']}").response == streamed
    whole = hosting.create(tools=tools)
    with Socket(hosting) as socket:
        spoken = socket.turn(tools=tools)
    polled = wait_for(hosting, hosting.create(tools=tools, background=True)["id"])
    for response in (whole, spoken, polled):
        assert without_ids(response["output"]) == without_ids(streamed["output"])


def without_ids(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**item, "id": ""} for item in items]


def wait_for(service: Service, id: str) -> dict[str, Any]:
    until = time.monotonic() + LIMIT
    while (response := service.get(f"/v1/responses/{id}").json)["status"] in ("queued", "in_progress"):
        assert time.monotonic() < until
        time.sleep(0.02)
    found: dict[str, Any] = response
    return found


def test_a_client_that_leaves_ends_the_call(hosting: Service, server: ScriptedMCP, upstream: Upstream) -> None:
    upstream.plays(calls((SLOW, "{}")))
    with hosting.open_stream(tools=[mcp()]) as exchange:
        exchange.read_until(b"mcp_call_arguments.done")
        exchange.leave()
        assert server.left.acquire(timeout=LIMIT)


def test_cancelling_ends_the_call(hosting: Service, server: ScriptedMCP, upstream: Upstream) -> None:
    upstream.plays(calls((ROLL, "{}"), (SLOW, "{}")))
    with hosting.open_stream(tools=[mcp()], background=True) as run:
        started = run.read_until(b'"name":"slow"')
        id = started.partition(b'"id":"resp_')[2][:32].decode()
        cancelled = hosting.request("POST", f"/v1/responses/resp_{id}/cancel").json
        assert cancelled["status"] == "cancelled"
        assert server.left.acquire(timeout=LIMIT)


def wait_for_call(server: ScriptedMCP, before: int) -> int:
    """Return the number of calls of tools once it is more than `before`."""
    until = time.monotonic() + LIMIT
    while server.calls.count("tools/call") <= before:
        assert time.monotonic() < until
        time.sleep(0.01)
    return server.calls.count("tools/call")


def test_a_run_whose_worker_dies_in_a_call_fails_and_the_tool_runs_once(
    hosting: Service, server: ScriptedMCP, upstream: Upstream
) -> None:
    upstream.plays(calls((SLOW, "{}")))
    before = server.calls.count("tools/call")
    id = hosting.create(tools=[mcp()], background=True)["id"]
    asked = wait_for_call(server, before)
    [worker] = hosting.workers
    os.kill(worker, signal.SIGKILL)
    assert server.left.acquire(timeout=LIMIT)
    while hosting.workers in ([], [worker]):
        time.sleep(0.02)
    response = wait_for(hosting, id)
    assert (response["status"], response["error"]["code"]) == ("failed", "server_error")
    assert server.calls.count("tools/call") == asked
    assert len(upstream.requests) == 1


def test_a_server_that_stops_ends_the_calls(
    hosting: Service, server: ScriptedMCP, provider: Upstream, upstream: Upstream
) -> None:
    toml = f'[tools.mcp.dice]\nurl = "{server.url}"\n'
    upstream.plays(calls((SLOW, "{}")), calls((SLOW, "{}")))
    directory = hosting.directory / "stopping"
    directory.mkdir()
    before = server.calls.count("tools/call")
    with Service(directory, toml, upstream_url=provider.url, workers=1, shutdown_grace=1) as service:
        id = service.create(tools=[mcp()], background=True)["id"]
        wait_for_call(server, before)
        with service.open_stream(tools=[mcp()]) as exchange:
            exchange.read_until(b"mcp_call_arguments.done")
            asked = wait_for_call(server, before + 1)
            service.process.send_signal(signal.SIGTERM)
            response = judged(exchange.rest())[-1]["response"]
        assert all(server.left.acquire(timeout=LIMIT) for _ in range(2))
    assert (response["status"], response["output"][-1]["status"]) == ("failed", "incomplete")
    with Service(directory, toml, upstream_url=provider.url, workers=1) as service:
        assert wait_for(service, id)["status"] == "failed"
    assert server.calls.count("tools/call") == asked


def test_signs_of_life_while_a_tool_runs(hosting: Service, server: ScriptedMCP, upstream: Upstream) -> None:
    upstream.plays(calls((SLOW, "{}")))
    with hosting.open_stream(tools=[mcp()]) as exchange:
        exchange.read_until(b"mcp_call_arguments.done")
        exchange.read_until(b": keep-alive\n\nevent: response.in_progress\n")
        exchange.leave()
    assert server.left.acquire(timeout=LIMIT)


def test_a_call_that_takes_too_long_ends(hosting: Service, server: ScriptedMCP, upstream: Upstream) -> None:
    upstream.plays(calls(("mcp__hasty__slow", "{}")), says("It is late."))
    call = hosting.create(tools=[mcp("hasty")])["output"][1]
    assert (call["status"], call["error"]) == (
        "failed", {"type": "http_error", "code": 504, "message": "The tool took longer than 1 s"},
    )  # fmt: skip
    assert server.left.acquire(timeout=LIMIT)
    assert "took longer" in upstream.requests[1].messages[-1]["content"]


def test_no_secret_is_shown_or_stored(hosting: Service, server: ScriptedMCP, upstream: Upstream) -> None:
    upstream.plays(calls((ROLL, "{}")), says("4"), calls(("mcp__other__roll", "{}")), says("4"))
    url = f"{server.url}?key={SECRET}"
    other = mcp("other", server_url=url, authorization=SECRET, headers={"X-Key": SECRET})
    seen = b""
    for one in (mcp(), other):
        with hosting.open_stream(tools=[one]) as exchange:
            body = exchange.rest()
        seen += body
        id = body.partition(b'"id":"resp_')[2][:32].decode()
        seen += hosting.get(f"/v1/responses/resp_{id}").body
    sent = [request.headers["Authorization"] for request in server.requests[-2:]]
    assert sent == [f"Bearer {SECRET}"] * 2
    stored = b"".join(path.read_bytes() for path in hosting.directory.glob("store.db*"))
    for secret in (TOKEN, SECRET):
        assert secret.encode() not in seen + stored + hosting.log.encode()
        assert secret not in str([received.json for received in upstream.requests])


def test_each_call_has_a_line_in_the_log(hosting: Service, upstream: Upstream) -> None:
    upstream.plays(calls((ROLL, '{"n":3}')), says("12"))
    id = hosting.create(tools=[mcp()])["id"]
    [line] = [line for line in hosting.log.splitlines() if id in line and "tool call" in line]
    for part in ("roll", "dice", "mcp", "ok"):
        assert part in line
    assert '"n":3' not in line


def test_a_later_round_that_fails_runs_nothing_again(
    hosting: Service, server: ScriptedMCP, upstream: Upstream
) -> None:
    upstream.plays(calls((ROLL, "{}")), stream(chat.block(chat.error("Out of order."))))
    before = server.calls.count("tools/call")
    events = hosting.stream(tools=[mcp()])
    assert events[-1]["type"] == "response.failed"
    assert types(events[-1]["response"]) == ["mcp_list_tools", "mcp_call"]
    assert server.calls.count("tools/call") == before + 1

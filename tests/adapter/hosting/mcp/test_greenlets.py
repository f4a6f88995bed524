"""Calls in greenlets: many at a time, and killed ones."""

import subprocess
import sys

import pytest

from tests.adapter.hosting.mcp.test_eras import WithSessions
from tests.support.servers.scripted_mcp import Answers, Reply, Request, ScriptedMCP, as_json, as_stream, result, tool

PROGRAM = "tests.adapter.hosting.mcp.use_in_greenlets"


def use(server: ScriptedMCP, what: str) -> list[str]:
    command = [sys.executable, "-m", PROGRAM, server.url, what]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.splitlines()


def stateless(request: Request) -> Reply:
    if request.rpc == "tools/list":
        return as_json(result(request, resultType="complete", tools=[tool("roll")]))
    text = str(request.message["params"]["arguments"]["n"])
    return as_json(result(request, resultType="complete", content=[{"type": "text", "text": text}]))


def that_hangs(answers: Answers) -> Answers:
    return lambda request: as_stream(b": wait\n\n", whole=False) if request.rpc == "tools/call" else answers(request)


def test_fifty_calls_at_once(server: ScriptedMCP) -> None:
    server.answers = stateless
    texts, _, more_kb = use(server, "many")
    assert texts == " ".join(map(str, range(50)))
    assert int(more_kb) <= 5 * 1024, "the most memory that it had meanwhile"


@pytest.mark.parametrize("answers", [stateless, WithSessions()], ids=["stateless", "sessions"])
def test_a_killed_call_is_cancelled(answers: Answers, server: ScriptedMCP) -> None:
    server.answers = that_hangs(answers)
    (seconds,) = use(server, "kill")
    assert float(seconds) < 0.1
    assert server.left.acquire(timeout=2), "the connection is closed"
    if isinstance(answers, WithSessions):
        (call,) = [request for request in server.requests if request.rpc == "tools/call"]
        (cancel,) = [request for request in server.requests if request.rpc == "notifications/cancelled"]
        assert cancel.message["params"]["requestId"] == call.message["id"]
        assert server.calls[-1] == "DELETE", "the session is ended"

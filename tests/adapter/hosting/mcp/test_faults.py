"""What a broken or hostile server can make of a call: the error of the item, and nothing that hangs or repeats."""

import json
import socket
from typing import Any

import pytest
from msgspec import to_builtins

from adapter.hosting.mcp.errors import MCPError, redact_error
from adapter.hosting.mcp.results import MAX_RESULT_BYTES
from adapter.hosting.policy import ToolPolicy
from adapter.settings.secret_values import Secret
from adapter.settings.tools.servers import MCPServerSettings
from adapter.telemetry.traces.context import TraceContext
from adapter.telemetry.traces.spans import Trace, follow_trace
from adapter.upstream.redaction import Redactor
from tests.adapter.hosting.mcp.conftest import Connect
from tests.support.servers.scripted_mcp import (
    Answers,
    Reply,
    Request,
    ScriptedMCP,
    as_json,
    as_stream,
    error,
    raw,
    result,
    tool,
)
from translators.responses.hosted.errors import ToolExecutionError

PAGE = b"<html>secret page of a proxy</html>"


def answers(call: Answers) -> Answers:
    """Return a stateless server that answers calls so."""

    def answer(request: Request) -> Reply:
        if request.rpc == "tools/list":
            return as_json(result(request, resultType="complete", tools=[tool("f")]))
        return call(request)

    return answer


def half(request: Request) -> Reply:
    """Return an answer whose connection breaks within its body."""
    reply = as_json(result(request, resultType="complete", content=[]))
    return Reply(200, {**reply.headers, "Content-Length": "9999"}, (*reply.body, b""))


FAULTS: dict[str, tuple[Answers, str, int, str]] = {
    "JSON-RPC error": (lambda r: as_json(error(r, -32050, "no dice")), "mcp_protocol_error", -32050, "no dice"),
    "JSON-RPC error with a status": (
        lambda r: as_json(error(r, -32602, "bad n"), 400), "mcp_protocol_error", -32602, "bad n"
    ),
    "JSON-RPC error without an id": (
        lambda r: as_json({**error(r, -32700, "broken"), "id": None}), "mcp_protocol_error", -32700, "broken"
    ),
    "a web page with a status": (lambda r: raw(PAGE, 502), "http_error", 502, "HTTP 502 from the tool server"),
    "an OAuth error": (
        lambda r: as_json({"error": "invalid_token"}, 401), "http_error", 401, "HTTP 401 from the tool server"
    ),
    "a redirect": (
        lambda r: raw(status=307, Location="http://169.254.169.254/"), "http_error", 307,
        "HTTP 307 from the tool server",
    ),
    "a web page": (
        lambda r: raw(PAGE), "mcp_protocol_error", -32603,
        "The tool server's answer is neither JSON nor an event stream",
    ),
    "no JSON": (
        lambda r: raw(b"{", type="application/json"), "mcp_protocol_error", -32603,
        "The tool server's answer is not JSON-RPC",
    ),
    "no JSON-RPC": (lambda r: as_json([1]), "mcp_protocol_error", -32603, "The tool server's answer is not JSON-RPC"),
    "deep JSON": (
        lambda r: raw(b"[" * 10000, type="application/json"), "mcp_protocol_error", -32603,
        "The tool server's answer is not JSON-RPC",
    ),
    "millions of values": (
        lambda r: raw(b"[" + b"{}," * 250_000, type="application/json"), "mcp_protocol_error", -32603,
        "The tool server's answer is larger than the limit",
    ),
    "another id": (
        lambda r: as_json({**result(r), "id": 999}), "mcp_protocol_error", -32603,
        "The tool server answered another request",
    ),
    "another id in a stream": (
        lambda r: as_stream({**result(r), "id": str(r.message["id"])}, result(r)), "mcp_protocol_error", -32603,
        "The tool server answered another request",
    ),
    "a stream without an answer": (
        lambda r: as_stream({"jsonrpc": "2.0", "method": "notifications/message"}), "mcp_protocol_error", -32603,
        "The tool server's answer ended without a result",
    ),
    "a stream that is cut": (
        lambda r: as_stream(b'data: {"jsonrpc"'), "mcp_protocol_error", -32603,
        "The tool server's answer is not JSON-RPC",
    ),
    "a body that is cut": (
        half, "mcp_protocol_error", -32603, "The connection broke before the tool server's answer was complete"
    ),
    "an endless line": (
        lambda r: as_stream(b"data: " + b"x" * (MAX_RESULT_BYTES + 1), whole=False), "mcp_protocol_error", -32603,
        "The tool server's answer is larger than the limit",
    ),
    "an answer elsewhere": (
        lambda r: raw(status=202), "mcp_protocol_error", -32603,
        "The tool server did not answer the request itself; answers on another stream are not supported",
    ),
    "compressed without being asked": (
        lambda r: as_json(result(r), Content_Encoding="gzip"), "mcp_protocol_error", -32603,
        "The tool server's answer is compressed, which was not requested",
    ),
    "a request of its own": (
        lambda r: as_stream({"jsonrpc": "2.0", "id": 7, "method": "sampling/createMessage"}), "mcp_protocol_error",
        -32601, "The tool needs input that cannot be given here",
    ),
    "a need for input": (
        lambda r: as_json(result(r, resultType="input_required", inputRequests={})), "mcp_protocol_error", -32601,
        "The tool needs input that cannot be given here",
    ),
    "content that is none": (
        lambda r: as_json(result(r, resultType="complete", content="text")), "mcp_protocol_error", -32603,
        "The tool's result has no valid content",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_a_call(fault: tuple[Answers, str, int, str], server: ScriptedMCP, connect: Connect) -> None:
    call, type, code, message = fault
    client = connect()
    server.answers = answers(call)
    client.list_tools()
    found = client.call("f", {})
    assert to_builtins(found.error) == {"type": type, "code": code, "message": message}
    assert found.text == message
    assert server.calls.count("tools/call") == 1, "nothing is sent twice"


def test_a_tool_that_reports_an_error(server: ScriptedMCP, connect: Connect) -> None:
    content = [{"type": "text", "text": "no such file"}]
    server.answers = answers(lambda r: as_json(result(r, resultType="complete", isError=True, content=content)))
    found = connect().call("f", {})
    assert to_builtins(found.error) == {"type": "mcp_tool_execution_error", "content": content}
    assert found.text == "Error: no such file"


def test_a_server_that_repeats_what_it_was_sent(server: ScriptedMCP, connect: Connect) -> None:
    headers = {"X-Key": Secret("Basic hunter2-of-a-header")}
    client = connect(f"{server.url}?key=hunter2-of-the-url", authorization=Secret("hunter2-token"), headers=headers)

    def repeat(request: Request) -> str:
        return f"{request.headers['Authorization']} {request.headers['X-Key']} {request.path}"

    def content(request: Request, **members: Any) -> Reply:
        parts = [{"type": "text", "text": repeat(request)}]
        return as_json(result(request, resultType="complete", content=parts, **members))

    server.answers = answers(content)
    assert client.call("f", {}).text == "Bearer *** Basic *** /mcp?key=***"
    server.answers = answers(lambda request: content(request, isError=True))
    assert "hunter2" not in repr(client.call("f", {}))
    server.answers = lambda request: as_json(error(request, -32602, repeat(request)))
    assert "hunter2" not in repr(client.call("f", {}))
    with pytest.raises(MCPError) as caught:
        client.list_tools()
    assert "hunter2" not in caught.value.message
    assert "hunter2" not in repr(caught.value.error)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ({"id": 12345678, "text": "of 12345678", "12345678": None}, {"id": 12345678, "text": "of ***", "***": None}),
        (json.loads("[" * 700 + "]" * 700), None),
    ],
    ids=["a number", "too deep"],
)
def test_an_error_of_which_texts_are_searched_one_by_one(content: Any, shown: Any) -> None:
    redacted = redact_error(ToolExecutionError([content]), Redactor(["12345678"]))
    assert redacted == ToolExecutionError([] if shown is None else [shown])


def test_arguments_that_are_too_large_are_not_sent(server: ScriptedMCP, connect: Connect) -> None:
    found = connect().call("f", {"text": "x" * 262144})
    assert found.text == "The arguments have more than 262144 bytes"
    assert server.requests == []


def test_a_server_that_is_silent(server: ScriptedMCP, connect: Connect) -> None:
    client = connect(timeout=0.2)
    server.answers = answers(lambda r: as_stream(b": wait\n\n", whole=False))
    client.list_tools()
    found = client.call("f", {})
    assert to_builtins(found.error) == {
        "type": "http_error", "code": 504, "message": "The tool took longer than 0.2 s",
    }  # fmt: skip
    assert server.left.acquire(timeout=2), "the connection is closed, which cancels the call"


def test_a_server_that_is_down(connect: Connect) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/mcp?key=hunter2"
    client = connect(url)
    found = client.call("f", {})
    assert to_builtins(found.error) == {
        "type": "http_error", "code": 502, "message": "The tool server could not be reached",
    }  # fmt: skip
    with pytest.raises(MCPError, match="could not be reached"):
        client.list_tools()


def test_a_host_that_does_not_exist(policy: ToolPolicy) -> None:
    client = policy.connect(MCPServerSettings(label="x", url="https://nowhere.invalid/mcp"))
    assert client.call("f", {}).text == "The tool server could not be reached"


def test_a_tool_that_the_operator_does_not_allow_is_not_called(server: ScriptedMCP, connect: Connect) -> None:
    client = connect(allowed_tools=frozenset({"g"}))
    server.answers = answers(lambda r: raw(status=500))
    assert client.list_tools() == ()
    assert to_builtins(client.call("f", {}).error) == {
        "type": "mcp_protocol_error", "code": -32602, "message": "Unknown tool: f",
    }  # fmt: skip
    assert server.calls == ["tools/list"]


def test_a_trace_goes_along(server: ScriptedMCP, connect: Connect) -> None:
    server.answers = answers(lambda r: as_json(result(r, resultType="complete", content=[])))
    client = connect()
    client.list_tools()
    trace = Trace(TraceContext("a" * 32, "b" * 16, 1), "b" * 16, is_passed_on=True, deliver=None)
    follow_trace(trace)
    try:
        client.call("f", {})
    finally:
        follow_trace(None)
    sent = [request.headers["traceparent"] for request in server.requests]
    assert sent[0] is None
    assert sent[-1].startswith(f"00-{'a' * 32}-")

"""Which revision a server speaks is found out once, and each is spoken as its specification says."""

import pytest

from adapter.hosting.mcp.errors import MCPError
from tests.adapter.hosting.mcp.conftest import Connect
from tests.support.servers.scripted_mcp import (
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

MODERN, LEGACY = "2026-07-28", "2025-11-25"


def is_modern(request: Request) -> bool:
    return request.headers.get("MCP-Protocol-Version") == MODERN


def stateless(request: Request) -> Reply:
    assert request.headers["Mcp-Method"] == request.rpc
    assert request.message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] == MODERN
    meta = {"io.modelcontextprotocol/serverInfo": {"name": "dice", "version": "3"}}
    if request.rpc == "tools/list":
        return as_json(result(request, resultType="complete", tools=[tool("roll")], ttlMs=0, _meta=meta))
    content = [{"type": "text", "text": f"rolled {request.headers['Mcp-Name']}"}]
    return as_json(result(request, resultType="complete", content=content))


class WithSessions:
    """A server of 2025, which gives a session; `lost` says what it answers to a session that it has forgotten."""

    def __init__(self, lost: Reply | None = None) -> None:
        self.sessions: list[str] = []
        self.lost = lost or raw(status=404)

    def __call__(self, request: Request) -> Reply:
        session = request.headers.get("Mcp-Session-Id")
        if request.rpc == "initialize":
            assert request.message["params"]["protocolVersion"] == LEGACY
            self.sessions.append(f"s{len(self.sessions)}")
            answer = result(request, protocolVersion="2025-06-18", serverInfo={"name": "old"}, capabilities={})
            return as_stream(b"id: 1\ndata: \n\n", answer, Mcp_Session_Id=self.sessions[-1])
        if session is None:
            return as_json(error(request, -32000, "Bad Request: Server not initialized"), 400)
        assert request.headers["MCP-Protocol-Version"] == "2025-06-18"
        if not self.sessions or session != self.sessions[-1]:
            return self.lost
        if "id" not in request.message:
            return raw(status=202)
        if request.rpc == "tools/list":
            return as_stream(result(request, tools=[tool("roll")]))
        return as_stream(
            {"jsonrpc": "2.0", "method": "notifications/progress", "params": {}},
            {"jsonrpc": "2.0", "id": 1, "method": "ping"},
            {"jsonrpc": "2.0", "id": "e", "method": "elicitation/create", "params": {}},
            result(request, content=[{"type": "text", "text": "4"}]),
        )


def test_a_stateless_server_gets_one_request_for_a_list_and_one_for_a_call(
    server: ScriptedMCP, connect: Connect
) -> None:
    server.answers = stateless
    client = connect()
    assert [one.name for one in client.list_tools()] == ["roll"]
    assert client.call("roll", {}).text == "rolled roll"
    assert server.calls == ["tools/list", "tools/call"]
    assert (client.revision, client.identity) == (MODERN, "dice 3")


def test_a_server_with_sessions_is_initialized(server: ScriptedMCP, connect: Connect) -> None:
    server.answers = WithSessions()
    client = connect()
    assert [one.name for one in client.list_tools()] == ["roll"]
    assert server.calls == ["tools/list", "initialize", "notifications/initialized", "tools/list"]
    assert client.call("roll", {}).text == "4"
    pong, refusal = (request.message for request in server.requests if request.rpc == "POST")
    assert pong == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert (refusal["id"], refusal["error"]["code"]) == ("e", -32601)
    assert (client.revision, client.identity) == ("2025-06-18", "old")


def test_the_era_of_a_server_is_found_out_once(server: ScriptedMCP, connect: Connect) -> None:
    server.answers = WithSessions()
    connect().list_tools()
    assert connect().call("roll", {}).text == "4"
    assert server.calls[4:7] == ["initialize", "notifications/initialized", "tools/call"]


def test_a_server_that_changed_its_era_is_found_out_again(server: ScriptedMCP, connect: Connect) -> None:
    server.answers = WithSessions()
    connect().list_tools()
    server.answers = lambda request: stateless(request) if is_modern(request) else raw(status=404)
    assert [one.name for one in connect().list_tools()] == ["roll"]


def test_a_list_without_result_type_is_no_proof_of_the_new_era(server: ScriptedMCP, connect: Connect) -> None:
    old = WithSessions()
    server.answers = lambda request: as_json(result(request, tools=[])) if is_modern(request) else old(request)
    assert [one.name for one in connect().list_tools()] == ["roll"]


@pytest.mark.parametrize("lost", [raw(status=404), raw(status=400)], ids=["404", "400"])
def test_a_lost_session_is_begun_again_once(lost: Reply, server: ScriptedMCP, connect: Connect) -> None:
    server.answers = old = WithSessions(lost)
    client = connect()
    client.list_tools()
    old.sessions.append("lost")
    assert client.call("roll", {}).text == "4"
    assert server.calls.count("tools/call") == 2

    def forgetful(request: Request) -> Reply:
        old.sessions.append("lost") if request.rpc == "tools/call" else None
        return old(request)

    server.answers = forgetful
    assert client.call("roll", {}).error is not None
    assert server.calls.count("tools/call") == 4, "it is tried twice, not for ever"


@pytest.mark.parametrize("status", [401, 403, 500, 503, 302])
def test_a_status_of_any_era_is_final(status: int, server: ScriptedMCP, connect: Connect) -> None:
    server.answers = lambda request: raw(status=status, Location="http://169.254.169.254/")
    with pytest.raises(MCPError, match=f"HTTP {status} from the tool server"):
        connect().list_tools()
    assert server.calls == ["tools/list"]


def test_a_revision_that_is_refused_and_supported_is_tried_once_more(server: ScriptedMCP, connect: Connect) -> None:
    def refuse(request: Request) -> Reply:
        supported = {"supported": [MODERN], "requested": MODERN}
        return as_json(error(request, -32022, "Unsupported protocol version", data=supported), 400)

    server.answers = lambda request: stateless(request) if len(server.requests) > 1 else refuse(request)
    assert [one.name for one in connect().list_tools()] == ["roll"]
    server.answers = refuse
    assert connect().call("roll", {}).error is not None
    assert server.calls == ["tools/list"] * 2 + ["tools/call"] * 2


def test_a_missing_capability_is_final(server: ScriptedMCP, connect: Connect) -> None:
    server.answers = lambda request: as_json(error(request, -32021, "needs sampling"), 400)
    with pytest.raises(MCPError, match="needs sampling"):
        connect().list_tools()
    assert server.calls == ["tools/list"]


def test_http_alone_never_opens_a_stream(server: ScriptedMCP, connect: Connect) -> None:
    server.answers = lambda request: raw(status=404)
    with pytest.raises(MCPError):
        connect(server.url.replace("/mcp", "/sse"), transport="http").list_tools()
    assert "GET" not in server.calls


def test_mirrored_parameters_are_learned_from_the_list(server: ScriptedMCP, connect: Connect) -> None:
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}

    def strict(request: Request) -> Reply:
        if request.rpc == "tools/list":
            return as_json(result(request, resultType="complete", tools=[tool("run", inputSchema=schema)]))
        if request.headers.get("Mcp-Param-Region") != "=?base64?SsO8bGljaA==?=":
            return as_json(error(request, -32020, "header mismatch"), 400)
        return as_json(result(request, resultType="complete", content=[]))

    server.answers = lambda r: as_json(result(r, resultType="complete", tools=[tool("run")]))
    client = connect()
    client.list_tools()
    server.answers = strict
    assert client.call("run", {"region": "Jülich"}).error is None
    assert server.calls[1:] == ["tools/call", "tools/list", "tools/call"]

"""Connections to tool servers are kept between responses: for whom, for how long, and what ends them."""

import json
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from adapter.event_loop.heartbeat import Heartbeat
from adapter.hosting.mcp.connections import IdleConnections, ServerKey
from adapter.hosting.mcp.server import MCPServer
from adapter.hosting.policy import MCPDeclaration, ToolPolicy
from adapter.settings.secret_values import Secret
from adapter.settings.settings import Settings
from adapter.settings.tools.servers import MCPServerSettings
from adapter.settings.tools.settings import ToolSettings

TOOLS = {"resultType": "complete", "tools": [{"name": "f", "inputSchema": {"type": "object"}}], "ttlMs": 60000}
TEXT = {"resultType": "complete", "content": [{"type": "text", "text": "done"}]}
LENGTH = re.compile(rb"(?i)content-length: (\d+)")
Connect = Callable[..., MCPServer]
Deed = Callable[[socket.socket], None]


class Server:
    """A stateless MCP server, and which of its connections had which call.

    `before` and `after`: what it does before and after its answer to a call, each done once.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.calls: list[tuple[int, str]] = []
        """The number of the connection, and the JSON-RPC method."""
        self.before: Deed | None = None
        self.after: Deed | None = None
        self.answer = as_json
        self.done = threading.Event()
        """`before` or `after` is done."""
        self.ended = threading.Semaphore(0)
        """Released for each connection that the client has closed."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._listener = context.wrap_socket(self._listener, server_side=True)
        self.url = f"http{'' if certificate is None else 's'}://127.0.0.1:{self.port}/mcp"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                connection = self._listener.accept()[0]
            except ssl.SSLError:
                continue
            except OSError:
                return
            else:
                threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()
                number += 1

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, connection.makefile("rb") as requests, suppress(OSError, ValueError):
            while line := requests.readline():
                head = line
                while line.strip():
                    line = requests.readline()
                    head += line
                found = LENGTH.search(head)
                message = json.loads(requests.read(int(found[1]) if found else 0))
                self.calls.append((number, message["method"]))
                self._do("before", connection)
                result = TOOLS if message["method"] == "tools/list" else TEXT
                self.answer(connection, {"jsonrpc": "2.0", "id": message["id"], "result": result})
                self._do("after", connection)
            self.ended.release()

    def _do(self, when: str, connection: socket.socket) -> None:
        deed = getattr(self, when)
        if deed is not None and self.calls[-1][1] == "tools/call":
            setattr(self, when, None)
            deed(connection)
            self.done.set()

    def close(self) -> None:
        self._listener.close()


def as_json(connection: socket.socket, message: Any) -> None:
    body = json.dumps(message).encode()
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
    connection.sendall(body)


def end(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def half_close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    raise ConnectionResetError


def send_more(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")


@pytest.fixture
def mcp() -> Iterator[Server]:
    with closing(Server()) as server:
        yield server


@contextmanager
def response(policy: ToolPolicy, server: Server, tenant: str = "a", **declared: Any) -> Iterator[MCPServer]:
    """Return the server as one response uses it."""
    client = policy.resolve(MCPDeclaration("x", **declared), tenant, "tools[0]")
    client.list_tools()
    yield client
    client.close()


@pytest.fixture
def policy(mcp: Server) -> Iterator[ToolPolicy]:
    with closing(ToolPolicy(ToolSettings(mcp={"x": MCPServerSettings(label="x", url=mcp.url)}))) as policy:
        yield policy


def call(policy: ToolPolicy, server: Server, **declared: Any) -> str:
    with response(policy, server, **declared) as client:
        return client.call("f", {}).text


def calls_by_connection(server: Server) -> list[int]:
    return [number for number, method in server.calls if method == "tools/call"]


def test_the_next_response_uses_the_same_connection(mcp: Server, policy: ToolPolicy) -> None:
    for _ in range(3):
        assert call(policy, mcp) == "done"
    assert mcp.calls == [(0, "tools/list"), *[(0, "tools/call")] * 3]


@pytest.mark.parametrize("deed", [end, half_close, send_more])
def test_a_connection_on_which_something_waits_is_not_used_again(
    deed: Deed, mcp: Server, policy: ToolPolicy
) -> None:
    mcp.after = deed
    assert call(policy, mcp) == "done"
    assert mcp.done.wait(5)
    assert call(policy, mcp) == "done"
    assert calls_by_connection(mcp) == [0, 1]


def test_a_call_that_cannot_be_written_goes_out_on_a_new_connection(mcp: Server, policy: ToolPolicy) -> None:
    assert call(policy, mcp) == "done"
    ((_, _, connection),) = policy._idle._idle
    connection._send = raise_broken
    assert call(policy, mcp) == "done"
    assert calls_by_connection(mcp) == [0, 1]


def raise_broken(data: bytes) -> int:
    raise BrokenPipeError


@pytest.mark.parametrize("deed", [end, reset])
def test_a_call_that_a_kept_connection_may_have_delivered_is_not_repeated(
    deed: Deed, mcp: Server, policy: ToolPolicy
) -> None:
    assert call(policy, mcp) == "done"
    mcp.before = deed
    assert call(policy, mcp) == "The tool server could not be reached"
    assert calls_by_connection(mcp) == [0, 0]


def test_a_list_is_fetched_again_if_a_kept_connection_ends(mcp: Server, policy: ToolPolicy) -> None:
    with response(policy, mcp) as client:
        policy._memory._lists.clear()
        mcp._do = lambda when, connection: end(connection) if mcp.calls[-1] == (0, "tools/list") else None
        client.list_tools()
    assert mcp.calls == [(0, "tools/list"), (0, "tools/list"), (1, "tools/list")]


def test_no_connection_is_shared_between_tenants_or_credentials(mcp: Server) -> None:
    settings = ToolSettings(
        mcp={"x": MCPServerSettings(label="x", url=mcp.url)}, mcp_url_hosts=(f"127.0.0.1:{mcp.port}",)
    )
    with closing(ToolPolicy(settings)) as policy:
        for _ in range(2):
            for declared in ({}, {"tenant": "b"}, {"authorization": "one"}, {"headers": {"X-User": "two"}}):
                assert call(policy, mcp, **declared) == "done"
        with closing(policy.resolve(MCPDeclaration("of-caller", mcp.url), "a", "tools[0]")) as client:
            client.list_tools()
    used = calls_by_connection(mcp)
    assert used[:4] == used[4:] == [0, 1, 2, 3]
    assert mcp.calls[-1] == (4, "tools/list"), "nor between a label and the same URL"


def test_another_secret_of_the_operator_gets_another_connection(mcp: Server, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("first-key")
    settings = MCPServerSettings(label="x", url=mcp.url, authorization=Secret("first-key", f"file:{file}"))
    with closing(ToolPolicy(ToolSettings(mcp={"x": settings}))) as policy:
        assert call(policy, mcp) == call(policy, mcp) == "done"
        file.write_text("second-key")
        os.utime(file, (1, 1))
        assert call(policy, mcp) == "done"
    assert calls_by_connection(mcp) == [0, 0, 1]


def cut(connection: socket.socket, message: Any) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
    connection.shutdown(socket.SHUT_WR)


def page(connection: socket.socket, message: Any) -> None:
    connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\npage")


def asked_to_close(connection: socket.socket, message: Any) -> None:
    body = json.dumps(message).encode()
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (len(body), body)
    )


@pytest.mark.parametrize("answer", [cut, page, asked_to_close])
def test_a_connection_is_not_kept_after_such_an_answer(
    answer: Callable[[socket.socket, Any], None], mcp: Server, policy: ToolPolicy
) -> None:
    with response(policy, mcp) as client:
        mcp.answer = answer
        client.call("f", {})
        mcp.answer = as_json
        assert client.call("f", {}).text == "done"
    assert calls_by_connection(mcp) == [0, 1]


def test_the_end_of_a_stream_is_awaited_beside(mcp: Server, policy: ToolPolicy) -> None:
    """The result has come, and the last chunk comes later."""
    ends = threading.Event()

    def stream(connection: socket.socket, message: Any) -> None:
        event = b"data: %b\n\n" % json.dumps(message).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(b"%b%x\r\n%b\r\n" % (head, len(event), event))
        ends.wait(5)
        connection.sendall(b"0\r\n\r\n")

    with response(policy, mcp) as client:
        mcp.answer, mcp.after = stream, lambda connection: None
        assert client.call("f", {}).text == "done"
        ends.set()
        with gevent.Timeout(5):
            while not policy._idle._idle:
                gevent.sleep(0.001)
        assert client.call("f", {}).text == "done"
    assert calls_by_connection(mcp) == [0, 0]


def test_a_killed_call_closes_its_connection(mcp: Server, policy: ToolPolicy) -> None:
    with response(policy, mcp) as client:
        mcp.answer = lambda connection, message: None
        waiting = gevent.spawn(client.call, "f", {})
        with gevent.Timeout(5):
            while len(mcp.calls) < 2:
                gevent.sleep(0.001)
        waiting.kill()
    assert mcp.ended.acquire(timeout=5)
    assert not policy._idle._idle


def test_a_worker_that_stops_closes_its_connections(mcp: Server) -> None:
    from adapter.services import Services

    tools = ToolSettings(mcp={"x": MCPServerSettings(label="x", url=mcp.url)})
    services = Services(Settings(upstream_url="http://127.0.0.1:1/v1", store="memory:", tools=tools))
    assert call(services.tools(), mcp) == "done"
    services.close(lambda: None)
    assert mcp.ended.acquire(timeout=5)


def test_tls_is_verified_once_for_each_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("NOT TESTED: tool servers over TLS, because openssl is not installed")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", tmp_path / "key", "-out", tmp_path / "cert"],
        check=True, capture_output=True,
    )  # fmt: skip
    both = tmp_path / "both"
    both.write_bytes((tmp_path / "key").read_bytes() + (tmp_path / "cert").read_bytes())
    with closing(Server(both)) as server:
        settings = ToolSettings(mcp={"x": MCPServerSettings(label="x", url=server.url)})
        with closing(ToolPolicy(settings)) as policy, pytest.raises(Exception, match="could not be reached"):
            call(policy, server)  # no known authority has signed the certificate
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(both))
        with closing(ToolPolicy(settings)) as policy:
            assert call(policy, server) == call(policy, server) == "done"
        first, *others = calls_by_connection(server)
        assert others == [first]


# --- the idle connections of a worker ----------------------------------------------------------------------------


class Idle:
    """A connection that does nothing."""

    def __init__(self) -> None:
        self.closed = False
        self.idle_check = SimpleNamespace(poll=lambda milliseconds: [])

    def close(self) -> None:
        self.closed = True


A, B = ServerKey("a", "url", b"", True), ServerKey("b", "url", b"", True)


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def idle(now: list[float]) -> IdleConnections:
    return IdleConnections(Heartbeat(), lambda: now[0])


def test_the_one_used_last_is_used_first(idle: IdleConnections) -> None:
    first, second, other = Idle(), Idle(), Idle()
    for key, one in ((A, first), (A, second), (B, other)):
        idle.add(key, one)
    assert [idle.take(A), idle.take(A), idle.take(A)] == [second, first, None]
    assert idle.take(B) is other


def test_one_that_has_been_idle_for_long_is_closed(idle: IdleConnections, now: list[float]) -> None:
    old, young = Idle(), Idle()
    idle.add(A, old)
    now[0] += 3
    idle.add(B, young)
    now[0] += 1
    idle.tick()
    assert (old.closed, young.closed) == (True, False)
    now[0] += 3
    assert idle.take(B) is None
    assert young.closed, "nor is it used before the heartbeat has closed it"


def test_their_number_is_bounded(idle: IdleConnections) -> None:
    many = [Idle() for _ in range(66)]
    for one in many:
        idle.add(A, one)
    assert [one.closed for one in many] == [True] * 2 + [False] * 64


def test_none_is_kept_after_the_end(idle: IdleConnections) -> None:
    before, after = Idle(), Idle()
    idle.add(A, before)
    idle.close()
    idle.add(A, after)
    assert before.closed
    assert after.closed

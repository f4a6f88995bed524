"""WebSockets: what HTTP has not, and that the rest is the same."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from socket import socketpair
from typing import Any

import pytest
from openai import OpenAI
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close

from adapter import create_app
from adapter.api.websocket import connection
from adapter.server.client_sockets import ClientSocket
from adapter.settings.settings import Settings
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Gate, ReceivedRequest, Script, Upstream, stream, whole
from tests.support.websocket import Socket

HANDSHAKE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip

UNKNOWN_ITEM = {"type": "ghost_snapshot", "ghost_commit": {"id": "4d1c"}}


@pytest.fixture
def socket(service: Service) -> Iterator[Socket]:
    with Socket(service) as socket:
        yield socket


def hello() -> Script:
    return stream(chat.text("Hel", "lo"), chat.end())


def contents(received: ReceivedRequest) -> list[Any]:
    return [message["content"] for message in received.messages]


def without_ids(value: Any) -> Any:
    """Return events without what differs from one response to the next."""
    if isinstance(value, dict):
        ours = {"id", "item_id", "created_at", "completed_at", "obfuscation"}
        return {name: without_ids(inner) for name, inner in value.items() if name not in ours}
    return [without_ids(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("script", "members"),
    [
        (hello, {}),
        (lambda: stream(chat.call(0, "call_1", "f", '{"a":', "1}"), chat.end("tool_calls")),
         {"tools": [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]}),
        (lambda: stream(chat.text("Cut"), chat.end("length")), {"max_output_tokens": 16}),
        (lambda: stream(chat.text("Broken")), {}),
    ],
    ids=["text", "call", "incomplete", "failed"],
)  # fmt: skip
def test_the_events_are_those_of_http(
    service: Service, socket: Socket, upstream: Upstream, script: Any, members: dict[str, Any]
) -> None:
    upstream.plays(script(), script())
    over_http = service.stream("Hi", stream_options={"include_obfuscation": False}, **members)
    socket.send("Hi", **members)
    assert without_ids(socket.events()) == without_ids(over_http)
    assert upstream.received(2).body == upstream.received(1).body


def test_what_is_stored_is_there_for_everybody(service: Service, socket: Socket, upstream: Upstream) -> None:
    upstream.plays(hello(), hello())
    response = socket.turn("One")
    assert service.get(f"/v1/responses/{response['id']}").response == response
    with Socket(service) as other:
        other.turn("Two", previous_response_id=response["id"])
    assert contents(upstream.received(2)) == ["One", "Hello", "Two"]


def test_what_is_not_stored_stays_on_its_connection(service: Service, socket: Socket, upstream: Upstream) -> None:
    upstream.plays(hello())
    response = socket.turn("One", store=False)
    assert service.get(f"/v1/responses/{response['id']}").status == 404
    error = service.post({"model": "m", "input": "Two", "previous_response_id": response["id"]}).error
    assert error["code"] == "previous_response_not_found"
    assert socket.refused("Two", previous_response_id=response["id"])["param"] == "store"


@pytest.mark.parametrize("store", [True, False])
def test_an_unknown_item_alone_continues_a_response(socket: Socket, upstream: Upstream, store: bool) -> None:
    upstream.plays(hello(), hello(), hello())
    first = socket.turn("One", store=store)
    second = socket.turn([UNKNOWN_ITEM], store=store, previous_response_id=first["id"])
    socket.turn("Two", store=store, previous_response_id=second["id"])
    assert contents(upstream.received(3)) == ["One", "Hello\n\nHello", "Two"]


def test_forks_of_what_is_not_stored(socket: Socket, upstream: Upstream) -> None:
    upstream.plays(hello(), hello(), hello())
    first = socket.turn("One", store=False)
    for text in ("Two", "Three"):
        socket.turn(text, store=False, previous_response_id=first["id"])
    assert contents(upstream.received(3)) == ["One", "Hello", "Three"]


@pytest.mark.parametrize("members", [{"generate": False}, {"prompt_cache_options": {"prewarm": True}}])
@pytest.mark.parametrize("store", [True, False])
def test_a_first_message_that_only_prepares(
    socket: Socket, upstream: Upstream, members: dict[str, Any], store: bool
) -> None:
    upstream.plays(hello())
    prepared = socket.turn("One", instructions="Be brief.", store=store, **members)
    assert (prepared["status"], prepared["output"], prepared["usage"]["total_tokens"]) == ("completed", [], 0)
    socket.turn("Two", store=store, previous_response_id=prepared["id"])
    assert contents(upstream.received(1)) == ["One", "Two"]


def test_streams_go_side_by_side_and_each_in_its_order(socket: Socket, upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays(stream(chat.text("Slow"), gate, chat.end()), hello())
    socket.send("A1", stream_id="a")
    assert upstream.received(1)
    socket.send("A2", stream_id="a")
    socket.send("B1", stream_id="b")
    upstream.otherwise = lambda received: hello()
    seen = []
    while (event := socket.receive())["type"] != "response.completed":
        seen.append(event["stream_id"])
    assert event["stream_id"] == "b"
    assert set(seen) == {"a", "b"}
    gate.set()
    ends = []
    while len(ends) < 2:
        if (event := socket.receive())["type"] == "response.completed":
            ends.append((event["stream_id"], event["response"]["output"][0]["content"][0]["text"]))
    assert ends == [("a", "Slow"), ("a", "Hello")]


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("{", None, "invalid_request_error"),
        ("[]", None, "invalid_type"),
        ('{"model": "m"}', "type", "missing_required_parameter"),
        ('{"type": "response.cancel"}', "type", "invalid_value"),
        ('{"type": 1}', "type", "invalid_value"),
        ('{"type": "response.create", "type": "response.create"}', "type", "invalid_value"),
        ('{"type": "response.create", "input": "Hi"}', "model", "missing_required_parameter"),
        ('{"type": "response.create", "model": "m", "input": "Hi", "stream_id": ""}', "stream_id", "invalid_stream_id"),
        ('{"type": "response.create", "model": "m", "input": "Hi", "stream_id": "a b"}', "stream_id",
         "invalid_stream_id"),
        ('{"type": "response.create", "model": "m", "input": "Hi", "generate": 1}', "generate", "invalid_type"),
        ('{"type": "response.create", "model": "m", "input": "Hi", "background": true}', "background",
         "unsupported_parameter"),
        ('{"type": "response.create", "model": "m", "input": "Hi", "messages": []}', None,
         "unsupported_parameter"),
        ('{"type": "response.create", "model": "m", "input": "Hi", "temperature": 3}', "temperature",
         "decimal_above_max_value"),
        (b"\x00\x01", None, "invalid_request_error"),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_the_connection_in_use(
    socket: Socket, upstream: Upstream, message: str | bytes, param: str | None, code: str
) -> None:
    socket.connection.send(message)
    error = socket.error()
    assert (error["param"], error["code"]) == (param, code), error
    upstream.plays(hello())
    assert socket.turn()["status"] == "completed"


def test_steering_is_refused_as_such(socket: Socket) -> None:
    socket.connection.send(json.dumps({"type": "response.steer", "previous_response_id": "resp_1", "input": "Stop"}))
    told = socket.receive()
    assert (told["type"], told["error"]["code"]) == ("response.steer.failed", "steering_not_supported")
    assert told["steer"] == {"previous_response_id": "resp_1", "input": "Stop"}


def test_one_connection_has_so_many_streams(socket: Socket) -> None:
    for number in range(32):
        assert socket.refused(stream_id=f"stream-{number}", temperature=3)["code"] == "decimal_above_max_value"
    assert socket.refused(stream_id="one-more")["code"] == "websocket_stream_limit_reached"


@pytest.mark.parametrize("status", [400, 429, 500])
def test_what_the_provider_refuses(socket: Socket, upstream: Upstream, status: int) -> None:
    upstream.plays(whole({"error": {"message": "No.", "type": "x"}}, status=status), hello())
    socket.send()
    message = socket.receive()
    assert message["type"] == "error"
    assert ("retry-after" in message["error"].get("headers", {})) == (status == 429)
    assert socket.turn()["status"] == "completed"


def test_too_large_a_message_ends_the_connection(service: Service, upstream: Upstream, tmp_path: Path) -> None:
    with Service(tmp_path, upstream_url=upstream.url, max_body_bytes=2048) as small, Socket(small) as socket:
        socket.send("x" * 4096)
        assert "larger than 2048 bytes" in socket.error()["message"]
        with pytest.raises(ConnectionClosed) as closed:
            socket.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_text_that_is_not_utf_8_closes_the_connection(socket: Socket) -> None:
    socket.connection.send(b'"\xff"', text=True)
    with pytest.raises(ConnectionClosed) as closed:
        socket.receive()
    assert closed.value.rcvd == Close(1007, "Text must be valid UTF-8.")


def test_a_client_that_leaves_takes_its_calls_along(socket: Socket, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("Endless"), Gate(), chat.end()))
    socket.send()
    received = upstream.received()
    socket.connection.close()
    assert received.closed.wait(LIMIT)


def test_a_stop_lets_responses_end_and_says_goodbye(upstream: Upstream, tmp_path: Path) -> None:
    gate = Gate()
    upstream.plays(stream(chat.text("One"), gate, chat.end()))
    with Service(tmp_path, upstream_url=upstream.url, workers=1) as service:
        with Socket(service) as idle, Socket(service) as busy:
            busy.send()
            upstream.received()
            service.process.terminate()
            with pytest.raises(ConnectionClosed) as closed:
                idle.receive()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
            gate.set()
            assert busy.events()[-1]["response"]["status"] == "completed"
            with pytest.raises(ConnectionClosed):
                busy.receive()
        service.stop()


def test_who_has_no_key_gets_no_connection(upstream: Upstream, tmp_path: Path) -> None:
    with Service(tmp_path, upstream_url=upstream.url, api_keys="sk-tenant-one") as service:
        for key in (None, "sk-tenant-other"):
            with pytest.raises(InvalidStatus) as refused:
                Socket(service, key)
            assert refused.value.response.status_code == 401


def test_tenants_do_not_see_each_other(upstream: Upstream, tmp_path: Path) -> None:
    upstream.plays(hello())
    with (
        Service(tmp_path, upstream_url=upstream.url, api_keys="sk-tenant-one,sk-tenant-two") as service,
        Socket(service, "sk-tenant-one") as one,
        Socket(service, "sk-tenant-two") as two,
    ):
        response = one.turn()
        error = two.refused(previous_response_id=response["id"])
        assert error["code"] == "previous_response_not_found"


def test_a_handshake_that_is_none(service: Service) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert service.request("GET", "/v1/responses", headers=upgrade).status == 426
    assert service.get("/v1/responses").status == 426


def test_a_connection_does_not_last_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_CONNECTION_SECONDS", 0.0)
    app = create_app(Settings(store="memory:", workers=1, upstream_url="http://127.0.0.1:9/v1"))
    ours, client = socketpair()
    environ = {"gunicorn.socket": ClientSocket(ours.family, ours.type, ours.proto, fileno=ours.detach())}
    with client:
        with pytest.raises(StopIteration):
            app.test_client().get("/v1/responses", headers=HANDSHAKE, environ_overrides=environ)
        told = client.recv(65536)
    environ["gunicorn.socket"].close()
    assert told.startswith(b"HTTP/1.1 101 ")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in told, "the answer to this key in RFC 6455"
    assert b'"code":"websocket_connection_limit_reached"' in told
    assert told.endswith(b"\x88\x02\x03\xe8"), "closed, normally"


def test_many_idle_connections_harm_nobody(upstream: Upstream, tmp_path: Path) -> None:
    upstream.plays(hello())
    with Service(tmp_path, upstream_url=upstream.url, workers=1) as service:
        (worker,) = service.workers
        before = private_bytes(worker)
        with ExitStack() as connections:
            for _ in range(499):
                idle = connections.enter_context(service.open("GET", "/v1/responses", headers=HANDSHAKE))
                assert idle.status == 101
            socket = connections.enter_context(Socket(service))
            assert (private_bytes(worker) - before) / 500 < 64 * 1024
            assert service.create()["status"] == "completed"
            upstream.plays(hello())
            assert socket.turn()["status"] == "completed"


def private_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def test_the_openai_package_talks_to_it(service: Service, upstream: Upstream) -> None:
    upstream.plays(hello())
    client = OpenAI(base_url=service.url, api_key="sk-test")
    with client.responses.connect() as connection:
        connection.response.create(model="m", input="Hi")
        for event in connection:
            if event.type == "response.completed":
                assert event.response.output_text == "Hello"
                break

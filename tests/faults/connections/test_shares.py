"""One tenant that takes what it can get leaves the others what they need."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic, sleep

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support import chat
from tests.support.client import Answer, Client
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, Script, Upstream, stream
from tests.support.websocket import Socket

KEYS = {name: f"sk-{name}-0123456789" for name in ("greedy", "modest", "third", "hoarder", "fetcher")}
BODY = "x" * 30_000
ANSWER = stream(chat.text("Hello"), chat.end())


@pytest.fixture(scope="module")
def shared(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with room for little: four background responses, two bodies and a half, eight stored items."""
    with Service(
        tmp_path_factory.mktemp("shared"), upstream_url=provider.url, workers=1, api_keys=",".join(KEYS.values()),
        upstream_api_key="sk-provider", max_body_bytes=40_000, max_bodies_bytes=80_000, max_background=4,
        tenant_stored_items=8,
    ) as service:  # fmt: skip
        yield service


@pytest.fixture
def client(shared: Service) -> Callable[[str], Client]:
    return lambda name: Client(shared.host, shared.port, KEYS[name])


def held(*gates: Gate) -> list[Script]:
    return [stream(chat.text("Hel"), gate, chat.end()) for gate in gates]


def refused(answer: Answer, status: int) -> str:
    """Return the message of a refusal, which says when to try again."""
    assert answer.status == status, answer.body
    assert int(answer.headers["Retry-After"]) > 0
    error = answer.error
    assert error["code"] == {429: "rate_limit_exceeded", 503: "server_is_overloaded"}[status]
    return str(error["message"])


def post(client: Client, **members: object) -> Answer:
    return client.post({"model": "m", "input": "Hi", **members})


def eventually(client: Client, **members: object) -> Answer:
    """Return the answer as soon as it is no refusal: a worker frees what has ended a moment after its end."""
    until = monotonic() + 5
    while (answer := post(client, **members)).status in (429, 503) and monotonic() < until:
        sleep(0.01)
    return answer


def test_background_responses(client: Callable[[str], Client], upstream: Upstream) -> None:
    gates = [Gate() for _ in range(4)]
    upstream.plays(*held(*gates))
    ids = [post(client("greedy"), background=True).json["id"] for _ in range(2)]
    message = refused(post(client("greedy"), background=True), 429)
    assert message == (
        "Your requests use all of the background responses in progress that one key may have at a time here (2). "
        "Wait until some have ended, or cancel them."
    )
    for _ in range(2):
        assert post(client("modest"), background=True).status == 200
    refused(post(client("third"), background=True), 503)
    for gate in gates:
        gate.set()
    upstream.plays(ANSWER)
    assert eventually(client("greedy"), background=True).status == 200
    assert all(client("greedy").get(f"/v1/responses/{id}").status == 200 for id in ids)
    upstream.received(5)


def test_bodies_in_memory(client: Callable[[str], Client], upstream: Upstream) -> None:
    gates = [Gate(), Gate()]
    upstream.plays(*held(*gates))
    with ExitStack() as stack:
        for name in ("greedy", "modest"):
            exchange = stack.enter_context(client(name).open_stream(BODY, store=False))
            exchange.read_until(b'"Hel"')
        assert "Wait until some of your requests have been answered" in refused(post(client("greedy"), input=BODY), 429)
        refused(post(client("third"), input=BODY), 503)
        upstream.plays(ANSWER)
        assert post(client("third"), store=False).status == 200  # a small one has room
        for gate in gates:
            gate.set()
    upstream.plays(ANSWER)
    assert eventually(client("greedy"), input=BODY, store=False).status == 200


def test_a_body_is_counted_for_as_long_as_its_background_response_runs(
    client: Callable[[str], Client], upstream: Upstream
) -> None:
    gate = Gate()
    upstream.plays(*held(gate))
    assert post(client("greedy"), input=BODY, background=True).status == 200
    upstream.received()
    refused(post(client("greedy"), input=BODY), 429)
    gate.set()
    upstream.plays(ANSWER)
    assert eventually(client("greedy"), input=BODY, store=False).status == 200


def test_messages_of_a_websocket(shared: Service, client: Callable[[str], Client], upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays(*held(gate))
    with Socket(shared, KEYS["greedy"]) as connected:
        connected.send(BODY, store=False)
        while connected.receive()["type"] != "response.output_text.delta":
            pass
        connected.send(BODY, store=False, stream_id="other")
        while (refusal := connected.receive())["type"] != "error":
            pass
        with pytest.raises(ConnectionClosed) as closed:
            connected.receive()
    assert (refusal["status"], refusal["error"]["code"]) == (429, "rate_limit_exceeded")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
    gate.set()
    upstream.plays(ANSWER)
    assert eventually(client("greedy"), input=BODY, store=False).status == 200


def test_slow_bodies_of_one_tenant(shared: Service, client: Callable[[str], Client], upstream: Upstream) -> None:
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(_announced(shared))
        upstream.plays(ANSWER)
        assert post(client("modest"), input=BODY, store=False).status == 200


def _announced(shared: Service) -> socket.socket:
    """Announce a body of the largest size, and send one byte of it."""
    peer = socket.create_connection((shared.host, shared.port))
    peer.sendall(
        f"POST /v1/responses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEYS['greedy']}\r\n"
        "Content-Type: application/json\r\nContent-Length: 40000\r\n\r\n{".encode()
    )
    return peer


def test_stored_items(client: Callable[[str], Client], upstream: Upstream) -> None:
    upstream.otherwise = lambda _: ANSWER
    made = [post(client("hoarder")) for _ in range(9)]
    assert [answer.status for answer in made] == [200] * 8 + [429]
    assert "Delete responses, conversations or files, or send 'store': false." in refused(made[-1], 429)
    assert made[-1].headers["x-should-retry"] == "false"
    assert post(client("hoarder"), store=False).status == 200
    assert post(client("modest")).status == 200
    conversation = client("hoarder").request("POST", "/v1/conversations", {"items": []})
    assert conversation.status == 429

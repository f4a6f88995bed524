"""One peer that sends without end, or begins and never ends, does not stop a worker for others."""

import base64
import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.support.servers.gunicorn import gunicorn
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream

PROBES = 20
LONGEST = 0.2
"""Seconds that another connection may wait on a quiet machine."""


@pytest.fixture(scope="module")
def alone(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("alone"), upstream_url=provider.url, workers=1) as service:
        yield service


def frame(opcode: int, payload: bytes = b"", final: bool = True) -> bytes:
    """Return a masked frame of a client. Source: RFC 6455 §5.2."""
    first = bytes([opcode | (0x80 if final else 0)])
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
    return first + length + bytes(4) + payload


WARM_UP = json.dumps({"type": "response.create", "model": "m", "input": "x", "generate": False}).encode()
GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = (
    b"POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)
FLOODS = {
    "pipelined gets": (b"", GET),
    "pipelined posts": (b"", POST),
    "pings": (b"ws", frame(9)),
    "pongs": (b"ws", frame(10)),
    "empty continuations": (b"ws" + frame(1, b"x", final=False), frame(0, final=False)),
    "binary messages": (b"ws", frame(2, bytes(65_000))),
    "text messages": (b"ws", frame(1, b"x")),
    "warm-ups": (b"ws", frame(1, WARM_UP)),
}


def connect(service: Service) -> socket.socket:
    return socket.create_connection((service.host, service.port), timeout=5)


def handshake(peer: socket.socket, service: Service) -> None:
    key = base64.b64encode(os.urandom(16)).decode()
    peer.sendall(
        f"GET /v1/responses HTTP/1.1\r\nHost: {service.host}:{service.port}\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    assert b" 101 " in peer.recv(4096).split(b"\r\n")[0]


def flood(peer: socket.socket, data: bytes, over: threading.Event) -> None:
    """Send until it is over, and read what comes."""
    block = data * max(1, 65_536 // len(data))
    peer.setblocking(False)
    at = 0
    while not over.is_set():
        try:
            at = (at + peer.send(block[at:])) % len(block)
        except BlockingIOError:
            sleep(0.001)
        except OSError:
            return
        with suppress(BlockingIOError, OSError):
            while peer.recv(1 << 20):
                pass


def healthz(service: Service) -> float:
    begun = monotonic()
    with closing(connect(service)) as probe:
        probe.sendall(GET)
        assert b" 200 " in probe.recv(4096)
    return monotonic() - begun


def check_others(attack: Callable[[threading.Event], None], probe: Callable[[], float]) -> None:
    """Check that others hardly wait during an attack, which goes on until its event is set.

    The quicker probes tell: the attack shares this process and a busy machine, and a fault slows down all. How busy the
    machine is, some probes without an attack say.
    """
    over, waits = threading.Event(), []
    attacker = threading.Thread(target=attack, args=(over,))
    attacker.start()
    try:
        for _ in range(PROBES):
            sleep(0.02)
            waits.append(probe())
    finally:
        over.set()
        attacker.join()
    typical, usual = sorted(waits)[PROBES // 4], min(probe() for _ in range(5))
    assert typical < LONGEST + 10 * usual, f"{typical:.3f} s, and {usual:.3f} s without an attack"


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_does_not_hold_others_up(alone: Service, name: str) -> None:
    beginning, data = FLOODS[name]
    with closing(connect(alone)) as peer:
        if beginning.startswith(b"ws"):
            handshake(peer, alone)
            peer.sendall(beginning[2:])
        check_others(lambda over: flood(peer, data, over), lambda: healthz(alone))


@pytest.mark.parametrize("name", ["pings", "pongs", "empty continuations"])
def test_a_connection_of_frames_that_bring_nothing_is_closed(alone: Service, name: str) -> None:
    beginning, data = FLOODS[name]
    with closing(connect(alone)) as peer:
        handshake(peer, alone)
        received = b""
        with suppress(ConnectionError):
            peer.sendall(beginning[2:] + data * 1001)
            while part := peer.recv(65_536):
                received += part
    assert struct.pack(">H", 1008) + b"Too many control frames or empty frames." in received


def test_half_heads_do_not_fill_a_worker(tmp_path: Path, provider: Upstream) -> None:
    """If they did, those before the probe would need ten seconds for each 40 of them."""
    with gunicorn(tmp_path, provider, "--worker-connections", "40") as (service, _), ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(closing(connect(service))).sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        assert service.get("/readyz").status == 200


def test_a_half_head_has_ten_seconds(alone: Service) -> None:
    with closing(connect(alone)) as first, closing(connect(alone)) as second, closing(connect(alone)) as third:
        first.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        third.sendall(GET + b"GET /healthz HTTP/1.1\r\nX: ")  # in the same read as a whole request
        while not third.recv(4096).endswith(b'{"status":"ok"}'):
            pass
        second.sendall(GET)
        answer = b""
        while not answer.endswith(b'{"status":"ok"}'):
            answer += second.recv(4096)
        second.sendall(b"GET /healthz")
        begun = monotonic()
        for at in (3.0, 6.0):  # a byte now and then gives no more time
            sleep(begun + at - monotonic())
            second.sendall(b"x")
        for peer in (first, second, third):
            peer.settimeout(12)
            assert peer.recv(4096) == b""
        assert 9 < monotonic() - begun < 13


def test_all_fields_of_a_head_together_are_bounded(alone: Service) -> None:
    with closing(connect(alone)) as peer:
        with suppress(ConnectionError):
            for number in range(90):
                peer.sendall(b"X-%d: %b\r\n" % (number, b"x" * 60_000) if number else b"GET / HTTP/1.1\r\n")
        assert peer.recv(4096).split(b"\r\n")[0].startswith(b"HTTP/1.1 431 ")


def test_large_bodies_do_not_stay_in_memory(alone: Service) -> None:
    def resident() -> int:
        return int(Path(f"/proc/{alone.workers[0]}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    parts = [{"role": "user", "content": "x" * 9_000_000}] * 3
    body = json.dumps({"model": "m", "input": parts, "store": False, "temperature": "hot"}).encode()
    before = resident()
    posting = [threading.Thread(target=alone.post, args=(body,)) for _ in range(5)]
    for thread in posting:
        thread.start()
    for thread in posting:
        thread.join()
    assert alone.get("/healthz").status == 200
    assert resident() - before < len(body)  # that is less than one of them

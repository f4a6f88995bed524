"""TLS served by gunicorn itself: the same turns and deadlines as without it."""

import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic

import pytest

from tests.faults.connections.test_floods import FLOODS, GET, check_others, handshake
from tests.support import chat
from tests.support.servers.gunicorn import await_listener
from tests.support.servers.service import ROOT, Service
from tests.support.servers.upstream import Upstream, stream

ORIGIN = "https://app.example"
CONFIGURATION = """
exec(open("gunicorn.conf.py").read())

def post_fork(server, worker):  # ten seconds would be a long test
    from adapter.server import client_sockets, worker
    client_sockets.HEAD_SECONDS = worker.HEAD_SECONDS = 1.0
"""


@pytest.fixture(scope="module")
def served(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    if shutil.which("openssl") is None:
        pytest.skip("NOT TESTED: TLS of clients, because openssl is not installed")
    directory: Path = tmp_path_factory.mktemp("tls")
    key, certificate = directory / "key.pem", directory / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=test",
         "-keyout", key, "-out", certificate], check=True, capture_output=True,
    )  # fmt: skip
    service = Service(directory, upstream_url=provider.url, workers=1, cors_origins=ORIGIN)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        service.port = free.getsockname()[1]
    (directory / "gunicorn.conf.py").write_text(CONFIGURATION)
    command = [
        "gunicorn", "wsgi:app", "-c", str(directory / "gunicorn.conf.py"), "-b", f"127.0.0.1:{service.port}",
        "--certfile", str(certificate), "--keyfile", str(key),
    ]  # fmt: skip
    with (directory / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=service.environ, stdout=log, stderr=log
        )
    try:
        await_listener(service.port)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert "Traceback" not in service.log, service.log


def connect(service: Service) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection((service.host, service.port), timeout=5))


def healthz(probe: ssl.SSLSocket) -> float:
    """Return the time of a request; a handshake alone takes several turns of both sides."""
    begun = monotonic()
    probe.sendall(GET)
    while not probe.recv(4096).endswith(b'{"status":"ok"}'):
        pass
    return monotonic() - begun


def flood(peer: ssl.SSLSocket, data: bytes, over: threading.Event) -> None:
    """Send blocks, and read what comes, on one thread each: TLS cannot send the same block in other pieces."""

    def read() -> None:
        with suppress(OSError):
            while peer.recv(1 << 16):
                pass

    threading.Thread(target=read, daemon=True).start()
    with suppress(OSError):
        while not over.is_set():
            peer.sendall(data * max(1, 16_000 // len(data)))


@pytest.mark.parametrize("name", ["pipelined gets", "pongs"])
def test_a_flood_does_not_hold_others_up(served: Service, name: str) -> None:
    beginning, data = FLOODS[name]
    with closing(connect(served)) as peer, closing(connect(served)) as probe:
        healthz(probe)
        if beginning.startswith(b"ws"):
            handshake(peer, served)
        check_others(lambda over: flood(peer, data, over), lambda: healthz(probe))


def test_a_page_of_a_named_origin_can_read_a_stream(served: Service, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("Hello"), chat.end()))
    body = b'{"model":"m","input":"Hi","stream":true}'
    with closing(connect(served)) as page:
        page.sendall(
            f"POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: {ORIGIN}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )
        answer = b"".join(iter(lambda: page.recv(65_536), b""))
    head, _, events = answer.partition(b"\r\n\r\n")
    assert f"access-control-allow-origin: {ORIGIN}" in head.decode().lower()
    assert "x-request-id" in head.decode().lower().partition("access-control-expose-headers:")[2].partition("\r\n")[0]
    assert b"event: response.completed" in events


def test_half_handshakes_and_half_heads_are_cut(served: Service) -> None:
    with (
        closing(socket.create_connection((served.host, served.port))) as silent,
        closing(socket.create_connection((served.host, served.port))) as junk,
        closing(connect(served)) as half,
    ):
        begun = monotonic()
        half.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        junk.sendall(b"GET / HTTP/1.1\r\n\r\n")
        for peer in (silent, junk, half):
            peer.settimeout(5)
            with suppress(ConnectionError):
                while peer.recv(4096):
                    pass
        assert 0.9 < monotonic() - begun < 4
    with closing(connect(served)) as probe:
        healthz(probe)



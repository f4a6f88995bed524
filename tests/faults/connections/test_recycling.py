"""A worker that gunicorn replaces after some requests ends its streams as on SIGTERM."""

import signal
import subprocess
import sys
from pathlib import Path
from socket import create_connection, socket
from time import monotonic, sleep

import pytest

from tests.support import chat
from tests.support.servers.service import ROOT, Service
from tests.support.servers.upstream import Gate, Upstream, stream


def test_max_requests_ends_streams(
    tmp_path_factory: pytest.TempPathFactory, upstream: Upstream, provider: Upstream
) -> None:
    directory: Path = tmp_path_factory.mktemp("recycled")
    upstream.plays(stream(chat.text("Hel"), Gate()))
    service = Service(directory, upstream_url=provider.url, workers=1, shutdown_grace=1)
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        service.port = free.getsockname()[1]
    command = ["gunicorn", "wsgi:app", "-b", f"127.0.0.1:{service.port}", "--max-requests", "3"]
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=service.environ)
    try:
        wait_for(service.port)
        with service.open_stream() as exchange:
            exchange.read_until(b'"Hel"')
            begun = monotonic()
            for _ in range(2):
                service.get("/healthz")
            assert b"response.failed" in exchange.rest()
        assert monotonic() - begun < 10
        assert service.get("/healthz").status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait_for(port: int) -> None:
    deadline = monotonic() + 20
    while True:
        try:
            return create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert monotonic() < deadline
            sleep(0.1)

"""A worker that gunicorn replaces, for whatever reason, ends its streams as on SIGTERM."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_connection, socket
from time import monotonic, sleep

from tests.support import chat
from tests.support.servers.service import ROOT, Service
from tests.support.servers.upstream import Gate, Upstream, stream


@contextmanager
def gunicorn(directory: Path, provider: Upstream, *flags: str) -> Iterator[tuple[Service, "subprocess.Popen[bytes]"]]:
    """Run `gunicorn wsgi:app` with one worker that gives its streams a second."""
    service = Service(directory, upstream_url=provider.url, workers=1, shutdown_grace=1)
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        service.port = free.getsockname()[1]
    pidfile = directory / "master.pid"
    program = str(Path(sys.executable).with_name("gunicorn"))  # run by -m, it could not start itself anew
    command = [program, "wsgi:app", "-b", f"127.0.0.1:{service.port}", "--pid", str(pidfile), *flags]
    process = subprocess.Popen(command, cwd=ROOT, env=service.environ)
    try:
        wait_for(service.port)
        yield service, process
    finally:
        for file in (pidfile, directory / "master.pid.2"):
            with suppress(OSError, ValueError):
                os.kill(int(file.read_text()), signal.SIGTERM)
        process.wait(30)


def ends_its_stream(service: Service, upstream: Upstream, do: Iterator[None]) -> None:
    """Check that an open stream ends as failed soon after something is done, and that the service goes on."""
    upstream.plays(stream(chat.text("Hel"), Gate()))
    with service.open_stream() as exchange:
        exchange.read_until(b'"Hel"')
        next(do, None)  # which may wait for a second server to start
        begun = monotonic()
        assert b"response.failed" in exchange.rest()
    assert monotonic() - begun < 10
    upstream.plays(stream(chat.text("Hello"), chat.end()))
    until = monotonic() + 10
    while True:
        with suppress(OSError):
            assert service.create()["status"] == "completed"
            return
        assert monotonic() < until


def test_sighup_and_max_requests(tmp_path: Path, upstream: Upstream, provider: Upstream) -> None:
    with gunicorn(tmp_path, provider, "--max-requests", "4") as (service, process):

        def reload() -> Iterator[None]:
            process.send_signal(signal.SIGHUP)
            yield

        def requests() -> Iterator[None]:
            for _ in range(3):
                service.get("/healthz")
            yield

        ends_its_stream(service, upstream, reload())
        ends_its_stream(service, upstream, requests())


def test_sigusr2_and_the_end_of_the_old_server(tmp_path: Path, upstream: Upstream, provider: Upstream) -> None:
    with gunicorn(tmp_path, provider) as (service, process):

        def replace() -> Iterator[None]:
            process.send_signal(signal.SIGUSR2)
            until = monotonic() + 20
            while not (tmp_path / "master.pid.2").exists():
                assert monotonic() < until
                sleep(0.05)
            sleep(1)  # until the new one listens: nothing shows it from outside
            process.send_signal(signal.SIGTERM)
            yield

        ends_its_stream(service, upstream, replace())
        assert process.wait(20) == 0


def test_an_output_that_is_full_changes_no_exit_code(tmp_path: Path, provider: Upstream) -> None:
    service = Service(tmp_path, upstream_url=provider.url, workers=1)
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        service.port = free.getsockname()[1]
    environ = {**service.environ, "ADAPTER_BIND": f"127.0.0.1:{service.port}"}
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen(
            [sys.executable, "-m", "adapter.cli", "serve"], cwd=tmp_path, env=environ, stdout=full, stderr=full
        )
    wait_for(service.port)
    assert service.get("/v1/nothing").status == 404  # which is logged
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def wait_for(port: int) -> None:
    deadline = monotonic() + 20
    while True:
        try:
            return create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert monotonic() < deadline
            sleep(0.1)

"""A worker that gunicorn replaces, for whatever reason, ends its streams as on SIGTERM."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from socket import socket

from tests.support import chat
from tests.support.servers.gunicorn import LONGEST, NEW_MASTER, await_listener, await_state, gunicorn, has_worker
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, Upstream, stream


def ends_its_stream(service: Service, upstream: Upstream, do: Iterator[None]) -> None:
    """Check that an open stream ends as failed after something is done, and that the service goes on."""
    upstream.plays(stream(chat.text("Hel"), Gate()))  # the provider never ends it
    with service.open_stream() as exchange:
        exchange.read_until(b'"Hel"')
        next(do, None)
        assert b"response.failed" in exchange.rest()
    upstream.plays(stream(chat.text("Hello"), chat.end()))

    def answers() -> bool:
        with suppress(OSError):
            return service.create()["status"] == "completed"
        return False

    await_state(answers)


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
            await_state(lambda: has_worker(tmp_path / NEW_MASTER))
            process.send_signal(signal.SIGTERM)
            yield

        ends_its_stream(service, upstream, replace())
        assert process.wait(LONGEST) == 0


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
    await_listener(service.port)
    assert service.get("/v1/nothing").status == 404  # which is logged
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONGEST) == 0

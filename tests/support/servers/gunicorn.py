"""The adapter under gunicorn, as `gunicorn wsgi:app` with flags of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_connection, socket
from time import monotonic, sleep

from tests.support.servers.service import ROOT, Service, caught_signals
from tests.support.servers.upstream import Upstream

LONGEST = 120.0
"""Seconds after which a test that waits for something has failed, however busy the machine is."""
NEW_MASTER = "master.pid.2"
"""What gunicorn calls the pid file of the server that replaces another (SIGUSR2)."""


@contextmanager
def gunicorn(directory: Path, provider: Upstream, *flags: str) -> Iterator[tuple[Service, "subprocess.Popen[bytes]"]]:
    """Run it with one worker that gives its streams a second."""
    service = Service(directory, upstream_url=provider.url, workers=1, shutdown_grace=1)
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        service.port = free.getsockname()[1]
    pidfile = directory / "master.pid"
    program = str(Path(sys.executable).with_name("gunicorn"))  # run by -m, it could not start itself anew
    command = [program, "wsgi:app", "-b", f"127.0.0.1:{service.port}", "--pid", str(pidfile), *flags]
    process = subprocess.Popen(command, cwd=ROOT, env=service.environ)
    try:
        await_listener(service.port)
        yield service, process
    finally:
        process.terminate()
        for file in (pidfile, directory / NEW_MASTER):
            with suppress(OSError, ValueError):
                os.kill(int(file.read_text()), signal.SIGTERM)
        process.wait(LONGEST)


def await_listener(port: int) -> None:
    """Return when something listens on a port."""

    def listens() -> bool:
        with suppress(OSError):
            create_connection(("127.0.0.1", port)).close()
            return True
        return False

    await_state(listens)


def has_worker(pidfile: Path) -> bool:
    """Return whether the server of a pid file has a worker with signal handlers of its own: it serves now."""
    with suppress(OSError, ValueError):
        master = int(pidfile.read_text())
        workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return any(caught_signals(int(worker)) != caught_signals(master) for worker in workers)
    return False


def await_state(is_reached: Callable[[], bool]) -> None:
    """Return when something is the case."""
    deadline = monotonic() + LONGEST
    while not is_reached():
        assert monotonic() < deadline
        sleep(0.05)

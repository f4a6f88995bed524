"""A Redis server for tests: of Debian's package, in memory only, on a free loopback port, gone when the tests are.

With ADAPTER_TEST_REDIS_URL tests use a server that is there already; its keys `adapter:*` are erased. Without either
they fail under CI and are skipped elsewhere, and say so; `make services` installs the server.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import redis

from tests.support.servers.postgres import absent

PASSWORD = "s3cret-word"
LIMIT = 20.0


class Server:
    """Can be killed and started again; it then has forgotten everything."""

    def __init__(self, directory: str, program: str) -> None:
        self._directory = directory
        self._program = program
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self._port}/0"

    def start(self) -> None:
        options = {"port": self._port, "bind": "127.0.0.1", "dir": self._directory, "save": "", "requirepass": PASSWORD}
        command = [self._program, *(word for name, value in options.items() for word in (f"--{name}", str(value)))]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + LIMIT
        with closing(connect(self.url)) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert time.monotonic() < deadline, "the server did not start"
                    time.sleep(0.01)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


@contextmanager
def server() -> Iterator[Server]:
    """Run a server, or skip the test where none is installed."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        absent("no Redis server is installed; `make services` installs one")
    with tempfile.TemporaryDirectory(prefix="adapter-redis-") as directory:
        running = Server(directory, program)
        try:
            yield running
        finally:
            running.kill()


@contextmanager
def database() -> Iterator[str]:
    """Give the URL of a server: of the one that runs already, or of our own."""
    if url := os.environ.get("ADAPTER_TEST_REDIS_URL"):
        yield url
    else:
        with server() as running:
            yield running.url


def empty(url: str) -> str:
    """Erase what a store has kept there; return the URL."""
    with closing(connect(url)) as client:
        for key in client.scan_iter("adapter:*"):
            client.delete(key)
    return url


def connect(url: str) -> Any:
    """Return a client beside the store's."""
    return redis.Redis.from_url(url)

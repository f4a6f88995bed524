"""The adapter as people run it: `responses-adapter serve`, its gunicorn and workers, a store of its own.

The process gets nothing from the environment of the tests but a PATH, and an empty home. It takes a free
port and says which; it is ready when `/readyz` says so. It is stopped by SIGTERM, and must then end with 0
and must never have printed a traceback.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import ClassVar, Self

from tests.support.client import Client

ROOT = Path(__file__).parents[3]
START, STOP = 30.0, 30.0
"""Seconds that starting and stopping may take."""


class Service(Client):
    """A running service and the client to it; a context manager.

    `settings` are named as in `adapter.settings.settings.Settings` and passed as environment variables; `toml` is the
    text of a configuration file. Unless a test asks for retries there are none, so that it sees each failure at once.
    """

    command: ClassVar = ("-m", "adapter.cli", "serve")
    """What Python runs."""

    def __init__(self, directory: Path, toml: str | None = None, **settings: object) -> None:
        super().__init__("127.0.0.1", 0)
        self.directory = directory
        self._log = directory / "service.log"
        (directory / "home").mkdir(parents=True, exist_ok=True)
        if toml is not None:
            settings["config"] = directory / "adapter.toml"
            (directory / "adapter.toml").write_text(toml)
        self._wanted = int(str(settings.get("workers", 2)))
        given = {"bind": "127.0.0.1:0", "store": f"sqlite:///{directory}/store.db", "retries": 0, **settings}
        self.environ = {
            "PATH": os.environ["PATH"], "HOME": str(directory / "home"), "PYTHONPATH": str(ROOT),
            **{f"ADAPTER_{name.upper()}": str(value) for name, value in given.items()},
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/v1"

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "the service is not running"
        return self._process

    @property
    def workers(self) -> list[int]:
        """Process ids of the workers, oldest first; the demo upstream is none of them."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return sorted(pid for pid in map(int, children.read_text().split()) if not is_demo(pid))

    @property
    def private_directory(self) -> Path:
        """The directory in memory that its processes share: its master has the lock of it open."""
        opened = [Path(os.readlink(file)) for file in Path(f"/proc/{self.process.pid}/fd").iterdir()]
        (lock,) = {path for path in opened if path.name == "lock" and path.parent.name.startswith("responses-adapter-")}
        return lock.parent

    def start(self) -> Self:
        assert self._process is None or self._process.poll() is not None, "the service is running already"
        command = [sys.executable, *self.command]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self.directory, env=self.environ, stdout=log, stderr=log
            )
        deadline = monotonic() + START
        while not self._is_ready():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
                raise AssertionError(f"the service ended with {self.process.returncode}:\n{self.log}")
            if monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the service is not ready after {START} s:\n{self.log}")
        return self

    def _is_ready(self) -> bool:
        told = re.search(r"listens on http://127\.0\.0\.1:(\d+)/v1", self.log)
        if told is None:
            return False
        self.port = int(told[1])
        # A worker that has not set its own signal handlers yet loses a SIGTERM.
        booted = [pid for pid in self.workers if caught_signals(pid) != caught_signals(self.process.pid)]
        return len(booted) == self._wanted and self.get("/readyz").status == 200

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the service and check how it ended."""
        process, self._process = self.process, None
        process.send_signal(how)
        try:
            process.wait(STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the service did not end within {STOP} s of {how.name}:\n{self.log}") from None
        assert "Traceback" not in self.log, self.log
        assert process.returncode == 0, f"the service ended with {process.returncode}:\n{self.log}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.stop()


def caught_signals(pid: int) -> str:
    status = Path(f"/proc/{pid}/status").read_text()
    return re.search(r"^SigCgt:\s*(\w+)$", status, re.M)[1]


def is_demo(pid: int) -> bool:
    """Whether the process is the bundled demo upstream; one that has just ended is not."""
    try:
        return b"adapter.demo" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False

"""A PostgreSQL server for tests: of Debian's package, in a directory of its own, gone when the tests are.

With ADAPTER_TEST_POSTGRES_URL tests use a database that is there already, in schemas of their own. Without server or
database they fail under CI and are skipped elsewhere, and say so; `make services` installs the server.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import psycopg
import pytest

PASSWORD = "s3cret-word"
_schemas = count(1)


class Server:
    """Can be stopped and started again; what was committed stays."""

    def __init__(self, directory: Path, programs: Path) -> None:
        self._directory = directory
        self._programs = programs
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        password = directory / "password"
        password.write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres")
            shutil.chown(password, "postgres")
        self._run("initdb", "-A", "scram-sha-256", "-U", "tester", "-N", "-E", "UTF8", f"--pwfile={password}")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://tester:{PASSWORD}@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        options = f"-p {self._port} -k {self._directory} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "-w", "-o", options, "-l", str(self._directory / "log"), "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop as told: "fast" tells the clients, "immediate" is as if the server had died."""
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let none of its processes move."""
        main = int((self._directory / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        every = [main, *map(int, children)]
        for process in every:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in every:
                os.kill(process, signal.SIGCONT)

    def _run(self, program: str, *options: str) -> None:
        command = [str(self._programs / program), "-D", str(self._directory / "data"), *options]
        if os.geteuid() == 0:  # which none of these programs works for
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


@contextmanager
def server() -> Iterator[Server]:
    """Run a server, or skip the test where none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    initdb = found[-1] if found else shutil.which("initdb")
    if initdb is None:
        absent("no PostgreSQL server is installed; `make services` installs one")
    directory = tempfile.mkdtemp(prefix="adapter-postgres-")  # short enough for a socket, and open to its owner
    try:
        running = Server(Path(directory), Path(initdb).resolve().parent)
        try:
            yield running
        finally:
            running.stop("immediate")
    finally:
        shutil.rmtree(directory)


@contextmanager
def database() -> Iterator[str]:
    """Give the URL of a database: of the one that runs already, or of a server of our own."""
    if url := os.environ.get("ADAPTER_TEST_POSTGRES_URL"):
        yield url
    else:
        with server() as running:
            yield running.url


@contextmanager
def schema(url: str) -> Iterator[str]:
    """Give the URL of an empty schema in a database."""
    name = f"adapter_test_{os.getpid()}_{next(_schemas)}"
    with closing(connect(url)) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    try:
        yield changed(url, options=f"-c search_path={name}")
    finally:
        with closing(connect(url)) as connection:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


def changed(url: str, **parts: Any) -> str:
    """Return a URL with other parts: username, password, hostname, port, database, or a parameter of the query."""
    at = urlsplit(url)
    of = {name: parts.pop(name, getattr(at, name)) for name in ("username", "password", "hostname", "port")}
    database = parts.pop("database", at.path[1:])
    query = urlencode({**dict(parse_qsl(at.query)), **parts}, quote_via=quote)
    return f"{at.scheme}://{of['username']}:{of['password']}@{of['hostname']}:{of['port']}/{database}?{query}"


def connect(url: str) -> psycopg.Connection:
    """Return a connection beside the store's; each of its statements is a transaction."""
    return psycopg.connect(f"postgresql:{url.partition(':')[2]}", autocommit=True)


def absent(what: str) -> None:
    """Fail where tests have to be whole, skip elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)

"""The processes of a run: the scripted upstream, nginx as the floor, the server under test.

Each is started in a process group of its own, listens on a free loopback port, writes to a log in the run's
temporary folder and is ended, with whatever it started itself, when its `with` block ends. Nothing else is
ever signalled: the group's number stays ours because its leader is not reaped before the group is gone.
"""

from __future__ import annotations

import compileall
import http.client
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.bodies import encode, plain_body
from bench.load import CHAT, RESPONSES, Dialect
from bench.measure import read_cpu
from bench.script import LAST_WORD

ROOT = Path(__file__).resolve().parent.parent
START_PATIENCE = 30.0
STOP_PATIENCE = 10.0

NGINX_CONF = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_max_body_size 16m;
    client_body_buffer_size 1m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    upstream scripted {{
        server 127.0.0.1:{upstream_port};
        keepalive 2000;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://scripted;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


class ServerFailed(Exception):
    """A server did not start or does not answer rightly; the text says which, how, and its last words."""


@dataclass(frozen=True)
class Server:
    """A server under load: `pid` is the root of its process tree."""

    name: str
    pid: int
    port: int
    dialect: Dialect
    start_cpu: float = 0.0
    """CPU seconds from its start to its first answer."""


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def upstream(folder: Path) -> Iterator[Server]:
    """Run the scripted upstream."""
    port = free_port()
    command = [sys.executable, "-m", "bench.upstream", "--port", str(port)]
    with running("upstream", command, port, CHAT, folder, {"PYTHONPATH": str(ROOT)}) as server:
        yield server


@contextmanager
def nginx(
    binary: str, upstream_port: int, folder: Path, processors: Collection[int] | None = None
) -> Iterator[Server]:
    """Run nginx as a plain proxy: no buffering, connections kept on both sides."""
    port, place = free_port(), folder / "nginx"
    place.mkdir()
    conf = place / "nginx.conf"
    conf.write_text(NGINX_CONF.format(folder=place, port=port, upstream_port=upstream_port))
    command = [binary, "-p", str(place), "-c", str(conf), "-e", str(place / "error.log")]
    with running("nginx", command, port, CHAT, folder, {}, processors) as server:
        yield server


@contextmanager
def relay(
    binary: str, upstream_port: int, folder: Path, processors: Collection[int] | None = None
) -> Iterator[Server]:
    """Run codex-relay, a server of the same API in Rust, which keeps histories in memory."""
    port, place = free_port(), folder / "relay"
    place.mkdir()
    url = f"http://127.0.0.1:{upstream_port}/v1"
    command = [binary, "--port", str(port), "--upstream", url, "--api-key", "sk-bench"]
    with running("relay", command, port, RESPONSES, place, {}, processors) as server:
        yield server


@contextmanager
def under_test(
    command: str | None,
    upstream_port: int,
    folder: Path,
    settings: Mapping[str, str],
    processors: Collection[int] | None = None,
) -> Iterator[Server]:
    """Run the adapter, or the server a command line with `{port}` and `{upstream}` starts, with its settings.

    No ADAPTER_ variable of the caller reaches it: a benchmark must not write into anybody's store.
    """
    port, url = free_port(), f"http://127.0.0.1:{upstream_port}/v1"
    config = folder / "adapter.toml"
    config.write_text(f'[tools.mcp.bench]\nurl = "http://127.0.0.1:{upstream_port}/mcp"\n')
    environment = {
        "ADAPTER_CONFIG": str(config),
        "ADAPTER_BIND": f"127.0.0.1:{port}",
        "ADAPTER_UPSTREAM_URL": url,
        "ADAPTER_UPSTREAM_API_KEY": "sk-bench-upstream",
        "ADAPTER_WORKERS": "2",
        "ADAPTER_STORE": f"sqlite:///{folder}/bench.db",
        **settings,
    }
    if command is None:
        compile_packages()
        name, words = "adapter", [adapter_script(), "serve"]
    else:
        words = shlex.split(command.replace("{port}", str(port)).replace("{upstream}", url))
        name = "server"
    with running(name, words, port, RESPONSES, folder, environment, processors) as server:
        yield server


def compile_packages() -> None:
    """Write the bytecode of the packages, as pip does when it installs them: else a start may compile each module."""
    for package in ("adapter", "translators"):
        compileall.compile_dir(ROOT / package, quiet=1)


def adapter_script() -> str:
    """Return the path of the installed console script. Raises ServerFailed."""
    places = (Path(sys.executable).parent, ROOT / ".venv" / "bin")
    path = os.pathsep.join([*map(str, places), os.environ.get("PATH", "")])
    found = shutil.which("responses-adapter", path=path)
    if found is None:
        raise ServerFailed("responses-adapter is not installed: run `make install` or `pip install -e .`")
    return found


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    port: int,
    dialect: Dialect,
    folder: Path,
    environment: Mapping[str, str],
    processors: Collection[int] | None = None,
) -> Iterator[Server]:
    """Start a server, hand it out when it answers, end it afterwards. Raises ServerFailed.

    It is kept to `processors`, with all that it starts; None: to those of this process.
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("ADAPTER_")}
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**inherited, **environment},
                start_new_session=True,
            )
        except OSError as error:
            raise ServerFailed(f"{name} cannot be started: {error}") from error
        if processors is not None:
            os.sched_setaffinity(process.pid, processors)  # before it starts anything: what it starts inherits them
        try:
            server = Server(name, process.pid, port, dialect)
            wait_for_answer(server, log)
            yield replace(server, start_cpu=sum(read_cpu(process.pid).seconds.values()))
        finally:
            end(process)


def wait_for_answer(server: Server, log: Path) -> None:
    """Return when the server answers a small request rightly. Raises ServerFailed."""
    deadline = time.monotonic() + START_PATIENCE
    reason = "no answer"
    while time.monotonic() < deadline and not exited(server.pid):
        try:
            reason = probe_fault(server)
        except (OSError, http.client.HTTPException) as error:
            reason = str(error)
        if not reason:
            return
        time.sleep(0.1)
    state = "ended" if exited(server.pid) else f"did not answer rightly within {START_PATIENCE:.0f} s"
    words = log.read_text(errors="replace").splitlines()[-15:]
    raise ServerFailed("\n    ".join([f"{server.name} {state}: {reason}", *words]))


def probe_fault(server: Server) -> str:
    """Ask for three words and return what is wrong with the answer, or nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        headers = {"content-type": "application/json", "authorization": "Bearer sk-bench"}
        body = encode(plain_body(server.dialect, "n3", False))
        connection.request("POST", server.dialect.path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    return "" if answer.status == 200 and LAST_WORD in text else f"status {answer.status}: {text[:300]!r}"


def exited(pid: int) -> bool:
    """Return whether a child has ended, without reaping it."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process group politely, then firmly; its leader is reaped last, which keeps the number ours."""
    signal_group(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_PATIENCE
    try:
        while time.monotonic() < deadline and not exited(process.pid):
            time.sleep(0.02)
    finally:  # also when somebody presses Ctrl-C again
        signal_group(process.pid, signal.SIGKILL)
        process.wait()


def signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass

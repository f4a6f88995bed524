"""How the server starts, what it says then, and that nothing of it stays behind. How it stops: tests/faults."""

import contextlib
import errno
import fcntl
import json
import os
import pty
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from adapter import __version__
from adapter.server import server
from adapter.settings.settings import Settings, SettingsError
from adapter.settings.sources import load_settings
from tests.support import chat
from tests.support.client import Client
from tests.support.servers.service import ROOT, Service
from tests.support.servers.upstream import LIMIT, Upstream, whole

SERVE = [sys.executable, "-W", "error", "-m", "adapter.cli", "serve"]
GUNICORN = [sys.executable, "-m", "gunicorn", "wsgi:app", "--chdir", str(ROOT), "-c", str(ROOT / "gunicorn.conf.py")]


def refused(command: list[str], directory: Path, **environ: str) -> str:
    """Return the one line with which a server that cannot start ends."""
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ADAPTER_STORE": f"sqlite:///{directory}/store.db"}
    done = subprocess.run(
        command, cwd=directory, env=bare | environ, capture_output=True, text=True, timeout=LIMIT
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@contextlib.contextmanager
def started(command: list[str], directory: Path, **environ: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Yield a server's process and the line with which it says that it listens; stop it at the end."""
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ADAPTER_BIND": "127.0.0.1:0"}
    process = subprocess.Popen(
        command, cwd=directory, env=bare | environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    with process:
        try:
            yield process, process.stdout.readline()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            process.wait(LIMIT)


def client_of(line: str) -> Client:
    told = re.search(r"listens on http://([\d.]+):(\d+)/v1", line)
    assert told is not None, line
    return Client(told[1], int(told[2]))


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def children_of(process: "subprocess.Popen[str]", client: Client, count: int) -> list[int]:
    """Return the processes that a server has started, as soon as there are so many."""
    deadline = monotonic() + LIMIT
    while len(found := descendants(process.pid)) < count:
        assert client.get("/readyz").status == 200
        assert monotonic() < deadline, f"{len(found)} processes, not {count}"
    return found


def test_it_says_in_one_line_where_it_listens_and_what_is_behind_it(tmp_path: Path, provider: Upstream) -> None:
    with started(SERVE, tmp_path, ADAPTER_UPSTREAM_URL=provider.url, ADAPTER_WORKERS="1") as (process, line):
        port = client_of(line).port
        assert line == (
            f"responses-adapter {__version__} listens on http://127.0.0.1:{port}/v1, upstream {provider.url} "
            "(dialect default), store sqlite:///var/adapter.db, 1 worker\n"
        )
        assert client_of(line).get("/readyz").status == 200
        assert (tmp_path / "var" / "adapter.db").exists()
        process.terminate()
        assert process.wait(LIMIT) == 0
        assert process.stdout is not None
        events = [json.loads(line)["event"] for line in process.stdout.read().splitlines()]
        assert events == ["listening", "stopped"], "an idle server logs nothing else"


@pytest.mark.parametrize("command", [SERVE, GUNICORN], ids=["serve", "gunicorn"])
def test_a_program_that_names_itself_is_recognised(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr(upstream, "models", {"data": [{"id": "m", "owned_by": "llamacpp"}]})
    upstream.plays(whole(chat.completion("Hi.")))
    (tmp_path / "adapter.toml").write_text(f'[upstreams.here]\nurl = "{upstream.url}"\nkey = "k"\n')
    environ = {"ADAPTER_CONFIG": str(tmp_path / "adapter.toml"), "ADAPTER_STORE": f"sqlite:///{tmp_path}/store.db"}
    with started(command, tmp_path, ADAPTER_WORKERS="1", **environ) as (_, line):
        assert "upstream " + upstream.url + " (dialect llama_cpp), " in line
        tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
        client_of(line).create(tools=[tool], parallel_tool_calls=True)
    assert upstream.received().json["parallel_tool_calls"] is True  # the default dialect leaves it out


def test_without_an_upstream_the_demo_answers_and_the_printed_command_works(tmp_path: Path) -> None:
    with started(SERVE, tmp_path) as (process, _):
        assert process.stdout is not None
        assert "the bundled demo upstream was started" in process.stdout.readline()
        program, url, *options = shlex.split(process.stdout.readline())
        assert program == "curl"
        assert options[:3] == ["-H", "Content-Type: application/json", "-d"]
        told = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/v1/responses", url)
        assert told is not None
        client = Client("127.0.0.1", int(told[1]), key=None)
        first = client.post(json.loads(options[3])).response
        assert first["output"][0]["content"][0]["text"] == "You said: Hello"
        second = client.create("Again", model="demo", previous_response_id=first["id"])
        assert "I remember one earlier turn; the first was: Hello" in second["output"][0]["content"][0]["text"]


def test_the_printed_command_names_a_key_where_one_is_needed(tmp_path: Path) -> None:
    with started(SERVE, tmp_path, ADAPTER_API_KEYS="key-number-1") as (process, _):
        assert process.stdout is not None
        process.stdout.readline()
        command = process.stdout.readline()
    assert ' -H "Authorization: Bearer $RESPONSES_KEY" ' in command
    assert "key-number-1" not in command


def test_an_address_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert refused(SERVE, tmp_path, ADAPTER_BIND=address) == (
            f"responses-adapter: ADAPTER_BIND: cannot listen on {address}: Address already in use. "
            "Choose another address with ADAPTER_BIND or --bind.\n"
        )


def test_a_host_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    line = refused([*SERVE, "--bind", "192.0.2.1:80", "--allow-open"], tmp_path)
    assert line.startswith("responses-adapter: --bind: cannot listen on 192.0.2.1:80: ")


def test_a_store_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in (SERVE, GUNICORN):
        settings = {"ADAPTER_BIND": "127.0.0.1:0", "ADAPTER_STORE": f"sqlite:///{tmp_path}/file/adapter.db"}
        line = refused(command, tmp_path, **settings)
        assert line.startswith(f"responses-adapter: ADAPTER_STORE: cannot write {tmp_path}/file/adapter.db: ")


def test_a_store_of_another_user_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one is that root has put back from a backup. A test may run as root, which can write everything."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "adapter.db").touch()
    owner = (tmp_path / "adapter.db").stat().st_uid
    monkeypatch.setattr(server, "open", refuse, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(SettingsError, match=f"denied. It belongs to user {owner}, and this is user {owner + 1}: "):
        server._check_store(Settings(store=f"sqlite:///{tmp_path}/adapter.db"))


def test_an_open_server_is_refused_however_it_is_started(tmp_path: Path) -> None:
    for command in ([*SERVE, "--bind", "0.0.0.0:0"], [*GUNICORN, "-b", "0.0.0.0:0"]):
        assert "other machines can reach 0.0.0.0:0, and no keys are set." in refused(command, tmp_path)


def test_gunicorn_runs_the_same_server(tmp_path: Path, provider: Upstream) -> None:
    store = f"sqlite:///{tmp_path}/store.db"
    with started(GUNICORN, tmp_path, ADAPTER_UPSTREAM_URL=provider.url, ADAPTER_STORE=store) as (process, line):
        assert f"upstream {provider.url} (dialect default), store {store}, 2 workers" in line
        assert children_of(process, client_of(line), 2)
    assert process.returncode == 0


def test_gunicorn_brings_the_demo_too(tmp_path: Path) -> None:
    with started(GUNICORN, tmp_path, ADAPTER_STORE=f"sqlite:///{tmp_path}/store.db") as (_, line):
        answer = client_of(line).create("Hello", model="demo")
        assert answer["output"][0]["content"][0]["text"] == "You said: Hello"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_nothing_stays_behind(how: signal.Signals, tmp_path: Path) -> None:
    with started(SERVE, tmp_path) as (process, line):
        workers_and_demo = children_of(process, client_of(line), 3)
        children = [os.pidfd_open(pid) for pid in workers_and_demo]
        process.send_signal(how)
        assert process.wait(LIMIT) == (-how if how == signal.SIGKILL else 0)
        for child in children:
            ended, _, _ = select.select([child], [], [], LIMIT)
            os.close(child)
            assert ended, "a process outlived the server"


def test_a_worker_hears_a_stop_that_comes_before_it_can_listen() -> None:
    early = """
import os, signal
from adapter.server.worker import Worker

told, tell = os.pipe()
if child := os.fork():
    os.kill(child, signal.SIGTERM)
    os.write(tell, b".")
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
else:
    worker = Worker.__new__(Worker)
    worker.alive, worker.PIPE = True, os.pipe()
    os.set_blocking(worker.PIPE[1], False)
    os.read(told, 1)
    worker.init_signals()
    os._exit(7 if worker.alive is False else 8)
"""
    assert subprocess.check_output([sys.executable, "-c", early], timeout=LIMIT, text=True) == "7\n"


def test_sighup_brings_new_workers(tmp_path: Path, provider: Upstream) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        admin = Client("127.0.0.1", free.getsockname()[1])
    with Service(tmp_path, upstream_url=provider.url, admin_bind=f"127.0.0.1:{admin.port}") as service:
        old = [os.pidfd_open(pid) for pid in service.workers]
        service.process.send_signal(signal.SIGHUP)
        for worker in old:
            ended, _, _ = select.select([worker], [], [], LIMIT)
            os.close(worker)
            assert ended, "an old worker stays"
        assert service.get("/readyz").status == 200
        assert admin.get("/metrics").status == 200


def test_a_server_ends_with_its_terminal(tmp_path: Path) -> None:
    keyboard, terminal = pty.openpty()
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ADAPTER_BIND": "127.0.0.1:0"}
    with subprocess.Popen(
        SERVE, cwd=tmp_path, env=bare, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    ) as process:  # fmt: skip
        os.close(terminal)
        shown = b""
        while b"Ctrl-C stops it" not in shown:
            shown += os.read(keyboard, 4096)
        os.close(keyboard)
        try:
            assert process.wait(LIMIT) == 0
        finally:
            process.kill()


def test_a_connection_that_says_nothing_does_not_hold_the_server(tmp_path: Path, provider: Upstream) -> None:
    with (
        Service(tmp_path, upstream_url=provider.url, shutdown_grace=3600) as service,
        socket.create_connection((service.host, service.port)) as silent,
        socket.create_connection((service.host, service.port)) as half,
    ):
        half.sendall(b"GET /healthz HTT")
        assert service.get("/readyz").status == 200
        service.stop()
        assert (silent.recv(1), half.recv(1)) == (b"", b"")


def test_an_upstream_at_the_address_of_the_server_itself(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environ = {"ADAPTER_BIND": f"127.0.0.1:{port}", "ADAPTER_UPSTREAM_URL": f"http://localhost:{port}/v1"}
    line = refused(SERVE, tmp_path, **environ)
    assert line.startswith(f"responses-adapter: ADAPTER_UPSTREAM_URL: http://localhost:{port}/v1 is the address of ")


def test_a_way_to_the_provider_that_cannot_be_used(tmp_path: Path) -> None:
    environ = {"REQUESTS_CA_BUNDLE": "/nope.pem", "ADAPTER_UPSTREAM_URL": "https://localhost/v1"}
    for command in (SERVE, GUNICORN):
        line = refused(command, tmp_path, **environ, ADAPTER_BIND="127.0.0.1:0")
        assert line == "responses-adapter: REQUESTS_CA_BUNDLE: cannot read /nope.pem: No such file or directory.\n"


@pytest.mark.parametrize("place", ["nowhere/s", "file", "s" * 120])
def test_a_socket_that_cannot_be_made(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = refused(SERVE, tmp_path, ADAPTER_BIND=f"unix:{tmp_path / place}", ADAPTER_UPSTREAM_URL="http://h/v1")
    assert line.startswith(f"responses-adapter: ADAPTER_BIND: cannot listen on {tmp_path / place}: ")


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with started(SERVE, tmp_path, ADAPTER_BIND=f"unix:{path}", ADAPTER_UPSTREAM_URL="http://h/v1") as (_, line):
        assert f" listens on unix:{path}, " in line
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(path))
            peer.sendall(b"GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert peer.recv(100).startswith(b"HTTP/1.1 404 ")


def test_a_provider_that_cannot_be_reached_is_named_at_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    with started(SERVE, tmp_path, ADAPTER_UPSTREAM_URL=url, ADAPTER_WORKERS="1") as (process, _):
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "listening"
        line = json.loads(process.stdout.readline())
        assert line["event"] == "not in order"
        assert f"{url} cannot be reached" in line["trouble"]
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        soft, hard = re.search(r"Max open files +(\d+) +(\d+)", limits).groups()  # type: ignore[union-attr]
        assert int(soft) >= min(8192, int(hard))


def test_a_store_that_cannot_be_reached_is_named_before_the_first_request(
    tmp_path: Path, provider: Upstream
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        store = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"
    environ = {"ADAPTER_STORE": store, "ADAPTER_UPSTREAM_URL": provider.url, "ADAPTER_WORKERS": "1"}
    with started(SERVE, tmp_path, **environ) as (process, _):
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "listening"
        line = json.loads(process.stdout.readline())
        assert line["event"] == "not ready"
        assert "Connection refused" in line["reason"]


def test_every_address_of_the_machine() -> None:
    settings = load_settings({}, {"ADAPTER_BIND": "*:80", "ADAPTER_ALLOW_OPEN": "1"})
    assert settings.bind == "0.0.0.0:80"

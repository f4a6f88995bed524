"""A server that is given its sockets, as by systemd: requests wait for a restart, and no address becomes another.

systemd's protocol: the sockets are descriptors from 3 on, LISTEN_FDS their number, LISTEN_PID the process.
Source: systemd's manual pages, sd_listen_fds(3).
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from adapter.server import server
from tests.adapter.server.test_server import SERVE
from tests.support import chat
from tests.support.client import Client
from tests.support.servers.service import ROOT
from tests.support.servers.upstream import LIMIT, Upstream, whole

GIVE = """
import fcntl, json, os, sys
given, command = json.loads(sys.argv[1]), sys.argv[2:]
for number, copy in enumerate([fcntl.fcntl(one, fcntl.F_DUPFD, 100) for one in given], 3):
    os.dup2(copy, number, inheritable=True)
os.execve(command[0], command, {**os.environ, "LISTEN_FDS": str(len(given)), "LISTEN_PID": str(os.getpid())})
"""
KEY = "sk-given-sockets"


@contextmanager
def sockets(*hosts: str) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_server((host, 0))) for host in hosts]


def start(directory: Path, given: list[socket.socket], **environ: str) -> "subprocess.Popen[str]":
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ADAPTER_STORE": f"sqlite:///{directory}/store.db"}
    numbers = [one.fileno() for one in given]
    return subprocess.Popen(
        [sys.executable, "-c", GIVE, json.dumps(numbers), *SERVE],
        cwd=directory, env=bare | environ, pass_fds=numbers, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def port_of(given: socket.socket) -> int:
    port: int = given.getsockname()[1]
    return port


def stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    process.communicate(timeout=LIMIT)
    assert process.returncode == 0


def test_requests_wait_while_a_server_with_both_sockets_is_restarted(tmp_path: Path, upstream: Upstream) -> None:
    upstream.plays(*[whole(chat.completion("Hello."))] * 2)
    with sockets("127.0.0.1", "127.0.0.1") as given, ThreadPoolExecutor() as pool:
        public, admin = Client("127.0.0.1", port_of(given[0]), KEY), Client("127.0.0.1", port_of(given[1]), None)
        settings = {"ADAPTER_API_KEYS": KEY, "ADAPTER_UPSTREAM_URL": upstream.url}
        settings["ADAPTER_ADMIN_BIND"] = f"127.0.0.1:{admin.port}"
        first = start(tmp_path, given, **settings)
        stored = public.create("Hi")
        stop(first)
        waiting = pool.submit(public.create, "And?", previous_response_id=stored["id"])
        second = start(tmp_path, given, **settings)
        assert waiting.result(LIMIT)["status"] == "completed"
        assert admin.get("/metrics").status == 200
        assert public.get("/metrics").status == 404
        stop(second)


@pytest.mark.parametrize(
    ("hosts", "settings", "message"),
    [
        (["127.0.0.1"], {"ADAPTER_ADMIN_BIND": "127.0.0.1:9464"}, "must be that of the admin address 127.0.0.1:9464"),
        (["127.0.0.1"] * 2, {"ADAPTER_ADMIN_BIND": "127.0.0.1:9464"}, "must be that of the admin address"),
        (["127.0.0.1"], {"ADAPTER_ADMIN_BIND": "127.0.0.1:{0}"}, "after another one for callers"),
        (["127.0.0.1", "0.0.0.0"], {"ADAPTER_ADMIN_BIND": "127.0.0.1:{1}"}, "there is no key for it"),
        (["0.0.0.0"], {}, "no keys are set"),
    ],
)
def test_sockets_that_would_open_what_is_not_open_are_refused(
    tmp_path: Path, hosts: list[str], settings: dict[str, str], message: str
) -> None:
    with sockets(*hosts) as given:
        ports = [port_of(one) for one in given]
        process = start(tmp_path, given, **{name: value.format(*ports) for name, value in settings.items()})
        shown, complaint = process.communicate(timeout=LIMIT)
    assert (process.returncode, shown) == (2, "")
    assert message in complaint
    assert complaint.count("\n") == 1


def test_a_server_that_replaces_another_is_given_its_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sockets("127.0.0.1", "0.0.0.0") as given, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "socket"))
        monkeypatch.setenv("GUNICORN_FD", ",".join(str(one.fileno()) for one in (*given, local)))
        expected = [f"127.0.0.1:{port_of(given[0])}", f"0.0.0.0:{port_of(given[1])}", f"unix:{tmp_path}/socket"]
        assert server._given_addresses() == expected
        assert all(one.fileno() > 0 and one.getsockname() for one in (*given, local)), "they are still open"

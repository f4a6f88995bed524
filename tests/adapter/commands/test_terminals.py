"""Commands at terminals, narrow ones and ones without colours, and where their output goes nowhere."""

import fcntl
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest

from adapter.commands.columns import columns_of
from adapter.commands.terminal import side_by_side
from tests.support import chat
from tests.support.servers.demo import demo

ESCAPE = "\x1b"


@pytest.fixture(scope="module", name="demo")
def demo_url() -> Iterator[str]:
    with demo() as url:
        yield url


def at_terminal(*arguments: str, columns: int = 120, **environ: str) -> str:
    """Return what a command writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd(), "TERM": "xterm"}
    command = subprocess.Popen(
        [sys.executable, "-m", "adapter.cli", *arguments], stdout=theirs, stderr=subprocess.DEVNULL,
        env=bare | environ,
    )  # fmt: skip
    os.close(theirs)
    shown = bytearray()
    try:
        while piece := os.read(ours, 65_536):
            shown += piece
    except OSError:
        pass  # the other end is closed
    os.close(ours)
    command.wait(30)
    return shown.decode().replace("\r\n", "\n")


@pytest.fixture
def recorded(tmp_path: Path) -> str:
    path = tmp_path / "chunks.sse"
    path.write_bytes(chat.text("Hello") + chat.end() + chat.DONE)
    return str(path)


@pytest.fixture
def body(tmp_path: Path) -> str:
    path = tmp_path / "body.json"
    path.write_text('{"model": "m", "input": "Hi"}')
    return str(path)


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_escapes_where_none_are_wanted(demo: str, recorded: str, body: str, plain: dict[str, str]) -> None:
    for command in (("check", "--upstream-url", demo), ("translate", body), ("replay", recorded)):
        assert ESCAPE in at_terminal(*command)
        shown = at_terminal(*command, **plain)
        assert ESCAPE not in shown
        assert "\r" not in shown
        assert len(shown.splitlines()) > 5


def test_a_narrow_terminal_gets_one_text(recorded: str, body: str) -> None:
    assert "│" in at_terminal("replay", recorded)
    assert at_terminal("replay", recorded, columns=60).startswith("event: response.created\n")
    assert "│" in at_terminal("translate", body)
    shown = at_terminal("translate", body, columns=60, NO_COLOR="1")
    assert json.loads(shown)["messages"] == [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize("command", [("config",), ("config", "init", "-"), ("keys", "list"), ("replay",), ("--help",)])
def test_a_reader_that_has_gone_is_no_error(command: tuple[str, ...], recorded: str) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    arguments = (*command, recorded) if command == ("replay",) else command
    done = subprocess.run(
        [sys.executable, "-m", "adapter.cli", *arguments], stdout=theirs, stderr=subprocess.PIPE, text=True, timeout=30,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    os.close(theirs)
    assert done.stderr == ""


def command(*arguments: str, **environ: str) -> dict[str, Any]:
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd()}
    return {"args": [sys.executable, "-m", "adapter.cli", *arguments], "env": bare | environ}


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_stream_is_no_failure(demo: str, recorded: str, body: str, closed: int) -> None:
    for arguments in (("check", "--upstream-url", demo), ("translate", body), ("replay", recorded), ("config",)):
        ended = subprocess.run(**command(*arguments), preexec_fn=partial(os.close, closed), timeout=60)
        assert ended.returncode == 0


def test_a_check_whose_reader_has_gone_has_not_failed(demo: str) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    ended = subprocess.run(
        **command("check", "--upstream-url", demo), stdout=theirs, stderr=subprocess.PIPE, timeout=60
    )
    os.close(theirs)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_an_interrupted_check_has_not_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        check = subprocess.Popen(
            **command("check", "--upstream-url", url), stderr=subprocess.PIPE,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # tests in the background ignore it
        )  # fmt: skip
        with silent.accept()[0]:  # the first probe runs
            check.send_signal(signal.SIGINT)
            _, error = check.communicate(timeout=30)
    assert (check.returncode, error) == (130, b"\n")


def test_a_coding_without_a_character_gets_it_as_an_escape(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('{"model": "m", "input": "Grüße 你"}')
    shown = subprocess.run(
        **command("translate", f"{tmp_path}/body.json", PYTHONIOENCODING="latin-1"), capture_output=True, timeout=30
    )
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert json.loads(shown.stdout.decode("latin-1"))["messages"][0]["content"] == "Grüße 你"


@pytest.mark.parametrize(("text", "columns"), [("Grüße", 5), ("你好", 4), ("🎉", 2), ("e\u0301", 1), ("한국", 4)])
def test_a_text_takes_the_columns_of_a_terminal(text: str, columns: int) -> None:
    assert columns_of(text) == columns


@pytest.mark.parametrize("left", ["你好" * 20, "🎉 Grüße " * 9, "x" * 99, "", "    " + "ab " * 40, "你"])
@pytest.mark.parametrize("width", [20, 41, 100])
def test_two_texts_stay_side_by_side(left: str, width: int) -> None:
    half = (width - 3) // 2
    lines = [click.unstyle(line) for line in side_by_side([left], ["r"], width)]
    assert {columns_of(line.partition("│")[0]) for line in lines} == {half + 1}
    pieces = [line.partition("│")[0] for line in lines]
    assert "".join("".join(pieces).split()) == "".join(left.split())


@pytest.mark.parametrize("model", ["", "\udcff"])
def test_a_model_has_a_name(model: str) -> None:
    refused = subprocess.run(**command("check", "--model", os.fsencode(model)), capture_output=True, timeout=30)  # type: ignore[arg-type]
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert refused.stderr == b"responses-adapter: --model must be the name of a model.\n"

"""Commands at terminals, narrow ones and ones without colours, and where their output goes nowhere."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

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

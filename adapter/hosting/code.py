"""Run code for a model: by a tool of an MCP server, or by a command of the operator that reads it from standard input.

The adapter has no sandbox of its own: the command is one, such as bubblewrap (docs/tools.md). Around it the time,
memory and output are limited, and the environment holds no variable of the adapter's, since these have keys. Each run
is a new process; nothing remains between two of them unless the MCP server keeps it.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import gevent
import gevent.socket
from msgspec import Struct

from adapter.hosting.mcp.server import MCPServer
from adapter.hosting.results import Image, clean, cut
from adapter.settings.tools.backends import CodeSettings
from adapter.telemetry.logs import log
from translators.responses.hosted.errors import ToolExecutionError

_READ_BYTES: Final = 64 * 1024
_MAX_READ_BYTES: Final = 1024 * 1024
"""Of a command's output; then it is ended."""
_MAX_CODE_BYTES: Final = 256 * 1024
_MAX_FILE_BYTES: Final = 64 * 1024 * 1024
_ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/tmp"}
_POLLS: Final = 10
_POLL_SECONDS: Final = 0.01
_NOT_STARTED: Final = 127
"""Exit code of `code_child.py` if there is no such command."""


class CodeResult(Struct, frozen=True):
    """What came of the code. Code that fails has run: its traceback is in the logs."""

    logs: str
    """What the code printed, as the model reads it."""
    images: tuple[Image, ...] = ()
    error: str | None = None
    """Why it could not be run; the item is then `failed`."""


class CodeRunner:
    """Runs the code of one response."""

    def __init__(self, settings: CodeSettings, connect: Callable[[], MCPServer] | None = None) -> None:
        """`connect` returns the MCP server that runs it, unless a command does."""
        self._settings = settings
        self._connect = connect
        self._server: MCPServer | None = None

    def run(self, code: str) -> CodeResult:
        """Run code; never raises for what it does. The greenlet may be killed, which ends the command."""
        if len(code.encode(errors="replace")) > _MAX_CODE_BYTES:
            return _failed(f"the code has more than {_MAX_CODE_BYTES} bytes")
        return self._run_command(code) if self._settings.command else self._call_server(code)

    def close(self) -> None:
        """End the session with the MCP server."""
        if self._server is not None:
            self._server.close()

    def _call_server(self, code: str) -> CodeResult:
        if self._server is None:
            assert self._connect is not None
            self._server = self._connect()
        result = self._server.call(self._settings.tool, {self._settings.argument: code})
        if result.error is not None and not isinstance(result.error, ToolExecutionError):
            return CodeResult(f"Error: {result.text}", error=result.text)
        return CodeResult(result.text, result.images)

    def _run_command(self, code: str) -> CodeResult:
        settings = self._settings
        ours, its = gevent.socket.socketpair()
        with ours:
            with its:
                child = _start(settings, its)
            output: list[bytes] = []
            why = f"after {settings.timeout:g} s"
            try:
                with gevent.Timeout(settings.timeout, False):
                    why = _talk(ours, code, output)
            finally:
                exit_code = _end(child, is_ending=not why)
        text = cut(clean(b"".join(output).decode(errors="replace")))[0]
        if exit_code == _NOT_STARTED and text.startswith(f"{settings.command[0]}: "):
            log.error("code not run", command=settings.command[0], reason=text)
            return _failed("the sandbox could not be started")
        if why or exit_code:
            text += f"\n[ended {why or f'with exit code {exit_code}'}]"
        return CodeResult(text.lstrip("\n"))


def _start(settings: CodeSettings, its: socket.socket) -> "subprocess.Popen[bytes]":
    fd = its.fileno()
    os.set_blocking(fd, True)
    limits = (int(settings.timeout) + 1, settings.memory_bytes, _MAX_FILE_BYTES)
    child = os.path.join(os.path.dirname(__file__), "code_child.py")
    command = [sys.executable, "-I", "-S", child, *map(str, limits), *settings.command]
    return subprocess.Popen(
        command, stdin=fd, stdout=fd, stderr=fd, env=_ENVIRONMENT, cwd="/", start_new_session=True
    )


def _talk(ours: socket.socket, code: str, output: list[bytes]) -> str:
    """Send the code and gather the output; return why it is not read to its end, "" if it is."""
    left = _MAX_READ_BYTES
    try:
        ours.sendall(code.encode(errors="replace"))
        ours.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the command ended without reading all; what it wrote is still there
    try:
        while piece := ours.recv(_READ_BYTES):
            output.append(piece)
            left -= len(piece)
            if left < 0:
                return f"after {_MAX_READ_BYTES} bytes of output"
    except OSError:
        pass  # the command ended early; its exit code says why
    return ""


def _end(child: "subprocess.Popen[bytes]", *, is_ending: bool) -> int:
    """Return the exit code of a command; it is killed with its children, at once unless it is ending by itself."""
    for _ in range(_POLLS if is_ending else 0):
        if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            break
        gevent.sleep(_POLL_SECONDS)
    with suppress(OSError):
        os.killpg(child.pid, signal.SIGKILL)
    return child.wait()


def _failed(why: str) -> CodeResult:
    return CodeResult(f"Error: {why}", error=why)

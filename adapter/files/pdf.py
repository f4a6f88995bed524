"""PDF → text, for providers that take no files.

A separate process (`pdf_child.py`) reads the file; this module starts it, sends it the file and waits in a greenlet,
for a limited time. The process gets only the environment variables that Python
needs to start, since others hold keys.
"""

import os
import socket
import subprocess
import sys
from contextlib import AbstractContextManager
from typing import Final

import gevent
import gevent.socket

from adapter.files.pdf_child import LOCKED, MAX_CHARACTERS, MAX_PAGES, MAX_SECONDS, TEXT, TOO_LONG

_READ_BYTES: Final = 64 * 1024
_ENVIRONMENT: Final = (
    "PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME",
    "PYTHONPATH", "PYTHONUTF8", "SYSTEMROOT",
)  # fmt: skip

_REASONS: Final = {
    LOCKED: "is locked with a password",
    TOO_LONG: f"has more than {MAX_PAGES} pages or {MAX_CHARACTERS} characters of text",
}


class NoText(Exception):
    """A PDF without readable text. The message says why, as the end of a sentence about the file."""


class _TooSlow(BaseException):
    """A PDF was not read in time. Raised where it is read, by a timer, so no handler there may take it."""


def text_of_pdf(data: bytes, seconds: float, slot: AbstractContextManager[None]) -> str:
    """Return the text of a PDF; raise NoText, at the latest after `seconds`.

    Entering `slot` waits until one more process may be started: each may keep a core busy.
    """
    try:
        with gevent.Timeout(min(seconds, MAX_SECONDS), _TooSlow), slot:
            code, output = _read(data)
    except _TooSlow:
        raise NoText("could not be read in time") from None
    if code != TEXT:
        raise NoText(_REASONS.get(code, "could not be read as a PDF"))
    if not output:
        raise NoText("holds no text; it may be scanned")
    return output.decode()


def _read(data: bytes) -> tuple[int, bytes]:
    """Run the process; return its exit code and output."""
    ours, its = gevent.socket.socketpair()
    with ours:
        with its:
            os.set_blocking(its.fileno(), True)
            environ = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
            command = [sys.executable, "-m", "adapter.files.pdf_child"]
            child = subprocess.Popen(command, stdin=its, stdout=its, stderr=subprocess.DEVNULL, env=environ)
        pieces = []
        try:
            ours.sendall(data)
            ours.shutdown(socket.SHUT_WR)
            while piece := ours.recv(_READ_BYTES):
                pieces.append(piece)
        except OSError:
            pass  # the process ended early; its exit code says why
        except BaseException:  # a timeout, or the greenlet is killed
            child.kill()
            raise
        finally:
            code = child.wait()
    return code, b"".join(pieces)

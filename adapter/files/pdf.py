"""PDF → text, for providers that take no files.

The file is read by a program of its own (`pdf_child.py`); this starts it, hands the file over and waits as a greenlet,
for a limited time. A worker reads few files at once; the others wait their turn. Of the environment, which holds keys,
the program is given only what Python needs to start.
"""

import os
import socket
import subprocess
import sys
from typing import Final

import gevent
import gevent.socket
from gevent.lock import BoundedSemaphore

from adapter.files.pdf_child import LOCKED, MOST_CHARACTERS, MOST_PAGES, MOST_SECONDS, TEXT, TOO_LONG

_AT_ONCE: Final = 64 * 1024
_ENVIRONMENT: Final = (
    "PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME",
    "PYTHONPATH", "PYTHONUTF8", "SYSTEMROOT",
)  # fmt: skip
_turns: Final = BoundedSemaphore(2)

_REASONS: Final = {
    LOCKED: "is locked with a password",
    TOO_LONG: f"has more than {MOST_PAGES} pages or {MOST_CHARACTERS} characters of text",
}


class NoText(Exception):
    """A PDF whose text cannot be had. The message says why, for the end of a sentence about the file."""


def text_of_pdf(data: bytes, seconds: float) -> str:
    """Return the text of a PDF; raise NoText, at the latest after so many seconds."""
    with gevent.Timeout(min(seconds, MOST_SECONDS), NoText("could not be read in time")), _turns:
        code, output = _read(data)
    if code != TEXT:
        raise NoText(_REASONS.get(code, "could not be read as a PDF"))
    if not output:
        raise NoText("holds no text; it may be scanned")
    return output.decode()


def _read(data: bytes) -> tuple[int, bytes]:
    """Run the program; return its exit code and output."""
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
            while piece := ours.recv(_AT_ONCE):
                pieces.append(piece)
        except OSError:
            pass  # it ended early; its exit code says more
        except BaseException:  # too late, or the greenlet is killed
            child.kill()
            raise
        finally:
            code = child.wait()
    return code, b"".join(pieces)

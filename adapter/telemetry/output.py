"""Standard output and error that cannot be written: a full disk, a reader that has gone."""

import os
import sys
from contextlib import suppress


def discard_unwritable_output() -> None:
    """Let a process end with its own exit code although its last lines cannot be written: Python would make it 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())

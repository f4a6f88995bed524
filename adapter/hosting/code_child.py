"""Start a command with limits that it cannot lift: processor time, memory, size of files, no core dumps.

`code.py` runs this program, which becomes the command. It imports nothing of the adapter.
"""

import os
import resource
import sys


def main(seconds: int, memory_bytes: int, file_bytes: int, command: list[str]) -> None:
    """Set the limits of this process, which all its children inherit, and become the command."""
    for kind, limit in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(kind, (limit, limit))
        except (OSError, ValueError):
            pass  # macOS cannot limit memory; the parent limits the time too
    os.execvp(command[0], command)


if __name__ == "__main__":
    seconds, memory_bytes, file_bytes = map(int, sys.argv[1:4])
    try:
        main(seconds, memory_bytes, file_bytes, sys.argv[4:])
    except OSError as error:
        print(f"{sys.argv[4]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)

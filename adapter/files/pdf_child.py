"""Read one PDF in a process of its own: the file on standard input, its text on standard output, an exit code.

A hostile file can make a decoder loop or use up all memory. So `pdf.py` starts this program as a process whose memory
and time the system limits: a worker is neither blocked nor ended by it. It imports nothing of the adapter.
"""

import io
import os
import resource
import sys
from typing import Final

TEXT, UNREADABLE, LOCKED, TOO_LONG = 0, 3, 4, 5
"""Exit codes; any other means that the system ended the program."""

MAX_PAGES: Final = 2000
MAX_CHARACTERS: Final = 10 * 1024 * 1024
"""Characters of text; more than any model reads at once."""
MAX_SECONDS: Final = 20
_MAX_MEMORY_BYTES: Final = 1024 * 1024 * 1024


def main() -> int:
    """Read a PDF and write its text; return the exit code."""
    for kind, limit in ((resource.RLIMIT_CPU, MAX_SECONDS), (resource.RLIMIT_AS, _MAX_MEMORY_BYTES)):
        try:
            resource.setrlimit(kind, (limit, limit))
        except (OSError, ValueError):
            pass  # macOS cannot limit memory; the parent limits the time too
    try:
        code, text = read(sys.stdin.buffer.read())
    except Exception:  # pypdf raises many kinds for broken files, and memory may run out
        return UNREADABLE
    sys.stdout.buffer.write(text.encode(errors="replace"))
    sys.stdout.flush()
    return code


def read(data: bytes) -> tuple[int, str]:
    """Return the exit code, and the text of the pages with a blank line between them."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        return LOCKED, ""
    if len(reader.pages) > MAX_PAGES:
        return TOO_LONG, ""
    texts: list[str] = []
    left = MAX_CHARACTERS
    for page in reader.pages:
        texts.append(page.extract_text().replace("\0", "").strip())
        left -= len(texts[-1])
        if left < 0:
            return TOO_LONG, ""
    return TEXT, "\n\n".join(filter(None, texts))


if __name__ == "__main__":
    os._exit(main())  # there is nothing to clean up, and freeing a large file takes time

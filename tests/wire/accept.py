"""Write the expected files of golden cases from what the code does now: `python -m tests.wire.accept [CASE…]`.

CASE is a directory below tests/wire, such as `groq/error_event`; none means all. What changed is for a person to read
(`git diff tests/wire`) and to hold against the reference: a file is right because somebody judged it, not because it
was written here.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.wire.case import ROOT, Case, plain
from translators.wire import decode


def accept(case: Case) -> None:
    """Write the expected files of a case; remove those that it no longer has."""
    body, notes = case.translate()
    expected: dict[str, bytes | None] = {"chat_request.json": _json(decode(body.json))}
    if case.answer is not None:
        played = case.play()
        notes = played.notes
        expected["events.sse"] = played.sse if case.request.stream else None
        expected["response.json"] = _json(played.response)
    expected["notes.json"] = _json(plain(list(notes))) if len(notes) else None
    for name, content in expected.items():
        _write(case.directory / name, content)


def _write(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    elif not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)
        print(path.relative_to(ROOT))


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


if __name__ == "__main__":
    for case in [Case(ROOT / name) for name in sys.argv[1:]] or Case.all():
        accept(case)

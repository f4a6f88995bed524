"""docs/troubleshooting.md: the messages that it explains are the program's own, and it explains every code of an error.

Where a message differs from time to time, the page has `…`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from gunicorn.workers import base

from adapter.sharing.shares import SERVER_FULL, SHARE_USED

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/troubleshooting.md").read_text()
TEXT = re.sub(r"^## Codex\n.*?(?=^## )", "", PAGE, flags=re.M | re.S)  # what Codex says is Codex's own
GUNICORN = Path(str(base.__file__))
"""It logs what is not HTTP."""
SOURCES = [path for package in ("adapter", "translators") for path in sorted(ROOT.glob(f"{package}/**/*.py"))]
DEFAULTS = {"RequestError": (400, None), "UpstreamError": (500, "server_error"), "ProtocolError": (500, None)}
NAMED = {"SERVER_FULL": SERVER_FULL, "SHARE_USED": SHARE_USED}
PLAIN = {
    "array_above_max_length", "file_too_large", "invalid_function_parameters", "invalid_json_schema",
    "invalid_stream_id", "invalid_type", "key_exists", "key_not_found", "keys_not_stored", "missing_required_parameter",
    "mutually_exclusive_parameters", "object_above_max_properties", "property_name_above_max_length",
    "unsupported_file", "websocket_connection_limit_reached", "websocket_stream_limit_reached",
}  # fmt: skip
"""Codes of errors whose message says what is wrong where, and what to do."""


class Error(NamedTuple):
    """An error that is made in the code."""

    text: str
    """Its message, where that is written there; else empty."""
    status: object
    code: object


def nodes(*paths: Path) -> Iterator[ast.AST]:
    for path in paths:
        yield from ast.walk(ast.parse(path.read_text()))


def text_of(node: ast.AST) -> str:
    """Return a text in the code, each value that is put into it as `…`; empty: it is none."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def made() -> Iterator[Error]:
    for node in nodes(*SOURCES):
        if isinstance(node, ast.Call):
            given = {word.arg: word.value for word in node.keywords}
            kind = getattr(node.func, "id", "")
            status, code = DEFAULTS.get(kind, (400, None))
            status = getattr(given.get("status"), "value", status)
            if "code" in given:
                code = getattr(given["code"], "value", NAMED.get(getattr(given["code"], "id", "")))
            yield Error(text_of(node.args[0]) if node.args and kind in DEFAULTS else "", status, code)


def errors() -> Iterator[tuple[int, str]]:
    """Yield the status and code of each error that is made in the code or stands in the table of docs/errors.md."""
    yield from ((one.status, one.code) for one in MADE if isinstance(one.code, str) and isinstance(one.status, int))
    table = (ROOT / "docs/errors.md").read_text()
    for status, code in re.findall(r"^\| [^|]+ \| (\d+) \| \w+ \| (\w+) \|", table, re.M):
        yield int(status), code


MADE = list(made())
MAKEFILE = re.sub(r"\$\(\w+\)", "…", (ROOT / "Makefile").read_text())
STRINGS = {MAKEFILE, *(" ".join(text_of(node).split()) for node in nodes(*SOURCES, GUNICORN))}
ERRORS = set(errors())
CODES = {code for _, code in ERRORS}
FIRST_CELLS = re.findall(r"^\| ([^|]*`[^|]*) \|", TEXT, re.M) + re.findall(r"^- \*\*(.*?)\*\*", TEXT, re.M)
MESSAGES = [one for cell in FIRST_CELLS for one in cell.split("`")[1::2] if " " in one]
PAIRS = [
    (int(status), code)
    for cell in FIRST_CELLS for statuses, code in re.findall(r"(\d{3}(?: or \d{3})?) `([a-z_]+)`", cell)
    for status in statuses.split(" or ")
]  # fmt: skip

TOGETHER = [
    (statuses, message)
    for cell in FIRST_CELLS for group in cell.split("; ")
    for statuses in re.findall(r"\b\d{3}(?: or \d{3})?", group)[:1]
    for message in group.split("`")[1::2] if " " in message
]  # fmt: skip


def test_the_page_is_read() -> None:
    assert len(MESSAGES) > 45
    assert len(PAIRS) > 30
    assert len(TOGETHER) > 20


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message(message: str) -> None:
    shown = message.replace(": Address already in use", ": …").removeprefix("… ").removesuffix(" …")
    assert [text for text in STRINGS if shown in text] != []


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0]} {pair[1]}")
def test_a_status_and_code(pair: tuple[int, str]) -> None:
    assert pair in ERRORS


@pytest.mark.parametrize(("status", "message"), TOGETHER)
def test_the_status_with_which_a_message_comes(status: str, message: str) -> None:
    found = {one.status for one in MADE if message.removesuffix(" …") in one.text}
    assert not found or found & {*map(int, status.split(" or "))}


def test_every_code_is_explained() -> None:
    others = {code for code in CODES if f"`{code}`" in (ROOT / "docs/errors.md").read_text()}
    assert CODES - {code for _, code in PAIRS} - others == PLAIN | {"bad_thing"}


def test_every_event_of_the_log_that_it_names_is_one() -> None:
    events = re.findall(r"log lines? ((?:`[a-z ]+`(?:, | and )?)+)", PAGE)
    named = {event for group in events for event in re.findall(r"`([a-z ]+)`", group)}
    assert len(named) > 4
    logs = (ROOT / "docs/logs.md").read_text()
    assert [event for event in sorted(named) if f"`{event}`" not in logs] == []

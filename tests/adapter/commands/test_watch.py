"""What `watch`, `translate` and `replay` print on a terminal: whole, in place, and nothing that steers the terminal."""

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import requests

from adapter.commands.columns import fold
from adapter.commands.command import CommandError
from adapter.commands.terminal import paint_json, side_by_side
from adapter.commands.watch import Inspector, describe, watch
from adapter.settings.settings import Settings
from adapter.telemetry.visible_text import visible
from tests.support import chat

ROOT = Path(__file__).parents[3]
HEAD: dict[str, Any] = {
    "id": "x_1", "at": 0.0, "status": "completed", "http": 200, "model": "gpt", "key": "team", "contents": "recorded",
    "marks": {"first token": 420.0, "closed": 1310.0}, "usage": {"input_tokens": 812, "output_tokens": 96},
    "attempts": [
        {"upstream": "one", "model": "m1", "reason": "first", "status": 429,
         "error": {"cause": "status", "reason": "", "message": "busy", "provider": {"message": "too fast"}}},
        {"upstream": "two", "model": "m2", "reason": "failover", "status": 200},
    ],
    "notes": [{"param": "service_tier", "action": "dropped", "reason": "there is none"}],
}  # fmt: skip
MESSAGES = [
    {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Earlier"},
    {"role": "assistant", "content": "Yes"}, {"role": "tool", "content": "42"},
    {"role": "user", "content": [{"type": "text", "text": "Now \x1b[31mred"}, {"type": "image_url"}]},
]  # fmt: skip
OUTPUT = [
    {"type": "reasoning", "summary": [{"text": "Hm."}]},
    {"type": "message", "content": [{"type": "output_text", "text": "It is\nred."}]},
    {"type": "function_call", "name": "f", "arguments": "{}"},
]
RECORDED = {
    "chats": [{"attempt": 0, "text": json.dumps({"messages": MESSAGES})}],
    "events": [[1.0, [{"type": "response.completed", "response": {"output": OUTPUT}}]]], "response": None,
}  # fmt: skip


def plain(lines: list[str]) -> str:
    return click.unstyle("\n".join(lines))


def test_an_exchange() -> None:
    shown = plain(describe(HEAD, RECORDED, whole=True)).splitlines()
    assert shown[0].endswith(
        "completed  gpt → two/m2  key team  0.42 s to first token  1.31 s  812 + 96 tokens  2 attempts (failover)"
    )
    assert shown[1:] == [
        "  → tool: 42",
        "    user: Now <U+001B>[31mred [image_url]",
        "  … Hm.",
        "  ← It is",
        "    red.",
        "  ← function_call f({})",
        "  ! dropped service_tier: there is none",
        "  ✗ one: HTTP 429: too fast",
    ]


def test_a_forwarded_answer_is_read() -> None:
    pieces = [chat.text("Hel"), chat.text("lo"), chat.call(0, "c", "f", "{}"), chat.end("tool_calls")]
    recorded = {**RECORDED, "events": [], "chunks": [{"text": piece.decode()} for piece in pieces]}
    shown = plain(describe(HEAD, recorded, whole=True))
    assert "  ← Hello\n" in shown
    assert "  ← function_call f({})\n" in shown


@pytest.mark.parametrize("text", ["", "no answer", '{"data": []}', "data: [DONE]\n\n", '[1]'])
def test_what_is_no_answer_of_a_model_is_left_out(text: str) -> None:
    recorded = {**RECORDED, "events": [], "chunks": [{"text": text}]}
    assert "←" not in plain(describe(HEAD, recorded, whole=True))


class Server(Inspector):
    """An inspector that sends these lines, and is stopped when it is asked for more."""

    def __init__(self, *lines: bytes) -> None:
        self._lines = lines

    def read(self, path: str) -> Any:
        return {"mode": "contents", "recorded": RECORDED}

    def follow(self) -> Iterator[bytes]:
        yield from self._lines
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "broken", [b'{"id": "x_1", "sta', b"\xff", b"5", b"{}", b'{"id": "x_1", "status": "completed"}']
)
def test_a_line_that_cannot_be_read_is_left_out_with_a_word(
    broken: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        watch(Server(broken, json.dumps(HEAD).encode()), whole=True)
    shown = capsys.readouterr()
    assert "  ← It is\n    red.\n" in shown.out
    assert shown.err.count("An exchange cannot be shown: ") == 1


def test_an_exchange_without_contents_says_why() -> None:
    head = {**HEAD, "contents": "not recorded: the inspector records heads only"}
    assert "the inspector records heads only" in plain(describe(head, {}, whole=True))


def test_a_long_text_is_cut_on_a_terminal_only() -> None:
    output = [{"type": "message", "content": [{"text": "line\n" * 100}]}]
    recorded = {**RECORDED, "events": [], "response": json.dumps({"output": output})}
    assert plain(describe(HEAD, recorded, whole=True)).count("line") == 100
    cut = plain(describe(HEAD, recorded, whole=False))
    assert cut.count("line\n") == 11
    assert "89 more lines" in cut


@pytest.mark.parametrize(
    ("line", "width", "pieces"),
    [
        ("", 20, [""]),
        ("short", 20, ["short"]),
        ("one two three", 8, ["one two", "three"]),
        ("a" * 25, 10, ["a" * 10, "a" * 10, "a" * 5]),
        ("a " + "b" * 12, 10, ["a bbbbbbbb", "bbbb"]),
        ("日本語テキスト", 6, ["日本語", "テキス", "ト"]),
        ("日本語", 5, ["日本", "語"]),
        ("e\u0301" * 12, 10, ["e\u0301" * 10, "e\u0301" * 2]),
        ("\U0001f600\U0001f600a", 4, ["\U0001f600\U0001f600", "a"]),
        ("a\tb", 10, ["a       b"]),
        ("one two ", 8, ["one two "]),
    ],
)  # fmt: skip
def test_a_line_is_folded_by_its_columns(line: str, width: int, pieces: list[str]) -> None:
    assert [*fold(line, width)] == pieces


def test_what_the_encoding_of_a_terminal_lacks_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(output, "latin-1"))
    with pytest.raises(KeyboardInterrupt):
        watch(Server(json.dumps(HEAD).encode()), whole=True)
    sys.stdout.flush()
    assert b"  ? It is" in output.getvalue()


def test_what_happens_before_it_follows_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    monkeypatch.setattr(server, "read", lambda path: {"mode": "contents", "rev": 7})
    with pytest.raises(KeyboardInterrupt):
        watch(server, whole=True)
    assert server.last == 7


def test_a_server_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer_502(self: requests.Session, address: str, **_: Any) -> requests.Response:
        answer = requests.Response()
        answer.status_code = 502
        return answer

    monkeypatch.setattr(requests.Session, "get", answer_502)
    inspector = Inspector(Settings(admin_bind="127.0.0.1:9"))
    with pytest.raises(requests.RequestException):
        next(inspector.follow())
    assert inspector.find_contents("x_1") == {}
    with pytest.raises(CommandError, match=r"http://127\.0\.0\.1:9/inspector/api/ answered 502\."):
        watch(inspector, whole=True)


def test_a_lost_connection_is_said_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(Server):
        tries = 0

        def follow(self) -> Iterator[bytes]:
            self.tries += 1
            if self.tries > 3:
                yield from super().follow()
            raise requests.ConnectionError

    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(KeyboardInterrupt):
        watch(Gone(json.dumps(HEAD).encode()), whole=True)
    assert capsys.readouterr().err.count("The connection is lost") == 1


def test_the_name_of_a_model_stays_on_its_line() -> None:
    first = plain(describe({**HEAD, "model": "a\nb\u202e"}, {}, whole=True)).splitlines()[0]
    assert "a b<U+202E> → two/m2" in first


@pytest.mark.parametrize("text", ["\x1b]0;title\x07", "\x9b2J", "a\rb", "\u202eabc", "\x08", "\U000e0041b\u00ad"])
def test_nothing_steers_the_terminal(text: str) -> None:
    assert not set(visible(text)) & set(text) - set("abc0;tile]2J")
    line = next(side_by_side([json.dumps(text, ensure_ascii=False)], [text], 100))
    assert not set(click.unstyle(line)) & set("\x1b\x07\x9b\r\u202e\x08")


def test_two_texts_keep_their_columns() -> None:
    lines = [click.unstyle(line) for line in side_by_side(["{", '  "a": "' + "x" * 150 + '"', "}"], ["[1]"], 103)]
    assert {line.index("│") for line in lines} == {51}
    assert "".join(line[:51].strip() for line in lines) == '{"a": "' + "x" * 150 + '"}'


def test_a_text_that_goes_on_below_keeps_its_colour() -> None:
    text = '"' + "x, 1 : true " * 20 + '"'
    lines = list(side_by_side([f'{{"name": {text}, "end": 1}}'], [], 103))
    left = [line.partition("│")[0] for line in lines]
    assert "".join(click.unstyle(part).strip() for part in left).startswith('{"name": "x, 1')
    assert all(part.count("\x1b[32m") == 1 for part in left[:-1]), left
    assert "\x1b[35m" not in "".join(left[:-1])


def test_colours_change_no_character() -> None:
    line = '  "a": [1, -2.5e3, true, null, "x: \\"1\\""],'
    assert click.unstyle(paint_json(line)) == line


def on_a_terminal(*words: str, columns: int = 120) -> str:
    """Return what a command prints on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen([sys.executable, "-m", "adapter.cli", *words], stdout=theirs, env=environ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if not data:
                break
            shown += data
        assert process.wait(20) == 0
    os.close(ours)
    return click.unstyle(shown.decode())


def test_commands_show_both_sides_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text('{"model": "m", "input": "Hello"}')
    shown = on_a_terminal("translate", str(tmp_path / "request.json"))
    assert all("│" in line for line in shown.splitlines())
    assert '"input": "Hello"' in shown
    assert '"content": "Hello"' in shown
    case = ROOT / "tests/wire/default/done_without_finish_reason/chunks.sse"
    shown = on_a_terminal("replay", str(case))
    assert "data: " in shown
    assert '"status":"in_progress"' in shown
    assert "parallel_tool_calls" not in shown, "a whole response is shortened"
    assert '"type":"response.created"' in shown

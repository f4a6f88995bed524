"""`watch`: what the inspector of a running server records, in the terminal, as it happens.

For each exchange: what the model was newly asked, what it answered, the notes, and how it failed. Without a terminal
the same comes as plain lines, uncut.
"""

import io
import json
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import click
import requests

from adapter.commands.columns import fold
from adapter.commands.command import CommandError
from adapter.commands.offline import replay_pieces
from adapter.settings.settings import Settings
from adapter.telemetry.visible_text import visible, visible_line
from adapter.upstream.http.causes import find_cause
from translators.errors import ProtocolError
from translators.notes import Notes
from translators.wire import encode

_COLOURS: Final = {"completed": "green", "in_progress": "cyan", "incomplete": "yellow", "cancelled": "yellow"}
_TIMEOUT_SECONDS: Final = 30.0
"""The inspector sends something every ten seconds."""
_MAX_LINES: Final = 12
"""Of one text on a terminal."""


class Inspector:
    """The inspector's API at a server's admin address."""

    def __init__(self, settings: Settings) -> None:
        if settings.admin_bind is None:
            raise CommandError("Set --admin-bind or ADAPTER_ADMIN_BIND to the admin address of the server.")
        self._address = settings.admin_bind
        self._root = f"http://{self._address.replace('0.0.0.0', '127.0.0.1')}/inspector/api/"
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy
        self.last: int | None = None
        """The revision of the last change that has come; None: those from now on are followed."""
        if settings.admin_key is not None:
            self._session.headers["Authorization"] = f"Bearer {settings.admin_key}"

    def read(self, path: str) -> Any:
        """Return JSON; raise CommandError if the server refuses, requests.ConnectionError if it cannot be reached."""
        return self._open(path).json()

    def find_contents(self, id: str) -> dict[str, Any]:
        """Return the contents of a recording; {}: it has made room for newer ones, or the server has just ended."""
        try:
            found: dict[str, Any] = self.read(f"recordings/{id}")["recorded"]
        except (CommandError, requests.RequestException):
            return {}
        return found

    def follow(self) -> Iterator[bytes]:
        """Yield the JSON of each recording whenever it changes, until the connection breaks; then go on from there."""
        with self._open("live" if self.last is None else f"live?after={self.last}", stream=True) as answer:
            for line in answer.iter_lines(chunk_size=None):
                if line.startswith(b"id: ") and line[4:].isdigit():
                    self.last = int(line[4:])
                elif line.startswith(b"data: "):
                    yield line[6:]

    def _open(self, path: str, *, stream: bool = False) -> requests.Response:
        answer = self._session.get(self._root + path, stream=stream, timeout=_TIMEOUT_SECONDS)
        if answer.ok:
            return answer
        if answer.status_code >= 500:  # it is being restarted, or is behind a proxy and away
            raise requests.HTTPError(f"{self._root} answered {answer.status_code}.")
        try:
            message = answer.json()["error"]["message"]
        except (ValueError, KeyError, TypeError):
            message = f"{self._root} answered {answer.status_code}."
        if answer.status_code == requests.codes.unauthorized:
            message = f"{message} Set ADAPTER_ADMIN_KEY, or admin_key in the file of --config."
        if message.startswith("Invalid URL"):
            message = f"{message}: is {self._address} the admin address of the server?"
        raise CommandError(message)


def watch(inspector: Inspector, *, whole: bool) -> None:
    """Print exchanges until Ctrl-C; `whole`: texts are not cut. Raise CommandError if the server cannot be watched."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # what a terminal's encoding lacks
    about = _read_first(inspector)
    inspector.last = about.get("rev")
    click.echo(f"Watching, {about['mode']} are recorded. Ctrl-C ends.", err=True)
    begun: set[str] = set()
    is_lost = False
    while True:
        try:
            for data in inspector.follow():
                is_lost = False
                try:
                    lines = _describe_change(data, inspector, begun, whole=whole)
                except (ValueError, LookupError, TypeError, AttributeError) as error:
                    # The server may be of another version.
                    click.echo(f"An exchange cannot be shown: {error.__class__.__name__}: {error}", err=True)
                else:
                    if lines:
                        click.echo("\n".join(lines))
        except requests.RequestException:
            if not is_lost:
                click.echo("The connection is lost; trying again.", err=True)
            is_lost = True
        time.sleep(1)


def _describe_change(data: bytes, inspector: Inspector, begun: set[str], *, whole: bool) -> list[str]:
    """Return the lines about a recording that has changed; `begun`: those in progress that have been shown."""
    one = json.loads(data)
    if one["status"] != "in_progress":
        begun.discard(one["id"])
        return describe(one, inspector.find_contents(one["id"]), whole=whole)
    if one["id"] in begun:
        return []
    begun.add(one["id"])
    return [_headline(one)]


def _read_first(inspector: Inspector) -> Any:
    try:
        return inspector.read("recordings?limit=1")
    except requests.HTTPError as error:
        raise CommandError(str(error)) from None
    except requests.RequestException as error:
        raise CommandError(f"The server cannot be reached: {find_cause(error)[1]}.") from None


def describe(one: dict[str, Any], recorded: dict[str, Any], *, whole: bool) -> list[str]:
    """Return the lines about an exchange that has ended; `recorded`: its contents."""
    lines = [_headline(one)]
    lines += _block("→", "blue", _asked(recorded), whole=whole)
    for mark, colour, text in _answered(recorded):
        lines += _block(mark, colour, text, whole=whole)
    for note in one.get("notes", ()):
        lines += _block("!", "yellow", f"{note['action']} {note['param']}: {note['reason']}", whole=whole)
    for attempt in one.get("attempts", ()):
        if error := attempt.get("error"):
            words = (error["provider"] or {}).get("message") or error["reason"] or error["message"]
            status = f"HTTP {attempt['status']}" if attempt.get("status") else error["cause"]
            lines += _block("✗", "red", f"{attempt['upstream']}: {status}: {words}", whole=whole)
    if error := one.get("error"):
        lines += _block("✗", "red", f"the client got: {error['message']}", whole=whole)
    if not one["contents"].startswith("recorded"):
        lines.append(click.style(f"    contents {one['contents']}", dim=True))
    return [*lines, ""]


def _headline(one: dict[str, Any]) -> str:
    attempts, usage, marks = one.get("attempts") or [], one.get("usage"), one.get("marks", {})
    status = one["status"]
    shown = status.replace("_", " ") + (f" {one['http']}" if one.get("http", 200) not in (0, 200) else "")
    where = f" → {attempts[-1]['upstream']}/{attempts[-1]['model']}" if attempts else ""
    facts = [f"key {one['key']}" if one.get("key") else ""]
    if "first token" in marks:
        facts.append(f"{marks['first token'] / 1000:.2f} s to first token")
    if "closed" in marks:
        facts.append(f"{marks['closed'] / 1000:.2f} s")
    if usage:
        facts.append(f"{usage['input_tokens']} + {usage['output_tokens']} tokens")
    if len(attempts) > 1:
        facts.append(f"{len(attempts)} attempts ({', '.join(attempt['reason'] for attempt in attempts[1:])})")
    clock = time.strftime("%H:%M:%S", time.localtime(one["at"]))
    name = click.style(visible_line(f"{one.get('model') or 'no model'}{where}"), bold=True)
    rest = click.style(visible("  ".join(filter(None, facts))), dim=True)
    return f"{clock}  {click.style(shown, fg=_COLOURS.get(status, 'red'))}  {name}  {rest}"


def _asked(recorded: dict[str, Any]) -> str:
    """Return what the model has not been asked before: the messages after its own last one."""
    if not recorded.get("chats"):
        return ""
    try:
        messages = json.loads(recorded["chats"][0]["text"])["messages"]
    except (ValueError, KeyError, TypeError):
        return str(recorded["chats"][0]["text"])
    own = [at for at, message in enumerate(messages) if message.get("role") == "assistant"]
    rules = ("system", "developer")
    new = messages[own[-1] + 1 :] if own else [one for one in messages if one.get("role") not in rules]
    return "\n".join(f"{message.get('role')}: {_text_of(message.get('content'))}" for message in new)


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(part.get("text") or f"[{part.get('type')}]" for part in parts if isinstance(part, dict))


def _answered(recorded: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield a mark, a colour and a text for each item of the response."""
    responses = [
        event["response"] for _, batch in recorded.get("events", ()) for event in batch if "response" in event
    ]  # fmt: skip
    if recorded.get("response"):
        responses.append(json.loads(recorded["response"]))
    response = responses[-1] if responses else _read_forwarded(recorded.get("chunks", ()))
    for item in response.get("output", ()):
        match item.get("type"):
            case "message":
                text = "\n".join(part.get("text") or part.get("refusal") or "" for part in item["content"])
                yield "←", "green", text
            case "reasoning":
                parts = [*(item.get("summary") or ()), *(item.get("content") or ())]
                yield "…", "bright_black", "\n".join(part.get("text", "") for part in parts)
            case kind:
                arguments = item.get("arguments") or item.get("input") or json.dumps(item.get("action") or {})
                yield "←", "magenta", f"{kind} {item.get('name') or ''}({arguments})"


def _read_forwarded(chunks: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return an answer that was passed on as it came as the response that it would be; {}: it would be none."""
    answer = "".join(chunk["text"] for chunk in chunks)
    try:
        events = [event for _, made in replay_pieces([answer.encode()], Settings(), Notes()) for event in made]
    except ProtocolError:
        return {}
    found: dict[str, Any] = json.loads(encode(events[-1])).get("response", {})
    return found


def _block(mark: str, colour: str, text: str, *, whole: bool) -> list[str]:
    """Return a text with a mark before it, indented; on a terminal not more than some lines of it."""
    lines = visible(text).splitlines()
    if not lines:
        return []
    width = max(20, shutil.get_terminal_size().columns - 4)
    shown = lines
    if not whole:
        shown = [piece for line in lines for piece in fold(line, width)]
        if len(shown) > _MAX_LINES:
            shown = [*shown[: _MAX_LINES - 1], f"… {len(shown) - _MAX_LINES + 1} more lines (--whole)"]
    return [f"  {click.style(mark if at == 0 else ' ', fg=colour, bold=True)} {line}" for at, line in enumerate(shown)]

"""What commands share that show JSON on a terminal: colours, and two texts side by side."""

import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import BinaryIO, Final

import click

from adapter.commands.columns import columns_of, piece_end
from adapter.commands.offline import find_failure, replay_pieces
from adapter.settings.settings import Settings
from adapter.telemetry.visible_text import visible
from translators.notes import Notes
from translators.responses.events import Event
from translators.wire import decode, encode

_TOKEN: Final = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null|-?\d[\d.eE+-]*)')
_BETWEEN: Final = " │ "
_OF_A_RESPONSE: Final = ("id", "status", "error", "incomplete_details", "output", "usage")
MIN_COLUMNS: Final = 100
"""Of a terminal that has room for two texts side by side."""


def is_wide() -> bool:
    """Return whether standard output is a terminal with room for two texts side by side."""
    return sys.stdout.isatty() and shutil.get_terminal_size().columns >= MIN_COLUMNS


def paint_json(line: str) -> str:
    """Return a line of JSON with colours: names, texts, other values."""
    return _paint(line, 0, len(line))


def _paint(line: str, start: int, end: int) -> str:
    """Return a part of a line of JSON in the colours that it has there."""
    pieces, at = [], start
    for found in _TOKEN.finditer(line):
        for group, colour in ((1, "cyan" if found[2] else "green"), (3, "magenta")):
            first, last = max(at, found.start(group)), min(end, found.end(group))
            if first < last:
                pieces += [line[at:first], click.style(line[first:last], fg=colour)]
                at = last
    return "".join([*pieces, line[at:end]])


def side_by_side(left: Iterable[str], right: Iterable[str], width: int) -> Iterator[str]:
    """Yield the lines of two texts beside each other, in a width of so many columns; long lines go on below."""
    half = (width - len(_BETWEEN)) // 2
    for (size, one), (_, other) in zip_longest(_fold(left, half), _fold(right, half), fillvalue=(0, "")):
        yield f"{one}{' ' * (half - size)}{click.style(_BETWEEN, dim=True)}{other}"


def _fold(lines: Iterable[str], width: int) -> Iterator[tuple[int, str]]:
    """Yield the pieces of lines: how many columns each has, and the piece with colours."""
    for line in lines:
        line = visible(line).expandtabs()
        indent = " " * min(len(line) - len(line.lstrip()) + 2, width // 2)
        before, at, end = "", 0, -1
        while end < len(line):
            end = piece_end(line, at, width - len(before))
            shown = end if end == len(line) else at + len(line[at:end].rstrip())
            yield len(before) + columns_of(line[at:shown]), before + _paint(line, at, shown)
            before, at = indent, end


def show_pair(left: str, right: str) -> None:
    """Print two JSON texts side by side, or only the second if the terminal is narrow."""
    if not is_wide():
        click.echo("\n".join(paint_json(visible(line)) for line in right.splitlines()))
        return
    for line in side_by_side(left.splitlines(), right.splitlines(), shutil.get_terminal_size().columns):
        click.echo(line)


def show_replay(chunks: BinaryIO, settings: Settings, notes: Notes) -> str:
    """Print each line of a recorded answer beside the events that it makes; return why it failed, "" if not."""
    width, failure = shutil.get_terminal_size().columns, ""
    for piece, events in replay_pieces(chunks, settings, notes):
        failure = failure or find_failure(events)
        if piece.strip() or events:
            left, right = piece.decode("utf-8", "replace").splitlines(), [_brief(event) for event in events]
            for line in side_by_side(left, right, width):
                click.echo(line)
    return failure


def _brief(event: Event) -> str:
    """Return an event as JSON; of a whole response only what says how it goes."""
    json = encode(event)
    value = decode(json)
    if isinstance(response := value.get("response"), dict):
        value["response"] = {name: response[name] for name in _OF_A_RESPONSE if response.get(name)}
        json = encode(value)
    return json.decode()

"""Log lines: events with fields, one line each, to standard error.

    log.info("response finished", response_id=id, status="completed", seconds=1.2)

Every line of a request also has the fields of `log_context`, which its greenlet sets.
Never in a field: prompts, outputs, keys, headers, whole bodies. A traceback shows lines of code, not values. Records of
libraries that use `logging` (gunicorn, urllib3) are written in the same form. A line that cannot be written never fails
a request.
"""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO, Final

from adapter.telemetry.console import console_line
from translators.wire import encode

Event = MutableMapping[str, Any]

LOGGED_TENANT_CHARACTERS: Final = 12
"""Of the digest that a tenant is: enough to tell tenants apart."""
LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_NO_IDS: Final[Mapping[str, str]] = {}
log_context: Final[ContextVar[Mapping[str, str]]] = ContextVar("log_context", default=_NO_IDS)
"""The ids of the request for which a greenlet works."""


class Log:
    """What every module writes to. Every request writes a line, so a method makes one call for it."""

    def __init__(self, lowest: int, write: Callable[[str, Event], object]) -> None:
        """`write` takes a level and an event: its name, as "event", and its fields. It may change the event."""
        self.lowest = lowest
        self.write = write

    def info(self, event: str, **fields: Any) -> None:
        if self.lowest <= logging.INFO:
            self.write("info", {"event": event, **log_context.get(), **fields})

    def warning(self, event: str, **fields: Any) -> None:
        if self.lowest <= logging.WARNING:
            self.write("warning", {"event": event, **log_context.get(), **fields})

    def error(self, event: str, **fields: Any) -> None:
        self.write("error", {"event": event, **log_context.get(), **fields})

    def exception(self, event: str, **fields: Any) -> None:
        """Log an error with the traceback of the exception that is being handled."""
        self.error(event, exc_info=sys.exc_info()[1], **fields)


def configure(level: str, format: str, to: BinaryIO | None = None) -> None:
    """Write everything of `level` and above to a file (default: standard error).

    `format`: "json" or "console"; "auto" is "console" on a terminal, "json" elsewhere.
    """
    target = to or sys.stderr.buffer
    is_console = format == "console" or (format == "auto" and target.isatty())
    render = _console(colors=target.isatty() and not os.environ.get("NO_COLOR")) if is_console else _json_line
    log.lowest, log.write = LEVELS[level], _Output(target, render).write
    logging.basicConfig(handlers=[_Forwarder()], level=max(LEVELS[level], logging.WARNING), force=True)


class _Output:
    """Where lines go. A line that cannot be written (a closed pipe, a full disk) is lost, and nothing else is."""

    def __init__(self, file: BinaryIO, render: Callable[[str, Event], bytes]) -> None:
        self._file = file
        self._render = render

    def write(self, level: str, event: Event) -> None:
        if "exc_info" in event:
            event["exception"] = _describe_exception(event.pop("exc_info"))
        line = self._render(level, event)
        try:
            self._file.write(line + b"\n")
            self._file.flush()
        except (OSError, ValueError):
            pass


def _describe_exception(error: BaseException | None) -> str | None:
    return "".join(traceback.format_exception(error)).rstrip("\n") if error is not None else None


def _json_line(level: str, event: Event) -> bytes:
    now = time.time()
    begin = f'{{"time":"{_utc_time(int(now))}.{int(now % 1 * 1000):03}+00:00","level":"{level}",'.encode()
    try:
        return begin + encode(event)[1:]
    except (TypeError, ValueError):
        return begin + json.dumps(event, default=repr, skipkeys=True).encode()[1:]


@lru_cache(maxsize=2)
def _utc_time(second: int) -> str:
    """Return a Unix time in ISO 8601; formatted once a second, since every request writes a line."""
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()


def _console(*, colors: bool) -> Callable[[str, Event], bytes]:
    """Return a renderer for people."""

    def render(level: str, event: Event) -> bytes:
        return console_line(level, event, colors=colors)

    return render


class _Forwarder(logging.Handler):
    """Writes records of `logging` to the adapter's log."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            event: Event = {"event": record.getMessage(), "logger": record.name}
            if record.exc_info:
                event["exc_info"] = record.exc_info[1]
            log.write(record.levelname.lower(), event)
        except Exception:
            self.handleError(record)


def _write_unconfigured(level: str, event: Event) -> None:
    """Write a line for people, in a command or in another server than this one."""
    _Output(sys.stderr.buffer, _console(colors=False)).write(level, event)


log: Final = Log(logging.INFO, _write_unconfigured)

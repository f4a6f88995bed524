"""Log lines: events with fields, one line each, to standard error.

    log = structlog.get_logger()
    log.info("response finished", response_id=id, status="completed", seconds=1.2)

Every line of a request also has the fields of `log_context`, which its greenlet sets.
Never in a field: prompts, outputs, keys, headers, whole bodies. A traceback shows lines of code, not values. Records of
other libraries that use `logging` (gunicorn, urllib3) are written in the same form. A line that cannot be written never
fails a request.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, BinaryIO, Final

import structlog

from adapter.telemetry.console import console_line
from translators.wire import encode

Event = MutableMapping[str, Any]

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

log_context: Final[ContextVar[Mapping[str, str]]] = ContextVar("log_context", default=MappingProxyType({}))
"""The ids of the request for which a greenlet works."""


def configure(level: str, format: str, to: BinaryIO | None = None) -> None:
    """Write everything of `level` and above to a file (default: standard error).

    `format`: "json" or "console"; "auto" is "console" on a terminal, "json" elsewhere.
    """
    target = to or sys.stderr.buffer
    file = _Output(target)
    is_console = format == "console" or (format == "auto" and target.isatty())
    render = _console(colors=target.isatty() and "NO_COLOR" not in os.environ) if is_console else _json_line
    structlog.configure(
        processors=[render],
        wrapper_class=_log_class(LEVELS[level]),
        logger_factory=lambda *_: file,
        cache_logger_on_first_use=True,
    )
    handler = _Forwarder(file, render)
    logging.basicConfig(handlers=[handler], level=max(LEVELS[level], logging.WARNING), force=True)


def _log_class(lowest: int) -> type[structlog.BoundLoggerBase]:
    """Return the class of structlog's loggers: the methods of levels below the lowest do nothing.

    Every request writes a line, so there is nothing between a method and the line that it writes.
    """
    methods = {name: _log_method(name) if level >= lowest else _ignore for name, level in LEVELS.items()}
    return type("Log", (structlog.BoundLoggerBase,), methods | {"exception": _log_method("error", exc_info=True)})


def _log_method(level: str, **implied: Any) -> Callable[..., None]:
    def write(self: structlog.BoundLoggerBase, event: str, **fields: Any) -> None:
        line: Any = {"event": event, **log_context.get(), **implied, **fields}
        try:
            for process in self._processors:
                line = process(self._logger, level, line)
        except structlog.DropEvent:
            return
        self._logger.write(line)

    return write


def _ignore(self: structlog.BoundLoggerBase, event: str, **fields: Any) -> None:
    """Write nothing."""


class _Output:
    """Where lines go. A line that cannot be written (a closed pipe, a full disk) is lost, and nothing else is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, line: bytes) -> None:
        try:
            self._file.write(line + b"\n")
            self._file.flush()
        except (OSError, ValueError):
            pass


def _exception_to_text(logger: Any, level: str, event: Event) -> Event:
    if event.get("exc_info"):
        return structlog.processors.format_exc_info(logger, level, event)
    return event


def _json_line(_: Any, level: str, event: Event) -> bytes:
    if "exc_info" in event:
        event = _exception_to_text(None, level, event)
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, **event}
    try:
        return encode(line)
    except (TypeError, ValueError):
        return json.dumps(line, default=repr, skipkeys=True).encode()


def _console(*, colors: bool) -> Any:
    """Return a renderer for people."""

    def render(_: Any, level: str, event: Event) -> bytes:
        return console_line(level, _exception_to_text(None, level, event), colors=colors)

    return render


class _Forwarder(logging.Handler):
    """Writes records of `logging` in the form of structlog's lines."""

    def __init__(self, file: _Output, render: Any) -> None:
        super().__init__()
        self._file = file
        self._render = render

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = record.levelname.lower()
            event: dict[str, Any] = {"event": record.getMessage(), "logger": record.name}
            if record.exc_info:
                event |= _exception_to_text(None, level, {"exc_info": record.exc_info})
            self._file.write(self._render(None, level, event))
        except Exception:
            self.handleError(record)

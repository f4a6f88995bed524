"""Log lines for people: short, in columns, the most telling field first.

    12:03:04  response              completed   demo             1.2 s  first 0.09 s  367 + 19 tokens
    12:03:09  upstream unreachable  default     refused: Connection refused                   req 5850

What callers and providers wrote is shown as text (`visible_text.py`): no model's name steers the terminal. Fields
without a value are left out, as are the ids of a line that has nothing to explain. With colours, the level shows
in the event's colour: yellow for a warning, red for an error.
"""

from collections.abc import MutableMapping
from datetime import datetime
from typing import Any, Final

from adapter.telemetry.visible_text import visible, visible_line

Event = MutableMapping[str, Any]

_EVENT_COLUMNS: Final = 21
_COLORS: Final = {"debug": "2", "info": "0", "warning": "33", "error": "31", "critical": "31"}
"""By level, the number of the terminal's colour."""
_DIM: Final = "2"
_LAST_CHARS: Final = 4
"""Of a request's id: enough to find the lines that belong together."""
_IN_COLUMNS: Final = frozenset(
    ("status", "error", "incomplete", "model", "seconds", "first_token", "input_tokens", "cached_tokens",
     "output_tokens", "reasoning_tokens", "tenant")
)
"""Fields of a response's line that are not written with their names; the tenant is left out."""
_ELSEWHERE: Final = ("event", "level", "exception", "request_id", "client_request_id", "response_id")
"""Fields that are not among the details."""


def console_line(level: str, event: Event, *, colors: bool) -> bytes:
    """Return an event as one line, with its traceback in further ones."""
    event = {name: value for name, value in event.items() if value not in (None, "", [])}
    name = visible_line(str(event.get("event", "")))
    details = _response(event) if name == "response" else _pairs(event)
    if request_id := event.get("request_id"):
        details += _paint(f"  req {str(request_id)[-_LAST_CHARS:]}", _DIM, colors)
    shown = _paint(f"{name:<{_EVENT_COLUMNS}}", _COLORS.get(level, "0"), colors)
    line = f"{_paint(datetime.now().strftime('%H:%M:%S'), _DIM, colors)}  {shown} {details}"
    if exception := event.get("exception"):
        line += f"\n{visible(str(exception))}"
    return line.encode(errors="backslashreplace")


def _response(event: Event) -> str:
    """Return how a response ended, in columns."""
    why = event.get("error") or event.get("incomplete")
    status = str(event.get("status", "")) + (f": {why}" if why else "")
    columns = [f"{status:<11}", f"{visible_line(str(event.get('model', ''))):<16}", f"{event.get('seconds', 0):6.2f} s"]
    if "first_token" in event:
        columns.append(f"first {event['first_token']:.2f} s")
    if "input_tokens" in event:
        cached, thinking = event.get("cached_tokens"), event.get("reasoning_tokens")
        read = f"{event['input_tokens']}{f' ({cached} cached)' if cached else ''}"
        written = f"{event.get('output_tokens', 0)}{f' ({thinking} thinking)' if thinking else ''}"
        columns.append(f"{read} + {written} tokens")
    rest = _pairs({name: value for name, value in event.items() if name not in _IN_COLUMNS})
    return "  ".join([*columns, rest]).rstrip()


def _pairs(event: Event) -> str:
    return "  ".join(f"{name}={_value(value)}" for name, value in event.items() if name not in _ELSEWHERE)


def _value(value: Any) -> str:
    """Return a value on one line."""
    text = "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return visible_line(text)


def _paint(text: str, color: str, colors: bool) -> str:
    return f"\x1b[{color}m{text}\x1b[0m" if colors and color != "0" else text

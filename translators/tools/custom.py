"""Custom tools: free text in, for a provider that only knows JSON.

The model is shown a function with one string, `input`, and the grammar in words. Of its answer the string is told as it
arrives: `InputReader` decodes the JSON string piece by piece. A model that forgets the JSON and writes the text itself
is understood, too. Source: responses-api reference §4.2.
"""

import re
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from translators.loose_json import unescape
from translators.open_items.base import FinalStatus, PieceKind
from translators.responses.events import (
    CustomToolCallInputDelta,
    CustomToolCallInputDone,
    Event,
    OutputItemAdded,
    OutputItemDone,
)
from translators.responses.items import CustomToolCall, OutputItem
from translators.responses.tools import CustomTool, GrammarInput
from translators.tools.names import Called
from translators.wire import NotJSON, decode, encode

PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}
_SYNTAX: Final = {"lark": "a Lark grammar", "regex": "a regular expression"}


def description(tool: CustomTool) -> str:
    """Return the tool's description, how to call it, and the language of its input."""
    parts = [tool.description, "This tool takes text, not JSON. Give the whole text as the string `input`, unquoted."]
    if isinstance(tool.format, GrammarInput):
        parts.append(f"The text must match {_SYNTAX[tool.format.syntax]}:\n{tool.format.definition}")
    return "\n\n".join(part for part in parts if part)


def arguments(call: CustomToolCall) -> str:
    return encode({"input": call.input}).decode()


class OpenCustomToolCall:
    """A call with free text as its input; the text streams as it arrives."""

    def __init__(self, output_index: int, id: str, call_id: str, called: Called) -> None:
        self._output_index = output_index
        self._id = id
        self._text: list[str] = []
        self._input = InputReader()
        self._call = CustomToolCall(
            call_id, called.name, "", id=id, status="in_progress", namespace=called.namespace or UNSET
        )
        self.item: OutputItem = self._call

    def open(self) -> list[Event]:
        return [OutputItemAdded(output_index=self._output_index, item=self._call)]

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any]) -> list[Event]:
        return self._tell(self._input.feed(delta))

    def close(self, status: FinalStatus) -> list[Event]:
        events = self._tell(self._input.end())
        text = "".join(self._text)
        self.item = replace(self._call, input=text, status=status)
        return [
            *events,
            CustomToolCallInputDone(item_id=self._id, output_index=self._output_index, input=text),
            OutputItemDone(output_index=self._output_index, item=self.item),
        ]

    def _tell(self, text: str) -> list[Event]:
        if not text:
            return []
        self._text.append(text)
        return [CustomToolCallInputDelta(item_id=self._id, output_index=self._output_index, delta=text)]


class InputReader:
    """The `input` of arguments that arrive in pieces: its text, as far as it is there.

    Told at once when the object begins with it, as models write it; otherwise the whole is looked at in the end. What
    is no object is taken as the text itself, and an object with one other string as that string.
    """

    __slots__ = ("_held", "_over", "_reading")

    def __init__(self) -> None:
        self._held: list[str] = []
        """What came and is not told yet."""
        self._reading: bool | None = None
        """Inside the string; None while the beginning does not tell; False when only the end will."""
        self._over = False

    def feed(self, piece: str) -> str:
        """Return the text that a piece adds."""
        if self._over:
            return ""
        self._held.append(piece)
        if self._reading is None:
            self._begin()
        return self._read() if self._reading else ""

    def end(self) -> str:
        """Return the rest: of a string that was cut off, or of what had to be seen whole."""
        if self._over:
            return ""
        self._over = True
        held = "".join(self._held)
        if self._reading:
            return unescape(held[: _whole(held)])
        try:
            value = decode(held)
        except NotJSON:
            return held
        if isinstance(value, dict):
            value = value.get("input", next(iter(value.values())) if len(value) == 1 else None)
        return value if isinstance(value, str) else held

    def _begin(self) -> None:
        held = "".join(self._held)
        if found := _OPENING.match(held):
            self._held = [held[found.end() :]]
            self._reading = True
        elif len(held) > _LONGEST_OPENING:
            self._reading = False

    def _read(self) -> str:
        held = "".join(self._held)
        end = _closing_quote(held)
        if end is not None:
            self._over = True
            return unescape(held[:end])
        cut = _whole(held)
        self._held = [held[cut:]]
        return unescape(held[:cut])


_OPENING: Final = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_LONGEST_OPENING: Final = 64
_PLAIN: Final = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_UNFINISHED: Final = (
    re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?\Z"),
    re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z"),
)
"""Half a surrogate pair, and the beginning of an escape."""


def _closing_quote(text: str) -> int | None:
    """Return where the string ends, None if it goes on."""
    found = _PLAIN.match(text)
    end = found.end() if found else 0
    return end if text[end : end + 1] == '"' else None


def _whole(text: str) -> int:
    """Return how far text that goes on can be decoded: not into an escape, nor between the halves of a pair."""
    for pattern in _UNFINISHED:
        found = pattern.search(text, max(0, len(text) - 12))
        if found is not None and not _is_escaped(text, found.start()):
            return found.start()
    return len(text)


def _is_escaped(text: str, at: int) -> bool:
    """Tell whether the backslash at a place is itself escaped."""
    before = text[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1

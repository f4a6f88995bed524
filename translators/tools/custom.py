"""Custom tools: free text as input, for a provider that only knows JSON.

The model sees a function with one string, `input`; its description quotes the grammar. While the arguments stream,
`InputReader` decodes the JSON string piece by piece, so that its text streams too. A model that writes the text itself
instead of JSON is understood. Source: OpenAI guide, Function calling.
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
from translators.tools.names import QualifiedName
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

    def __init__(self, output_index: int, id: str, call_id: str, called: QualifiedName) -> None:
        self._output_index = output_index
        self._id = id
        self._text: list[str] = []
        self._input = InputReader(called.name)
        self._call = CustomToolCall(
            call_id, called.name, "", id=id, status="in_progress", namespace=called.namespace or UNSET
        )
        self.item: OutputItem = self._call

    def open(self) -> list[Event]:
        return [OutputItemAdded(output_index=self._output_index, item=self._call)]

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        events += self._deltas(self._input.feed(delta))

    def close(self, status: FinalStatus) -> list[Event]:
        events = self._deltas(self._input.end())
        text = "".join(self._text)
        self.item = replace(self._call, input=text, status=status)
        return [
            *events,
            CustomToolCallInputDone(item_id=self._id, output_index=self._output_index, input=text),
            OutputItemDone(output_index=self._output_index, item=self.item),
        ]

    def _deltas(self, text: str) -> list[Event]:
        if not text:
            return []
        self._text.append(text)
        return [CustomToolCallInputDelta(item_id=self._id, output_index=self._output_index, delta=text)]


class InputReader:
    """Reads the text of `input` from arguments that arrive in pieces.

    If the object begins with `input`, as models write it, text is returned as it arrives; otherwise at the end, from
    the complete arguments. Arguments that are not an object are the text themselves; the only string of an object is
    the text under any name, and so are the lines of a list, but for the tool's `name` at its head, which comes from
    commands of a shell. Source: openai/codex#35361.
    """

    __slots__ = ("_held", "_is_plain", "_name", "_over", "_pending", "_reading")

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._pending: list[str] = []
        """Pieces that were not returned yet."""
        self._reading: bool | None = None
        """True inside the string; None until the beginning is complete; False if only the end will tell."""
        self._held = ""
        """Text that may be another object with `input`: only the end will tell."""
        self._is_plain = False
        """The text is no such object."""
        self._over = False

    def feed(self, piece: str) -> str:
        """Return the text that a piece adds."""
        if self._over:
            return ""
        self._pending.append(piece)
        if self._reading is None:
            self._begin()
        return self._release(self._read()) if self._reading else ""

    def _release(self, text: str) -> str:
        """Return the text that is certainly not within another object."""
        if self._is_plain:
            return text
        self._held += text
        if not self._over:
            start = "".join(self._held.split())[: len(_START)]
            if _START.startswith(start):
                return ""
        self._is_plain = True
        text, self._held = self._held, ""
        return _unwrap(text) if self._over else text

    def end(self) -> str:
        """Return the rest: of a string that was cut off, or all if nothing could be returned before."""
        if self._over:
            return ""
        self._over = True
        pending = "".join(self._pending)
        if self._reading:
            return _unwrap(self._held + unescape(pending[: _decodable_length(pending)]))
        try:
            value = decode(pending)
        except NotJSON:
            return pending
        if isinstance(value, dict):
            value = value.get("input", next(iter(value.values())) if len(value) == 1 else None)
            if isinstance(value, list) and value and all(isinstance(line, str) for line in value):
                value = "\n".join(value[1:] if value[0] == self._name else value)
        return _unwrap(self._held + value) if isinstance(value, str) else pending

    def _begin(self) -> None:
        pending = "".join(self._pending)
        if found := _OPENING.match(pending):
            self._pending = [pending[found.end() :]]
            self._reading = True
        elif len(pending) > _MAX_OPENING_LENGTH:
            self._reading = False

    def _read(self) -> str:
        pending = "".join(self._pending)
        end = _closing_quote(pending)
        if end is not None:
            self._over = True
            return unescape(pending[:end])
        cut = _decodable_length(pending)
        self._pending = [pending[cut:]]
        return unescape(pending[:cut])


def _unwrap(text: str) -> str:
    """Return the `input` of a text that is an object with that string alone: some models encode twice."""
    while _OPENING.match(text):
        try:
            value = decode(text)
        except NotJSON:
            break
        if not isinstance(value, dict) or value.keys() != {"input"} or not isinstance(value["input"], str):
            break
        text = value["input"]
    return text


_START: Final = '{"input":"'
_OPENING: Final = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_MAX_OPENING_LENGTH: Final = 64
"""Characters: `{"input":"` with generous white space. If it is not there by then, the arguments are something else."""
_PLAIN: Final = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_UNFINISHED: Final = (
    re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?\Z"),
    re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z"),
)
"""Half of a surrogate pair, and the beginning of an escape, at the end of the text."""


def _closing_quote(text: str) -> int | None:
    """Return where the string ends, None if it goes on."""
    found = _PLAIN.match(text)
    end = found.end() if found else 0
    return end if text[end : end + 1] == '"' else None


def _decodable_length(text: str) -> int:
    """Return how many characters can be decoded before more arrive: no partial escape, no half of a surrogate pair."""
    for pattern in _UNFINISHED:
        found = pattern.search(text, max(0, len(text) - 12))
        if found is not None and not _is_escaped(text, found.start()):
            return found.start()
    return len(text)


def _is_escaped(text: str, at: int) -> bool:
    """Whether the backslash at a position is itself escaped."""
    before = text[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1

"""Surrogate pairs that a provider has cut in two, each half of a character beyond U+FFFF in a chunk of its own.

JSON can write the halves apart (`\\ud83d`, then `\\ude00`), but UTF-8 cannot encode one alone. The first half, at the
end of a delta, waits for the next delta; without its other half it becomes U+FFFD. Only chunks that the quick decoder
rejects come here, and those that follow while a half waits, so whole characters cost nothing.
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from translators.chat.chunks import Chunk
from translators.loose_json import replace_lone_surrogates
from translators.reasoning.fields import TEXT_MEMBERS
from translators.to_responses.deltas import fitting_chunk, read_odd_value

_TEXTS: Final = ("content", *TEXT_MEMBERS, "refusal")
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

Owner = dict[str, Any]


class SurrogateJoiner(Struct, eq=False):
    """Joins the surrogate pairs of one stream; `waiting` has the first halves."""

    waiting: dict[str | int, str] = {}
    """By the name of the text, or the index of the call whose arguments it ends."""

    def read(self, payload: bytes) -> Chunk:
        """Return the chunk in a payload, whose texts continue those of the chunk before it."""
        value = read_odd_value(payload)
        choices = value.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and not choice.get("index") and isinstance(delta := choice.get("delta"), dict):
                self._join(delta)
        return fitting_chunk(replace_lone_surrogates(value))

    def flush(self) -> Iterator[Chunk]:
        """Yield a chunk with U+FFFD for each half that still waits at the end of the stream."""
        if self.waiting:
            delta: Owner = {}
            self._join(delta)
            yield fitting_chunk({"choices": [{"delta": delta}]})

    def _join(self, delta: Owner) -> None:
        waiting = self.waiting.copy()
        self.waiting.clear()
        for name in _TEXTS:
            if isinstance(delta.get(name), str):
                self._continue(name, delta, name, waiting.pop(name, ""))
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                index = call.get("index") if isinstance(call.get("index"), int) else -1
                self._continue(index, function, "arguments", waiting.pop(index, ""))
        for place in waiting:
            if isinstance(place, str):
                delta.setdefault(place, _REPLACEMENT)
            else:
                piece = {"index": place, "function": {"arguments": _REPLACEMENT}}
                delta["tool_calls"] = [piece, *(calls if isinstance(calls, list) else ())]

    def _continue(self, key: str | int, owner: Owner, name: str, half: str) -> None:
        text = owner[name]
        if text:
            text = half + text
            if "\ud800" <= text[-1] <= "\udbff":
                self.waiting[key] = text[-1]
                text = text[:-1]
        elif half:
            text = _REPLACEMENT
        owner[name] = text

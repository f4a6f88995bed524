"""What the tools have in common whose calls are items of their own type: local_shell, shell, apply_patch, tool_search.

Each is shown to the model as a function of the same name; what the model writes is read when it is whole, because
clients act on the typed item and not on text. What does not fit the type fails the response: a command that is guessed
is worse than none. Source: responses-api reference §4.2, §5.1.
"""

from abc import ABC, abstractmethod
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from translators.errors import UpstreamError
from translators.open_items.base import FinalStatus, PieceKind
from translators.responses.events import Event, OutputItemAdded, OutputItemDone
from translators.responses.items import OutputItem
from translators.tools.names import Called
from translators.wire import NotJSON, decode

S = TypeVar("S", bound=Struct)

_DEEPEST: Final = 100
"""Levels of a call's arguments. How many more a decoder takes, or the encoder of an event, depends on the stack."""


class OpenTypedCall(ABC):
    """A call that is told as an empty item first, and whole in the end."""

    def __init__(self, output_index: int, id: str, call_id: str, called: Called) -> None:
        self._output_index = output_index
        self._id = id
        self._call_id = call_id
        self._called = called
        self._arguments: list[str] = []
        self.item: OutputItem = self._told(None, "in_progress")

    def open(self) -> list[Event]:
        return [OutputItemAdded(output_index=self._output_index, item=self.item)]

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any]) -> list[Event]:
        self._arguments.append(delta)
        return []

    def close(self, status: FinalStatus) -> list[Event]:
        """Raise UpstreamError if a completed call does not fit its type; it can still be closed as incomplete."""
        arguments = self._read() if status == "completed" else None
        self.item = self._told(arguments, status)
        return [*self._details(), OutputItemDone(output_index=self._output_index, item=self.item)]

    @abstractmethod
    def _told(self, arguments: dict[str, Any] | None, status: Any) -> OutputItem:
        """Return the item; with None for arguments, the one that says nothing yet."""

    def _details(self) -> list[Event]:
        """Return the events between the item's first and last one."""
        return []

    def _read(self) -> dict[str, Any]:
        text = "".join(self._arguments) or "{}"
        try:
            value = decode(text)
        except NotJSON:
            value = None
        if not isinstance(value, dict):
            raise self._misfit("they are no JSON object")
        if _is_deeper(value, _DEEPEST):
            raise self._misfit(f"they are nested deeper than {_DEEPEST} levels")
        return value

    def _fitting(self, kind: type[S], arguments: dict[str, Any]) -> S:
        try:
            return msgspec.convert(arguments, kind, strict=False)
        except msgspec.ValidationError as error:
            raise self._misfit(str(error)) from None

    def _misfit(self, why: str) -> UpstreamError:
        return UpstreamError(
            f"The model called the tool '{self._called.name}' with arguments that do not fit it: {why}.",
            status=502,
            retry=False,
        )


def _is_deeper(value: Any, levels: int) -> bool:
    """Tell whether a JSON value holds arrays and objects in more levels than so many."""
    inside = [value]
    for _ in range(levels):
        inside = [
            part
            for whole in inside
            for part in (whole.values() if isinstance(whole, dict) else whole)
            if isinstance(part, (dict, list))
        ]
    return bool(inside)

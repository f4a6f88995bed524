"""Calls that are items of their own type: local_shell, shell, apply_patch, tool_search.

The model sees a function of the same name. Its arguments are read when they are complete, because clients act on the
typed item and not on text. Arguments that do not fit the type fail the response: a guessed command is worse than none.
Source: OpenAI API reference, Responses: create; OpenAI API reference, Streaming events.
"""

from abc import ABC, abstractmethod
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from translators.errors import UpstreamError
from translators.open_items.base import FinalStatus, PieceKind
from translators.responses.events import Event, OutputItemAdded, OutputItemDone
from translators.responses.items import OutputItem
from translators.tools.names import QualifiedName
from translators.wire import NotJSON, decode

S = TypeVar("S", bound=Struct)

_MAX_DEPTH: Final = 100
"""Levels of arrays and objects in arguments: real arguments have a few; encoders fail at a depth set by the stack."""


class OpenTypedCall(ABC):
    """A call that goes out as an empty item first, and complete when it is closed."""

    def __init__(self, output_index: int, id: str, call_id: str, called: QualifiedName) -> None:
        self._output_index = output_index
        self._id = id
        self._call_id = call_id
        self._called = called
        self._arguments: list[str] = []
        self.item: OutputItem = self._build_item(None, "in_progress")

    def open(self) -> list[Event]:
        return [OutputItemAdded(output_index=self._output_index, item=self.item)]

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        self._arguments.append(delta)

    def close(self, status: FinalStatus) -> list[Event]:
        """Raise UpstreamError if a completed call does not fit its type; it can still be closed as incomplete."""
        arguments = self._read() if status == "completed" else None
        self.item = self._build_item(arguments, status)
        return [*self._details(), OutputItemDone(output_index=self._output_index, item=self.item)]

    @abstractmethod
    def _build_item(self, arguments: dict[str, Any] | None, status: Any) -> OutputItem:
        """Return the item; an empty one if `arguments` is None."""

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
            raise self._invalid_arguments("they are not a JSON object")
        if _is_deeper_than(value, _MAX_DEPTH):
            raise self._invalid_arguments(f"they are nested deeper than {_MAX_DEPTH} levels")
        return value

    def _convert(self, kind: type[S], arguments: dict[str, Any]) -> S:
        try:
            return msgspec.convert(arguments, kind, strict=False)
        except msgspec.ValidationError as error:
            raise self._invalid_arguments(str(error)) from None

    def _invalid_arguments(self, why: str) -> UpstreamError:
        return UpstreamError(
            f"The model called the tool '{self._called.name}' with arguments that do not fit it: {why}.",
            status=502,
            retry=False,
        )


def _is_deeper_than(value: Any, levels: int) -> bool:
    """Whether a JSON value nests arrays and objects in more than so many levels."""
    inside = [value]
    for _ in range(levels):
        inside = [
            part
            for whole in inside
            for part in (whole.values() if isinstance(whole, dict) else whole)
            if isinstance(part, (dict, list))
        ]
    return bool(inside)

"""Function tools, the only kind that both APIs have."""

from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from translators.open_items.base import FinalStatus, PieceKind
from translators.responses.events import (
    Event,
    FunctionCallArgumentsDelta,
    FunctionCallArgumentsDone,
    OutputItemAdded,
    OutputItemDone,
)
from translators.responses.items import FunctionCall, OutputItem
from translators.responses.tools import FunctionTool
from translators.tools.names import QualifiedName

_NO_PARAMETERS: Final[dict[str, Any]] = {"type": "object", "properties": {}}


def parameters(tool: FunctionTool) -> dict[str, Any]:
    """Return the schema of the arguments; a function without one takes none."""
    return tool.parameters or _NO_PARAMETERS


def arguments(call: FunctionCall) -> str:
    return call.arguments or "{}"


class OpenFunctionCall:
    """A call of a client's function; its arguments stream as they arrive."""

    def __init__(self, output_index: int, id: str, call_id: str, called: QualifiedName) -> None:
        self._output_index = output_index
        self._id = id
        self._arguments: list[str] = []
        self._call = FunctionCall(
            call_id, called.name, "", id=id, status="in_progress", namespace=called.namespace or UNSET
        )
        self.item: OutputItem = self._call

    def declare_plain(self) -> None:
        """Say in the item that no argument is encrypted: Codex then sends an agent its task as plain text."""
        self.item = self._call = replace(self._call, encrypted_function_args=[])

    def open(self) -> list[Event]:
        return [OutputItemAdded(output_index=self._output_index, item=self._call)]

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        self._arguments.append(delta)
        events.append(FunctionCallArgumentsDelta(item_id=self._id, output_index=self._output_index, delta=delta))

    def extend(self, deltas: list[str], events: list[Event]) -> None:
        """Append several deltas."""
        self._arguments += deltas
        id, output_index = self._id, self._output_index
        events += [FunctionCallArgumentsDelta(item_id=id, output_index=output_index, delta=delta) for delta in deltas]

    def close(self, status: FinalStatus) -> list[Event]:
        events: list[Event] = []
        if not any(self._arguments) and status == "completed":
            self.append("arguments", "{}", [], events)  # a call without arguments: "" is not JSON
        arguments = "".join(self._arguments)
        self.item = replace(self._call, arguments=arguments, status=status)
        return [
            *events,
            FunctionCallArgumentsDone(
                item_id=self._id, output_index=self._output_index, name=self._call.name, arguments=arguments
            ),
            OutputItemDone(output_index=self._output_index, item=self.item),
        ]

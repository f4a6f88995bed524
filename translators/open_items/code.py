"""A `code_interpreter_call`: code that was run, and what it printed.

All calls of a response have the same `container_id`. Source: OpenAI API reference, Streaming events.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from translators.open_items.base import FinalStatus
from translators.open_items.hosted import OpenHostedItem
from translators.responses.events import (
    CodeCompleted,
    CodeDelta,
    CodeDone,
    CodeInProgress,
    CodeInterpreting,
    Event,
)
from translators.responses.hosted.items import CodeInterpreterCall
from translators.responses.items import OutputItem


class OpenCode(OpenHostedItem):
    """One run of code: its text in one delta, then its output."""

    def __init__(self, output_index: int, id: str, *, code: str, container_id: str) -> None:
        super().__init__(output_index, id)
        self._code = code
        self._item = CodeInterpreterCall(id, "in_progress", "", container_id, [])
        self.item: OutputItem = self._item
        self._status = "incomplete"
        self._outputs: list[dict[str, Any]] | None = None

    def _begin(self) -> list[Event]:
        at: dict[str, Any] = {"item_id": self._id, "output_index": self._index}
        delta = [CodeDelta(delta=self._code, **at)] if self._code else []
        return [CodeInProgress(**at), *delta, CodeDone(code=self._code, **at), CodeInterpreting(**at)]

    def settle(self, logs: str, images: Sequence[str], *, failed: bool, shows_outputs: bool) -> None:
        """Take the result: what the code printed, and its images as data URLs. Code that fails has run."""
        outputs: list[dict[str, Any]] = [{"type": "logs", "logs": logs}] if logs else []
        outputs += [{"type": "image", "url": url} for url in images]
        self._status = "failed" if failed else "completed"
        if shows_outputs:
            self._outputs = outputs
        else:
            self.hidden = {"outputs": outputs}

    def _end(self, status: FinalStatus) -> list[Event]:
        if status == "incomplete":
            self._status = "incomplete"
        self.item = replace(self._item, code=self._code, status=self._status, outputs=self._outputs)
        return [CodeCompleted(item_id=self._id, output_index=self._index)] if self._status == "completed" else []

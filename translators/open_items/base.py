"""Output items while they are being written: one class per kind of item; calls are in `tools/`.

An open item knows its `output_index` and `id` from the moment it opens; they never change. `open()` returns the events
that announce it, `append()` adds those of one more piece to `events`, `close(status)` returns those that end it. Then
`item` is the finished item: the terminal response has exactly what `output_item.done` had. Text gathers in lists and is
joined once.
Source: docs/stream-laws.md; OpenAI API reference, Streaming events.
"""

from typing import Any, Literal, Protocol

from translators.responses.events import Event
from translators.responses.items import OutputItem

FinalStatus = Literal["completed", "incomplete"]
PieceKind = Literal["text", "refusal", "reasoning", "arguments", "image", "sealed"]


class OpenItem(Protocol):
    """What the stream machine needs of each kind of item."""

    item: OutputItem

    def open(self) -> list[Event]: ...

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any], events: list[Event]) -> None: ...

    def close(self, status: FinalStatus) -> list[Event]: ...

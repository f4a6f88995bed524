"""The items of hosted tools in a stream: those of a round's calls, and those that are written between two rounds.

A round ends (`ResponseStream.finish`) without the terminal event if it has calls of hosted tools. `waiting` returns
them in order. For each, `open` its item and, when it has its result, `close` it; or `skip` a call that gets no item.
What the model wrote behind a call goes out after it. When none waits, the response goes on with another round, or ends.
Laws 11 to 13 of docs/stream-laws.md.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from translators.chat.chunks import Source
from translators.errors import ProtocolError, UpstreamError
from translators.open_items.citations import Citations, CitedFile
from translators.open_items.hosted import OpenHostedItem
from translators.responses.events import Event
from translators.responses.items import OutputItem
from translators.to_responses.queued_item import QueuedItem
from translators.to_responses.sequencer import ItemSequencer, OpenHosted
from translators.tools.names import QualifiedName


class WaitingCall(Struct, frozen=True):
    """A call of a hosted tool, as the model made it."""

    entry: QueuedItem
    call_id: str
    tool: QualifiedName
    arguments: str


class HostedCalls:
    """Writes the items of hosted tools into a stream."""

    def __init__(
        self,
        items: ItemSequencer,
        citations: Citations,
        number: Callable[[list[Event]], list[Event]],
        fail: Callable[[ProtocolError], list[Event]],
        *,
        is_stored: bool,
    ) -> None:
        """`number` numbers events on their way out; `fail` ends the response. `is_stored`: its items are kept here."""
        self._items = items
        self._citations = citations
        self._number = number
        self._fail = fail
        self._is_stored = is_stored

    def waiting(self) -> list[WaitingCall]:
        """Return the calls that have no item yet, in the order of the model."""
        waiting: list[WaitingCall] = []
        calls = self._items.calls
        for entry in self._items.queue:
            call = entry.call
            if call is None or entry.item is not None or not calls.is_hosted(call):
                continue
            if not entry.closed:
                rest = calls.take_rest(call)
                entry.pieces.append(("arguments", rest or ("" if call.pieces else "{}"), []))
                entry.closed = True
            arguments = "".join(text for _, text, _ in entry.pieces)
            waiting.append(WaitingCall(entry, calls.call_id(call), calls.tool(call), arguments))
        return waiting

    def of_round(self) -> list[OutputItem]:
        """Return the items of this round that are done, with what is hidden in them."""
        return [self._items.whole.get(str(item.id), item) for item in self._items.output[self._items.round_start :]]

    def cite(self, sources: Sequence[Source]) -> None:
        """Turn the numbers by which the model cites these sources into citations, from now on."""
        self._citations.add_numbered(sources)

    def cite_files(self, files: Mapping[int, CitedFile]) -> None:
        """Make the marks of these numbers citations of files, from the next message on."""
        self._citations.files.update(files)

    def open(self, open_item: OpenHosted, call: WaitingCall | None = None) -> list[Event]:
        """Open an item, in place of the first call that waits, or of none if that is what it is for."""
        if call is not None:
            entry, call_id = call.entry, call.call_id
        else:
            entry, call_id = QueuedItem("hosted"), self._items.new_call_id()
            self._items.queue.appendleft(entry)

        digits = call_id.removeprefix("call_")
        return self._write(partial(self._items.open_hosted, entry, self._whole(open_item), digits))

    def pass_on(self, events: list[Event]) -> list[Event]:
        """Return the events of what the open item shows before it has its result, numbered."""
        return self._number(events)

    def hide(self, not_run: Sequence[dict[str, Any]]) -> None:
        """Hide calls that are not run in the open item, so that later turns have them."""
        opened = self._items.queue[0].item
        assert isinstance(opened, OpenHostedItem)
        opened.not_run = not_run

    def close(self, then: OpenHosted | None = None) -> list[Event]:
        """Close the open item, which has its result; `then` opens another one behind it, which is closed, too."""
        return self._write(partial(self._close, then))

    def _close(self, then: OpenHosted | None, events: list[Event]) -> None:
        self._items.close_hosted(events)
        if then is not None:
            entry, digits = QueuedItem("hosted"), self._items.new_call_id().removeprefix("call_")
            self._items.queue.appendleft(entry)
            self._items.open_hosted(entry, self._whole(then), digits, events)
            self._items.close_hosted(events)
        self._items.close_queue("completed", events)

    def _whole(self, open_item: OpenHosted) -> OpenHosted:
        """Return what opens an item that shows what is hidden, if the client keeps the history."""

        def open_whole(output_index: int, digits: str) -> OpenHostedItem:
            item = open_item(output_index, digits)
            item.shows_hidden = not self._is_stored
            return item

        return open_whole

    def skip(self, call: WaitingCall) -> list[Event]:
        """Drop a call that is not run."""
        self._items.queue.remove(call.entry)
        return self._write(partial(self._items.close_queue, "completed"))

    def _write(self, step: Callable[[list[Event]], None]) -> list[Event]:
        events: list[Event] = []
        try:
            step(events)
        except UpstreamError as error:
            return self._number(events) + self._fail(error)
        return self._number(events)

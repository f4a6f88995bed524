"""The output items of one answer, in the order in which the provider began them.

The stream machine says what arrived; `ItemSequencer` decides which item it belongs to and when that goes out. Only the
first item in the queue is open: pieces of a later one wait there, so that items are done in the order of their index.
A message or reasoning item closes when anything else arrives, an image at once. A call closes when something else has
arrived *and* its arguments are whole JSON, so that clients can start it early. At the end everything closes; an
incomplete item is the last. Index and ids are given when an item opens, and never change. What a call is, and which
piece belongs to it: `answer_calls.py`.

A call of a hosted tool, which the adapter runs itself, waits until the round has ended (`hosted_calls.py`).
Source: docs/stream-laws.md; docs/decisions/0005-calls-in-lanes.md.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from translators.chat.chunks import ToolCallDelta
from translators.errors import UpstreamError, answer_too_large, shorten
from translators.notes import Notes
from translators.open_items.base import FinalStatus, PieceKind
from translators.open_items.citations import Citations
from translators.open_items.compaction import OpenCompaction
from translators.open_items.hosted import OpenHostedItem
from translators.open_items.image import OpenImage, is_image
from translators.open_items.message import OpenMessage, OpenText
from translators.open_items.reasoning import OpenReasoning, ShownAs
from translators.reasoning.opaque import OpaqueReasoning
from translators.responses.events import Event
from translators.responses.ids import Ids
from translators.responses.items import Compaction, OutputItem, Reasoning
from translators.to_responses.answer_calls import AnswerCalls, RunningCall
from translators.to_responses.expectations import Expectations
from translators.to_responses.queued_item import ItemKind, QueuedItem
from translators.tools.function import OpenFunctionCall
from translators.tools.kinds import BY_NAME

OpenHosted = Callable[[int, str], OpenHostedItem]
"""Returns an open item of a hosted tool; its arguments are its `output_index` and the digits of its id."""
_ITEM_OF_PIECE: Final[dict[PieceKind, ItemKind]] = {"text": "message", "refusal": "message", "reasoning": "reasoning"}


class ItemSequencer(Struct, eq=False):
    """Orders the items of one answer: the first in `queue` is open, those in `output` are done."""

    _ids: Ids
    _expectations: Expectations
    _notes: Notes
    _citations: Citations
    _reasoning_as: ShownAs
    _max_items: int
    """An item beyond them raises UpstreamError."""
    _max_calls: int | None
    """A call beyond them is dropped, with a note; None: there is no limit."""
    _opaque: OpaqueReasoning | None = None
    """Opaque reasoning for the next reasoning item, if any has come."""
    _calls: AnswerCalls | None = None
    """Those of this answer, from the first one on."""
    _images: set[str] = set()
    """The URLs of the images so far."""
    _next_index: int = 0
    round_start: int = 0
    """Items of earlier rounds: the number of those in `output` when this round began."""
    output: list[OutputItem] = []
    dropped_call: str = ""
    """The name of a call that `tool_choice` does not allow, if the model made one in the first round."""
    whole: dict[str, OutputItem] = {}
    """By id, the items of which the model has read more than they show."""
    queue: deque[QueuedItem] = field(default_factory=deque)
    written: int = 0
    """Characters of text, thinking and arguments: what the model wrote."""
    attached: int = 0
    """Characters of images, sources and opaque reasoning."""
    text: OpenText | None = None
    """The text that is being written, if nothing but text has come since: more of it only adds to that."""
    running_call: RunningCall | None = None
    """The call that is being written, if no other piece of a call has come since."""

    @property
    def calls(self) -> AnswerCalls:
        """The calls of this answer; most answers have none, so it is built when it is asked for."""
        if self._calls is None:
            self._calls = AnswerCalls(self._expectations, self._ids, self._notes)
        return self._calls

    def expect(self, expectations: Expectations) -> None:
        """Expect the answer to another request; no call and no thinking has arrived yet."""
        self._expectations = expectations
        self._calls = None

    def begin_round(self) -> None:
        """Go on to the next answer of the same response; everything before it is done."""
        self.round_start = len(self.output)
        self._calls = self._opaque = None
        self._ids.next_round()

    def has_output(self, *, besides: type = Compaction) -> bool:
        """Return whether the model has begun an item this round, `besides` some; a compaction item is not its own."""
        done = self.output[self.round_start :]
        return bool(self.queue) or any(not isinstance(item, (Compaction, besides)) for item in done)

    # --- what arrives -----------------------------------------------------------------------------------------

    def put(self, piece: PieceKind, text: str, logprobs: list[Any], events: list[Event]) -> None:
        """Add a piece of text, refusal or reasoning to the item that it continues, or to a new one."""
        self.written += len(text)
        entry = self.queue[-1] if self.queue else None
        kind = _ITEM_OF_PIECE[piece]
        if entry is None or entry.kind != kind:
            entry = self._reasoning_entry() if kind == "reasoning" else QueuedItem(kind)
            self._begin(entry, events)
        item = entry.item
        if item is None:
            entry.pieces.append((piece, text, logprobs))
            return
        item.append(piece, text, logprobs, events)
        if isinstance(item, OpenMessage):
            self.text = item.text

    def put_thinking(self, pieces: list[str], events: list[Event]) -> None:
        """Add pieces of thinking as `put` adds each."""
        item = self.queue[-1].item if self.queue else None
        if isinstance(item, OpenReasoning):
            self.written += sum(map(len, pieces))
            item.extend(pieces, events)
        else:
            for piece in pieces:
                self.put("reasoning", piece, [], events)

    def put_image(self, url: str, events: list[Event]) -> None:
        """Make an image an item of its own, or a link in the text if it is a URL; ignore one that is repeated."""
        if url in self._images:
            return
        self._images.add(url)
        if is_image(url):
            self.attached += len(url)
            entry = QueuedItem("image")
            entry.pieces.append(("image", url, []))
            self._begin(entry, events)
        elif url.startswith(("https://", "http://")):
            gap = "\n\n" if self.queue and self.queue[-1].kind == "message" else ""
            self.put("text", f"{gap}![image]({url})", [], events)
            self._notes.add("images", "approximated", "an image that is a web URL is a link in the text")
        else:
            self._notes.add("images", "dropped", "one that is neither data nor a web URL")

    def open_compaction(self, events: list[Event]) -> None:
        self._begin(QueuedItem("compaction"), events)

    def close_compaction(self, sealed: str, events: list[Event]) -> None:
        """Close the open compaction item with its sealed content."""
        item = self.queue[0].item
        assert item is not None
        item.append("sealed", sealed, [], events)
        self._close_head("completed", events)

    def put_call(self, piece: ToolCallDelta, events: list[Event]) -> None:
        """Add a piece of a call to the call that it belongs to."""
        calls = self.calls if self._calls is None else self._calls
        self.running_call = None
        call, fragment = calls.sorter.sort(piece)
        self.written += len(fragment)
        if call.held_size:
            self.written += call.held_size
            call.held_size = 0
        entry = calls.entries.get(call)
        if entry is None and len(calls.entries) == self._max_calls:
            self._notes.add("parallel_tool_calls", "dropped", "calls after the first: the client wants only one")
            return
        if piece.extra_content:
            self.attached += self.opaque().add_call(calls.call_id(call), piece.extra_content)
        if entry is None:
            entry = calls.entries[call] = QueuedItem("call", call)
            self._begin(entry, events)
        if entry.closed:
            return  # `close_all` finds out whether this was more than a repetition
        if entry.item is None:
            if fragment:
                entry.pieces.append(("arguments", fragment, []))
        elif fragment:
            entry.item.append("arguments", fragment, [], events)
        if entry is self.queue[0] and (entry.item is None or len(self.queue) > 1):
            self._advance(events)
        if entry.item is not None and piece.index is not None and calls.sorter.goes_on(call, piece.index):
            self.running_call = RunningCall(call, piece.index, entry.item)

    def has_only_thinking(self) -> bool:
        """Return whether the model has thought in this round, and done nothing else."""
        if self.queue and self.queue[-1].kind != "reasoning":
            return False
        kinds = {entry.kind for entry in self.queue}
        items = [item for item in self.output[self.round_start :] if not isinstance(item, Compaction)]
        return bool(items or kinds) and kinds <= {"reasoning"} and all(isinstance(item, Reasoning) for item in items)

    def says_more(self) -> bool:
        """Return whether the model has done something besides thinking, if only a call that is not allowed."""
        return bool(self.dropped_call) or (self.has_output() and not self.has_only_thinking())

    def thinking(self) -> list[str]:
        """Return the pieces of this round's thinking so far; the list grows as long as there is only one item of it."""
        items = [item for item in self.output[self.round_start :] if isinstance(item, Reasoning)]
        done = [part.text for item in items for part in item.content or item.summary]
        still = [entry.item.pieces for entry in self.queue if isinstance(entry.item, OpenReasoning)]
        return still[0] if still and not done else done + [piece for pieces in still for piece in pieces]

    def opaque(self) -> OpaqueReasoning:
        """Return the opaque reasoning of the reasoning item that arrives now, else of the next one."""
        opaque = self.queue[-1].opaque if self.queue else None
        if opaque is None:
            self._opaque = opaque = self._opaque or OpaqueReasoning()
        return opaque

    def _reasoning_entry(self) -> QueuedItem:
        opaque, self._opaque = self._opaque or OpaqueReasoning(), None
        return QueuedItem("reasoning", opaque=opaque)

    # --- what goes out ----------------------------------------------------------------------------------------

    def _begin(self, entry: QueuedItem, events: list[Event]) -> None:
        self.text = None
        if self._opaque and self._expectations.seal_policy is not None:
            self.queue.append(self._reasoning_entry())  # an item of its own, before the item that it belongs to
        if entry.kind != "call":
            for waiting in self.queue:
                if waiting.call is not None:
                    waiting.call.take_nothing_more()
        self.queue.append(entry)
        if len(self.output) + len(self.queue) > self._max_items:
            raise answer_too_large()
        self._advance(events)

    def _advance(self, events: list[Event]) -> None:
        """Open the first item; close it, and go on with the next, while it may close and another waits behind it."""
        while self.queue:
            head = self.queue[0]
            if head.item is None and not self._open(head, events):
                return
            if head.kind != "image" and (len(self.queue) == 1 or not head.may_close()):
                return
            self._close_head("completed", events)

    def _open(self, entry: QueuedItem, events: list[Event], *, at_end: bool = False) -> bool:
        """Open an item and add the pieces that waited; return False for a call whose name may be incomplete."""
        if entry.kind == "message":
            entry.item = OpenMessage(self._next_index, self._ids.item("msg"), self._citations)
        elif entry.kind == "reasoning":
            assert entry.opaque is not None
            sealing = self._expectations.seal_policy
            entry.item = OpenReasoning(
                self._next_index, self._ids.item("rs"), self._reasoning_as, entry.opaque, sealing
            )
        elif entry.kind == "image":
            entry.item = OpenImage(self._next_index, self._ids.item("ig"))
        elif entry.kind == "compaction":
            entry.item = OpenCompaction(self._next_index, self._ids.item("cmp"))
        else:
            call, calls, names = entry.call, self.calls, self._expectations.names
            assert call is not None
            if not call.name or not (at_end or call.has_begun() or names.is_final(call.name)):
                return False
            flat = calls.name(call)
            called = names.restore(flat)
            if not names.may_call(flat):
                self.dropped_call = "" if self.round_start else flat
                self._notes.add("tool_calls", "dropped", f"'{shorten(flat)}': tool_choice does not allow this call")
                return entry.drop()
            if called in self._expectations.hosted:
                return False
            row = BY_NAME.get(called.kind, BY_NAME["function"])
            entry.item = row.open_call(self._next_index, self._ids.item(row.prefix), calls.call_id(call), called)
            if isinstance(entry.item, OpenFunctionCall) and flat in names.with_encrypted:
                entry.item.declare_plain()
        self._next_index += 1
        events += entry.item.open()
        for piece, text, logprobs in entry.pieces:
            entry.item.append(piece, text, logprobs, events)
        entry.pieces.clear()
        return True

    def _close_head(self, status: FinalStatus, events: list[Event]) -> None:
        entry = self.queue.popleft()
        entry.closed = True
        self.text = self.running_call = None
        if entry.item is None:
            return
        if entry.call is not None and (rest := self.calls.take_rest(entry.call)):
            entry.item.append("arguments", rest, [], events)
        try:
            events += entry.item.close(status)
        except UpstreamError:  # a call that does not fit its tool
            events += entry.item.close("incomplete")
            raise
        finally:
            if entry.kind != "dropped":
                self.output.append(entry.item.item)

    def close_all(self, status: FinalStatus, events: list[Event]) -> None:
        """Close every item in order. If the answer was cut short, the first unfinished item is the last."""
        if self._opaque and self._expectations.seal_policy is not None:
            if status == "completed":
                self.queue.append(self._reasoning_entry())
            else:
                self._notes.add("reasoning", "dropped", "signatures after an answer that was cut short")
        if self._calls is not None:
            self._name_calls(status)
            self._calls.check(status)
        self.close_queue(status, events)

    def close_queue(self, status: FinalStatus, events: list[Event]) -> None:
        """Close the items in order, up to a call of a hosted tool that has not been run."""
        if self._expectations.hosted and status == "incomplete":
            self._drop_hosted()
        while self.queue:
            entry = self.queue[0]
            if entry.item is None and not self._open(entry, events, at_end=True):
                return
            cut = status == "incomplete" and (
                not entry.call.is_complete() if entry.call and entry.call.arguments else len(self.queue) == 1
            )
            self._close_head("incomplete" if cut else "completed", events)
            if cut and self.queue:
                self._notes.add("tool_calls", "dropped", "what followed a call that was cut short")
                self.queue.clear()

    # --- items of hosted tools --------------------------------------------------------------------------------

    def _drop_hosted(self) -> None:
        """Remove the hosted calls of an answer that was cut short: none is run."""
        for entry in [entry for entry in self.queue if entry.call and self.calls.is_hosted(entry.call)]:
            self.queue.remove(entry)
            self._notes.add("tool_calls", "dropped", "a call of a hosted tool in an answer that was cut short")

    def open_hosted(self, entry: QueuedItem, open_item: OpenHosted, digits: str, events: list[Event]) -> None:
        """Open the item of a hosted tool, the first in the queue; `digits` are those of its id."""
        entry.kind, entry.call = "hosted", None
        entry.pieces.clear()
        if len(self.output) + len(self.queue) > self._max_items:
            raise answer_too_large()
        entry.item = open_item(self._next_index, digits)
        self._next_index += 1
        events += entry.item.open()

    def close_hosted(self, events: list[Event]) -> None:
        """Close the item that `open_hosted` opened."""
        opened = self.queue[0].item
        assert isinstance(opened, OpenHostedItem)
        self._close_head("completed", events)
        if opened.hidden is not None:
            item: Any = opened.item
            self.whole[item.id] = replace(item, hidden=opened.hidden)

    def new_call_id(self) -> str:
        return self._ids.call()

    def ends_in_call(self) -> bool:
        """Return whether the answer breaks off within the arguments of its last call."""
        last = self.queue[-1].call if self.queue else None
        if last is None or not last.name or not last.is_cut() or self.calls.tool(last).kind != "function":
            return False
        calls = [entry.call for entry in self.queue if entry.call is not None]
        return all(call.is_complete() for call in calls[:-1])

    def _name_calls(self, status: FinalStatus) -> None:
        """Name the calls that the provider never named, if it is clear what they call; drop what is no call."""
        for entry in [entry for entry in self.queue if entry.call is not None and not entry.call.name]:
            call = entry.call
            assert call is not None
            meant = self._expectations.names.meant_by_id(call.id) if call.has_begun() or call.id else None
            if meant is not None:
                call.name = meant
                self._notes.add("tool_calls", "repaired", f"a call without a name is taken as one of '{meant}'")
            elif status == "completed" and (call.has_begun() or not self._has_more_than(entry)):
                raise UpstreamError("The provider called a tool without naming it.", status=502, retry=False)
            else:
                self.queue.remove(entry)
                self._notes.add("tool_calls", "dropped", "the provider never named the function of a call")

    def _has_more_than(self, entry: QueuedItem) -> bool:
        return any(other is not entry for other in self.queue) or bool(self.output)

    def break_off(self, events: list[Event]) -> None:
        """Close the open item as incomplete and forget what waits behind it."""
        if self.queue and self.queue[0].item is not None:
            self._close_head("incomplete", events)
        self.queue.clear()

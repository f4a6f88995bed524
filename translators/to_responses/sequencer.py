"""The output items of one answer, one lane each, in the order in which the provider began them.

The stream machine says what arrived; `ItemSequencer` decides which item it belongs to and when that goes out. Only
the first lane is open: what arrives for a later one waits there, so that items are done in the order of their index.
A message or reasoning item closes when anything else arrives, a picture at once; a call closes when something else has
arrived *and* its arguments are whole JSON, so that clients can start it early; at the end everything closes. An
incomplete item is the last one. Index and ids are given when an item opens, and never change.
"""

from collections import deque
from typing import Any, Final, Literal

from translators.errors import UpstreamError, answer_too_large
from translators.notes import Notes
from translators.open_items.base import FinalStatus, OpenItem, PieceKind
from translators.open_items.citations import Citations
from translators.open_items.compaction import OpenCompaction
from translators.open_items.message import OpenMessage
from translators.open_items.picture import OpenPicture, is_picture
from translators.open_items.reasoning import OpenReasoning, ShownAs
from translators.reasoning.opaque import OpaqueReasoning
from translators.responses.events import Event
from translators.responses.ids import Ids
from translators.responses.items import Compaction, OutputItem
from translators.to_responses.calls import ProviderCall
from translators.to_responses.expectations import Expectations
from translators.tools.kinds import BY_NAME

Kind = Literal["message", "reasoning", "call", "picture", "compaction"]
_KIND_OF: Final[dict[PieceKind, Kind]] = {"text": "message", "refusal": "message", "reasoning": "reasoning"}


class Lane:
    """One output item: open, or waiting for the items before it to close with what arrived for it so far."""

    __slots__ = ("call", "closed", "held", "item", "kind", "opaque")

    def __init__(self, kind: Kind, call: ProviderCall | None = None, opaque: OpaqueReasoning | None = None) -> None:
        self.kind = kind
        self.call = call
        self.opaque = opaque
        self.item: OpenItem | None = None
        self.held: list[tuple[PieceKind, str, list[Any]]] = []
        self.closed = False

    def is_over(self) -> bool:
        """Tell whether the item may close now that something else has arrived."""
        return self.call is None or self.call.has_ended()


class ItemSequencer:
    """The lanes of one answer; `output` are the items that are done."""

    def __init__(
        self,
        ids: Ids,
        expectations: Expectations,
        notes: Notes,
        citations: Citations,
        *,
        reasoning_as: ShownAs,
        most: int,
        most_calls: int | None,
    ) -> None:
        """`most` items may be made; one more raises UpstreamError. Calls beyond `most_calls` are dropped."""
        self._ids = ids
        self._notes = notes
        self._citations = citations
        self._reasoning_as = reasoning_as
        self._opaque = OpaqueReasoning()
        """What came of thinking for a reasoning item that is still to come."""
        self._most = most
        self._most_calls = most_calls
        self._call_ids: dict[ProviderCall, str] = {}
        self._lane_of: dict[ProviderCall, Lane] = {}
        self._pictures: set[str] = set()
        """The URLs of those that came."""
        self._opened = 0
        self.output: list[OutputItem] = []
        self.waiting: deque[Lane] = deque()
        """Those that are not done; the first one is open."""
        self.written = 0
        """Characters of text, reasoning and arguments: what the model wrote."""
        self.attached = 0
        """Characters of pictures, of sources and of what only the provider reads."""
        self.expect(expectations)

    def expect(self, expectations: Expectations) -> None:
        """Belong to another request than before; no call and no thinking has come yet."""
        self._names = expectations.names
        self._seal_policy = expectations.seal_policy
        self._taken = set(expectations.taken_call_ids)

    def has_answer(self) -> bool:
        """Tell whether the model has begun an item; a compaction is none of its."""
        return bool(self.waiting) or any(not isinstance(item, Compaction) for item in self.output)

    # --- what arrives -----------------------------------------------------------------------------------------

    def put(self, piece: PieceKind, text: str, logprobs: list[Any], events: list[Event]) -> None:
        """Give a piece of text, refusal or reasoning to the item it continues, or to a new one."""
        self.written += len(text)
        lanes = self.waiting
        lane = lanes[-1] if lanes else None
        kind = _KIND_OF[piece]
        if lane is None or lane.kind != kind:
            lane = self._reasoning_lane() if kind == "reasoning" else Lane(kind)
            self._begin(lane, events)
        item = lane.item
        if item is None:
            lane.held.append((piece, text, logprobs))
        else:
            events += item.append(piece, text, logprobs)

    def put_picture(self, url: str, events: list[Event]) -> None:
        """Give a picture an item of its own; one that is only a URL becomes a link. The same again is no other."""
        if url in self._pictures:
            return
        self._pictures.add(url)
        if is_picture(url):
            self.attached += len(url)
            lane = Lane("picture")
            lane.held.append(("picture", url, []))
            self._begin(lane, events)
        elif url.startswith(("https://", "http://")):
            gap = "\n\n" if self.waiting and self.waiting[-1].kind == "message" else ""
            self.put("text", f"{gap}![image]({url})", [], events)
            self._notes.add("images", "approximated", "a picture that is a URL of the web is a link in the text")
        else:
            self._notes.add("images", "dropped", "one that is neither data nor a URL of the web")

    def open_compaction(self, events: list[Event]) -> None:
        self._begin(Lane("compaction"), events)

    def close_compaction(self, sealed: str, events: list[Event]) -> None:
        """Give the open compaction item what it stands for."""
        item = self.waiting[0].item
        assert item is not None
        events += item.append("sealed", sealed, [])
        self._close_head("completed", events)

    def put_call(
        self, call: ProviderCall, fragment: str, extra: dict[str, Any] | None, events: list[Event]
    ) -> None:
        """Give a part of its arguments to a call, and what the provider wants back with it (`extra`)."""
        self.written += len(fragment)
        lane = self._lane_of.get(call)
        if lane is None and len(self._lane_of) == self._most_calls:
            self._notes.add("parallel_tool_calls", "dropped", "calls behind the first one: the client wanted one only")
            return
        if extra:
            self.attached += self.thought().add_call(self._call_id(call), extra)
        if lane is None:
            lane = self._lane_of[call] = Lane("call", call)
            self._begin(lane, events)
        if lane.closed:
            if fragment.strip():
                self._notes.add("tool_calls", "dropped", "arguments arrived for a call that was complete")
            return
        if lane.item is None:
            if fragment:
                lane.held.append(("arguments", fragment, []))
        elif fragment:
            events += lane.item.append("arguments", fragment, [])
        if lane is self.waiting[0] and (lane.item is None or len(self.waiting) > 1):
            self._advance(events)

    def thought(self) -> OpaqueReasoning:
        """Return where opaque parts of thinking go: to the thinking that arrives, else to the next reasoning item."""
        opaque = self.waiting[-1].opaque if self.waiting else None
        return self._opaque if opaque is None else opaque

    def _reasoning_lane(self) -> Lane:
        lane = Lane("reasoning", opaque=self._opaque)
        self._opaque = OpaqueReasoning()
        return lane

    # --- what goes out ----------------------------------------------------------------------------------------

    def _begin(self, lane: Lane, events: list[Event]) -> None:
        if self._opaque and self._seal_policy is not None:
            self.waiting.append(self._reasoning_lane())  # an item of its own, ahead of what it may belong to
        self.waiting.append(lane)
        if len(self.output) + len(self.waiting) > self._most:
            raise answer_too_large()
        self._advance(events)

    def _advance(self, events: list[Event]) -> None:
        """Open the first lane; close it and go on as long as something waits behind it and it is over."""
        while self.waiting:
            head = self.waiting[0]
            if head.item is None and not self._open(head, events):
                return
            if head.kind != "picture" and (len(self.waiting) == 1 or not head.is_over()):
                return
            self._close_head("completed", events)

    def _open(self, lane: Lane, events: list[Event]) -> bool:
        """Open a lane's item and tell it what waited; False for a call that has no name yet."""
        if lane.kind == "message":
            lane.item = OpenMessage(self._opened, self._ids.item("msg"), self._citations)
        elif lane.kind == "reasoning":
            assert lane.opaque is not None
            lane.item = OpenReasoning(
                self._opened, self._ids.item("rs"), self._reasoning_as, lane.opaque, self._seal_policy
            )
        elif lane.kind == "picture":
            lane.item = OpenPicture(self._opened, self._ids.item("ig"))
        elif lane.kind == "compaction":
            lane.item = OpenCompaction(self._opened, self._ids.item("cmp"))
        else:
            call = lane.call
            if call is None or not call.name:
                return False
            called = self._names.restore(call.name)
            row = BY_NAME.get(called.kind, BY_NAME["function"])
            lane.item = row.open_call(self._opened, self._ids.item(row.prefix), self._call_id(call), called)
        self._opened += 1
        events += lane.item.open()
        for piece, text, logprobs in lane.held:
            events += lane.item.append(piece, text, logprobs)
        lane.held.clear()
        return True

    def _call_id(self, call: ProviderCall) -> str:
        """Return the provider's id where it can serve (1–64 characters, not used before), else one of ours."""
        if call not in self._call_ids:
            id = call.id
            if not 0 < len(id) <= 64 or id in self._taken:
                id = self._ids.call()
            self._taken.add(id)
            self._call_ids[call] = id
        return self._call_ids[call]

    def _close_head(self, status: FinalStatus, events: list[Event]) -> None:
        lane = self.waiting.popleft()
        lane.closed = True
        if lane.item is None:
            return
        try:
            events += lane.item.close(status)
        except UpstreamError:  # a call that does not fit its tool
            events += lane.item.close("incomplete")
            raise
        finally:
            self.output.append(lane.item.item)

    def close_all(self, status: FinalStatus, events: list[Event]) -> None:
        """Close every lane in order. When the answer was cut short, what is unfinished is the last item."""
        if self._opaque and self._seal_policy is not None:
            if status == "completed":
                self.waiting.append(self._reasoning_lane())
            else:
                self._notes.add("reasoning", "dropped", "signatures behind an answer that was cut short")
        while self.waiting:
            lane = self.waiting[0]
            if lane.item is None and not self._open(lane, events):
                self.waiting.popleft()
                self._notes.add("tool_calls", "dropped", "the provider never named the function of a call")
                continue
            cut = status == "incomplete" and (
                not lane.call.is_complete() if lane.call and lane.call.arguments else len(self.waiting) == 1
            )
            self._close_head("incomplete" if cut else "completed", events)
            if cut and self.waiting:
                self._notes.add("tool_calls", "dropped", "what stood behind a call that was cut short")
                self.waiting.clear()

    def break_off(self, events: list[Event]) -> None:
        """Close the open item as incomplete and forget what waits behind it."""
        if self.waiting and self.waiting[0].item is not None:
            self._close_head("incomplete", events)
        self.waiting.clear()

"""The stream machine: chunks of one chat answer → the events of one Responses stream.

Sans-I/O. `start()` announces the response; `feed(chunk)`, then one of `finish`, `fail` and `cancel`, return lists of
events; `response` is always the latest snapshot and, after the terminal event, what the store keeps and GET answers.
A whole completion is one chunk, so streamed and unstreamed answers take the same way.

Rules: `response.created` comes first and exactly one terminal event last. Events are numbered when they leave, in
`_leave`, nowhere else. Items are open one at a time and done in the order of their `output_index`: what arrives for a
later item waits in its lane. A message or reasoning item closes when anything else arrives, a picture at once; a call
closes when something else has arrived *and* its arguments are whole JSON, so that clients can start it early; at the
end everything closes. An incomplete item is the last one. Limits end in `response.failed`.
"""

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from translators.calls import CallSorter, ProviderCall
from translators.chat import AudioDelta, ChatUsage, Chunk, Delta, Logprobs, ToolCallDelta
from translators.citations import Citations
from translators.deltas import calls_of, images_of, pieces_of, reasoning_of, tokens_of, usage_of
from translators.errors import ProtocolError, UpstreamError
from translators.events import (
    Event,
    ResponseCompleted,
    ResponseCreated,
    ResponseFailed,
    ResponseIncomplete,
    ResponseInProgress,
)
from translators.finish import ending
from translators.ids import Ids
from translators.images import OpenPicture, is_picture
from translators.items import OutputItem
from translators.notes import Notes
from translators.open_items import (
    Closed,
    OpenItem,
    OpenMessage,
    OpenReasoningText,
    OpenSummary,
    Piece,
)
from translators.reasoning import Opaque, Sealing
from translators.response import IncompleteDetails, Response, ResponseFailure
from translators.think_tags import ThinkTags
from translators.tools import ToolNames
from translators.tools.kinds import BY_NAME
from translators.upstream_errors import from_error
from translators.usage import estimated, to_usage

Kind = Literal["message", "reasoning", "call", "picture"]
_KIND_OF: Final[dict[Piece, Kind]] = {"text": "message", "refusal": "message", "reasoning": "reasoning"}
_TIERS: Final = frozenset({"default", "flex", "scale", "priority", "fast", "ultrafast"})
"""Service tiers that a response may show; clients' types refuse the names that others have (Groq's `on_demand`)."""


class Limits(Struct, frozen=True, gc=False):
    """What one answer may hold before it counts as the provider's failure."""

    output_bytes: int = 64 * 1024 * 1024
    """Characters of text, reasoning, arguments, sources and pictures together."""
    items: int = 1024


class Lane:
    """One output item: open, or waiting for the items before it to close with what arrived for it so far."""

    __slots__ = ("call", "closed", "held", "item", "kind", "opaque")

    def __init__(self, kind: Kind, call: ProviderCall | None = None, opaque: Opaque | None = None) -> None:
        self.kind = kind
        self.call = call
        self.opaque = opaque
        self.item: OpenItem | None = None
        self.held: list[tuple[Piece, str, list[Any]]] = []
        self.closed = False

    def is_over(self) -> bool:
        """Tell whether the item may close now that something else has arrived."""
        return self.call is None or self.call.has_ended()


class ResponseStream:
    """One response on its way from its first snapshot to its terminal one."""

    def __init__(
        self,
        response: Response,
        ids: Ids,
        *,
        names: ToolNames,
        notes: Notes,
        reasoning_as: Literal["summary", "content"] = "summary",
        sealing: Sealing | None = None,
        taken_call_ids: Iterable[str] = (),
        prompt_bytes: int = 0,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        """`taken_call_ids` are those of the history; `prompt_bytes` (size of the chat request) is for estimates."""
        self.response = response
        self._ids = ids
        self._names = names
        self._notes = notes
        self._reasoning_as = reasoning_as
        self._sealing = sealing
        self._opaque = Opaque()
        """What came of thinking for a reasoning item that is still to come."""
        self._taken = set(taken_call_ids)
        self._prompt_bytes = prompt_bytes
        self._most_bytes = limits.output_bytes
        self._most_items = limits.items
        self._left = 0
        self._size = 0
        """Characters of text, reasoning and arguments: what the model wrote."""
        self._attached = 0
        """Characters of sources and pictures."""
        self._opened = 0
        self._output: list[OutputItem] = []
        self._lanes: deque[Lane] = deque()
        self._lane_of: dict[ProviderCall, Lane] = {}
        self._call_ids: dict[ProviderCall, str] = {}
        self._sorter = CallSorter()
        self._think: ThinkTags | None = ThinkTags()
        self._tokens: list[Any] = []
        """Log probabilities of the content that `_think` holds back."""
        self._citations = Citations(notes)
        self._pictures: set[str] = set()
        """The URLs of those that came."""
        self._usage: ChatUsage | None = None
        self._finish_reason: str | None = None
        self._service_tier: str | None = None
        self.is_over = False
        """The terminal event has been made; nothing follows it."""
        self.error: ProtocolError | None = None
        """Why the response failed, if it did."""

    def start(self) -> list[Event]:
        return self._leave(
            [ResponseCreated(response=self.response), ResponseInProgress(response=self.response)]
        )

    def still_running(self) -> list[Event]:
        """Return an event for a client whose idle timer only data resets (Codex ignores comments)."""
        return self._leave([ResponseInProgress(response=self.response)])

    def feed(self, chunk: Chunk) -> list[Event]:
        """Return the events of one chunk; [] once the response is over."""
        if self.is_over:
            return []
        events: list[Event] = []
        if chunk.usage is not None or chunk.x_groq is not None:
            self._usage = usage_of(chunk) or self._usage
        if chunk.search_results:
            self._attached += self._citations.take_list(chunk.search_results)
        if chunk.citations:
            self._attached += self._citations.take_list(chunk.citations)
        if (tier := chunk.service_tier) is not None and tier in _TIERS:
            self._service_tier = tier
        choices = chunk.choices
        if chunk.error or (not choices and (chunk.message or chunk.detail)):
            return self.fail(from_error(chunk.error or {"message": chunk.message, "detail": chunk.detail}))
        try:
            for choice in choices or ():
                if choice.index:
                    continue  # n > 1 was never asked for
                delta = choice.delta
                whole = delta is None
                if delta is None:
                    delta = choice.message
                if delta is not None:
                    self._read(delta, choice.logprobs, whole, events)
                elif choice.text:
                    self._put("text", choice.text, [], events)
                if choice.finish_reason:
                    self._finish_reason = choice.finish_reason
                elif choice.finish_details is not None:
                    self._finish_reason = choice.finish_details.type
                if choice.error:
                    return self._leave(events) + self.fail(from_error(choice.error))
        except UpstreamError as error:
            return self._leave(events) + self.fail(error)
        if self._size + self._attached > self._most_bytes or len(self._output) + len(self._lanes) > self._most_items:
            return self._leave(events) + self.fail(
                UpstreamError("The provider's answer is larger than this adapter's limits allow.")
            )
        return self._leave(events)

    def finish(self, now: int, *, done: bool) -> list[Event]:
        """End as the provider ended. `done`: it said so itself (`[DONE]`, a whole completion), it was not cut off.

        `now` is in Unix seconds.
        """
        if self.is_over:
            return []
        events: list[Event] = []
        try:
            self._let_go(events)
        except UpstreamError as error:
            return self._leave(events) + self.fail(error)
        produced = bool(self._output or self._lanes)
        counted = self._usage
        end = ending(
            self._finish_reason,
            done=done,
            produced=produced,
            refused_room=counted is not None and bool(counted.prompt_tokens) and not counted.completion_tokens,
        )
        if end.error is not None:
            return self._leave(events) + self.fail(end.error)
        if end.unknown is not None:
            self._notes.add("finish_reason", "approximated", f"'{end.unknown}' is taken as completed")
        elif not self._finish_reason:
            self._notes.add("finish_reason", "approximated", "the provider gave none; taken as completed")
        try:
            self._close_all("incomplete" if end.incomplete else "completed", events)
        except UpstreamError as error:
            return self._leave(events) + self.fail(error)
        if end.incomplete is None:
            self.response = self._terminal(status="completed", completed_at=now)
            events.append(ResponseCompleted(response=self.response))
        else:
            self.response = self._terminal(
                status="incomplete", incomplete_details=IncompleteDetails(end.incomplete)
            )
            events.append(ResponseIncomplete(response=self.response))
        return self._leave(events)

    def fail(self, error: ProtocolError) -> list[Event]:
        """End with `response.failed`."""
        if self.is_over:
            return []
        self.error = error
        return self._break_off(status="failed", error=ResponseFailure(error.code or "server_error", error.message))

    def cancel(self) -> list[Event]:
        """End because nobody wants the answer any more: `response.failed` with status `cancelled`."""
        if self.is_over:
            return []
        return self._break_off(status="cancelled")

    def revoke(self, events: list[Event], error: ProtocolError) -> list[Event]:
        """Return the last events with a failure as their terminal one: the response could not be kept."""
        self.error = error
        self.response = replace(
            self.response,
            status="failed",
            completed_at=None,
            incomplete_details=None,
            error=ResponseFailure(error.code or "server_error", error.message),
        )
        last = ResponseFailed(response=self.response, sequence_number=events[-1].sequence_number)
        return [*events[:-1], last]

    # --- reading a delta --------------------------------------------------------------------------------------

    def _read(self, delta: Delta, logprobs: Logprobs | None, whole: bool, events: list[Event]) -> None:
        if delta.reasoning_content or delta.reasoning or delta.reasoning_details:
            reasoning = reasoning_of(delta)
            if reasoning:
                self._put("reasoning", reasoning, [], events)
            if delta.reasoning_details:
                self._attached += self._thought().take_details(delta.reasoning_details, whole=whole)
        if delta.extra_content:
            self._attached += self._thought().take_answer(delta.extra_content)
        if delta.annotations:
            self._attached += self._citations.take_annotations(delta.annotations)
        content = delta.content
        if content:
            tokens = tokens_of(logprobs) if logprobs is not None else []
            if not isinstance(content, str):
                self._let_go(events)
                for piece, text in pieces_of(content):
                    if piece == "image":
                        self._put_picture(text, events)
                    elif piece == "other":
                        self._notes.add("content", "dropped", "a part that is neither text nor picture")
                    elif text:
                        self._put(piece, text, [], events)
            elif self._think is None:
                self._put("text", content, tokens, events)
            else:
                self._split(self._think.feed(content), tokens, events)
        if delta.audio is not None:
            self._read_audio(delta.audio, events)
        if delta.refusal:
            self._let_go(events)
            self._put("refusal", delta.refusal, [], events)
            if logprobs is not None and logprobs.refusal:
                self._notes.add("logprobs", "dropped", "those of a refusal: the part has no place for them")
        if delta.images:
            for url in images_of(delta):
                self._put_picture(url, events)
        if delta.tool_calls or delta.function_call is not None:
            for call in calls_of(delta, whole=whole):
                self._let_go(events)
                self._put_call(call, events)

    def _read_audio(self, audio: AudioDelta, events: list[Event]) -> None:
        """What was spoken is the answer's text."""
        if audio.transcript:
            self._let_go(events)
            self._put("text", audio.transcript, [], events)
        if audio.data:
            self._notes.add("audio", "dropped", "a response has no place for sound; its transcript is the text")

    def _let_go(self, events: list[Event]) -> None:
        """Write the content that was held back: it stands before what comes now."""
        if self._think is not None:
            self._split(self._think.flush(), [], events)

    def _split(self, pieces: list[tuple[bool, str]], tokens: list[Any], events: list[Event]) -> None:
        self._tokens += tokens
        for thinking, text in pieces:
            tokens, self._tokens = self._tokens, []
            if thinking:
                self._put("reasoning", text, [], events)
            else:
                self._put("text", text, tokens, events)
        if self._think is not None and self._think.over:
            self._think = None

    def _put(self, piece: Piece, text: str, logprobs: list[Any], events: list[Event]) -> None:
        """Give a piece of text, refusal or reasoning to the item it continues, or to a new one."""
        self._size += len(text)
        lanes = self._lanes
        lane = lanes[-1] if lanes else None
        kind = _KIND_OF[piece]
        if lane is None or lane.kind != kind:
            lane = self._reasoning_lane() if kind == "reasoning" else Lane(kind)
            lanes.append(lane)
            self._advance(events)
        item = lane.item
        if item is None:
            lane.held.append((piece, text, logprobs))
        else:
            events += item.append(piece, text, logprobs)

    def _thought(self) -> Opaque:
        """Return where opaque parts of thinking go: to the thinking that arrives, else to the next reasoning item."""
        opaque = self._lanes[-1].opaque if self._lanes else None
        return self._opaque if opaque is None else opaque

    def _reasoning_lane(self) -> Lane:
        lane = Lane("reasoning", opaque=self._opaque)
        self._opaque = Opaque()
        return lane

    def _put_picture(self, url: str, events: list[Event]) -> None:
        """Give a picture an item of its own; one that is only a URL becomes a link."""
        if url in self._pictures:
            return
        self._pictures.add(url)
        self._let_go(events)
        if is_picture(url):
            self._attached += len(url)
            lane = Lane("picture")
            lane.held.append(("picture", url, []))
            self._lanes.append(lane)
            self._advance(events)
        elif url.startswith(("https://", "http://")):
            gap = "\n\n" if self._lanes and self._lanes[-1].kind == "message" else ""
            self._put("text", f"{gap}![image]({url})", [], events)
            self._notes.add("images", "approximated", "a picture that is a URL of the web is a link in the text")
        else:
            self._notes.add("images", "dropped", "one that is neither data nor a URL of the web")

    def _put_call(self, delta: ToolCallDelta, events: list[Event]) -> None:
        call, fragment = self._sorter.sort(delta)
        self._size += len(fragment)
        lane = self._lane_of.get(call)
        if delta.extra_content:
            self._attached += self._thought().take_call(self._call_id(call), delta.extra_content)
        if lane is None:
            if self._opaque and self._sealing is not None:
                self._lanes.append(self._reasoning_lane())  # ahead of the call, which goes nowhere without it
            lane = self._lane_of[call] = Lane("call", call)
            self._lanes.append(lane)
            self._advance(events)
        if lane.closed:
            if fragment.strip():
                self._notes.add("tool_calls", "dropped", "arguments arrived for a call that was complete")
            return
        if lane.item is None:
            if fragment:
                lane.held.append(("arguments", fragment, []))
        elif fragment:
            events += lane.item.append("arguments", fragment, [])
        if lane is self._lanes[0] and (lane.item is None or len(self._lanes) > 1):
            self._advance(events)

    # --- lanes ------------------------------------------------------------------------------------------------

    def _advance(self, events: list[Event]) -> None:
        """Open the first lane; close it and go on as long as something waits behind it and it is over."""
        while self._lanes:
            head = self._lanes[0]
            if head.item is None and not self._open(head, events):
                return
            if head.kind != "picture" and (len(self._lanes) == 1 or not head.is_over()):
                return
            self._close_head("completed", events)

    def _open(self, lane: Lane, events: list[Event]) -> bool:
        """Open a lane's item and tell it what waited; False for a call that has no name yet."""
        if lane.kind == "message":
            lane.item = OpenMessage(self._opened, self._ids.item("msg"), self._citations)
        elif lane.kind == "reasoning":
            kind = OpenSummary if self._reasoning_as == "summary" else OpenReasoningText
            assert lane.opaque is not None
            lane.item = kind(self._opened, self._ids.item("rs"), lane.opaque, self._sealing)
        elif lane.kind == "picture":
            lane.item = OpenPicture(self._opened, self._ids.item("ig"))
        else:
            call = lane.call
            if call is None or not call.name:
                return False
            called = self._names.restore(call.name)
            row = BY_NAME.get(called.kind, BY_NAME["function"])
            lane.item = row.opening(self._opened, self._ids.item(row.prefix), self._call_id(call), called)
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

    def _close_head(self, status: Closed, events: list[Event]) -> None:
        lane = self._lanes.popleft()
        lane.closed = True
        if lane.item is None:
            return
        try:
            events += lane.item.close(status)
        except UpstreamError:  # a call that does not fit its tool
            events += lane.item.close("incomplete")
            raise
        finally:
            self._output.append(lane.item.item)

    def _close_all(self, status: Closed, events: list[Event]) -> None:
        """Close every lane in order. When the answer was cut short, what is unfinished is the last item."""
        if self._opaque and self._sealing is not None:
            if status == "completed":
                self._lanes.append(self._reasoning_lane())
            else:
                self._notes.add("reasoning", "dropped", "signatures behind an answer that was cut short")
        while self._lanes:
            lane = self._lanes[0]
            if lane.item is None and not self._open(lane, events):
                self._lanes.popleft()
                self._notes.add("tool_calls", "dropped", "the provider never named the function of a call")
                continue
            cut = status == "incomplete" and (
                not lane.call.is_complete() if lane.call and lane.call.arguments else len(self._lanes) == 1
            )
            self._close_head("incomplete" if cut else "completed", events)
            if cut and self._lanes:
                self._notes.add("tool_calls", "dropped", "calls behind one that was cut short")
                self._lanes.clear()

    # --- the end ----------------------------------------------------------------------------------------------

    def _break_off(
        self, *, status: Literal["failed", "cancelled"], error: ResponseFailure | None = None
    ) -> list[Event]:
        events: list[Event] = []
        with suppress(UpstreamError):  # it is failing already
            self._let_go(events)
        if self._lanes and self._lanes[0].item is not None:
            self._close_head("incomplete", events)
        self._lanes.clear()
        self.response = self._terminal(status=status, error=error)
        events.append(ResponseFailed(response=self.response))
        return self._leave(events)

    def _terminal(self, **changes: Any) -> Response:
        if self._usage is not None:
            usage = to_usage(self._usage)
        else:
            usage = estimated(self._prompt_bytes, self._size)
            self._notes.add("usage", "estimated", "the provider counted no tokens")
        self._citations.end()
        self.is_over = True
        tier = self._service_tier or "default"
        return replace(self.response, output=tuple(self._output), usage=usage, service_tier=tier, **changes)

    def _leave(self, events: list[Event]) -> list[Event]:
        """Number events on their way out."""
        for event in events:
            event.sequence_number = self._left
            self._left += 1
        return events

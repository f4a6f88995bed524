"""The content of an answer: thinking in tags at its start, then text, and calls that the model wrote as text.

`ContentReader` writes all of them into the items of an answer. What looks for tags and marks is built only if content
begins like one, or if the request declares functions. Once no mark can count (`is_over`), or while none is coming
(`is_idle`) and none of their first characters either, content is text, and the stream machine puts it into the message
without asking here. Thinking that has come before, in a member of the deltas, is not written a second time. Calls that
were written as text become calls at the end of the answer, unless the provider has sent them as calls too.
"""

from collections.abc import Callable
from re import Match
from typing import Any, Final, Literal

from msgspec import Struct

from translators.chat.chunks import AudioDelta, Delta, FunctionDelta, Logprobs, ToolCallDelta
from translators.notes import Notes
from translators.reasoning.fields import is_in_blocks, read_thinking
from translators.reasoning.repetition import Repetition
from translators.reasoning.think_tags import THINK_TAGS, Piece, ThinkTags
from translators.responses.events import Event
from translators.to_responses.content.forms import BARE_PREFIXES
from translators.to_responses.content.functions import DeclaredFunctions, MarkedCall
from translators.to_responses.content.marks import OPENINGS, may_hold_mark, may_hold_minimax_mark
from translators.to_responses.content.splitter import MarkSplitter
from translators.to_responses.deltas import pieces_of, tokens_of
from translators.to_responses.expectations import Expectations
from translators.to_responses.sequencer import ItemSequencer

_LOGPROBS_IN_TAGS: Final = "those of an answer that thinks in tags"
_FIRST_INDEX: Final = 1_000_000
"""Of the calls that were written as text: no provider counts so far."""
CALL_IN_TEXT: Final = "a call that was written as text"
"""The reason of the note on one."""
_OPENERS: Final = frozenset(
    start[:1] for start in ("", "{", "[", *BARE_PREFIXES, *OPENINGS, *(tag.opening for tag in THINK_TAGS))
)
"""What content begins with that may not be text; "": so far it is only white space."""
_Place = Literal["tags", "blocks"]


class ContentReader(Struct, eq=False):
    """Reads the content of one answer."""

    _items: ItemSequencer
    _notes: Notes
    _expectations: Expectations
    is_idle: bool = False
    """Text without "<" and "[" is text and nothing else."""
    _is_in_text: bool = False
    """The tags are over, and no mark has begun."""
    is_over: bool = False
    """All that follows is text."""
    is_waiting: bool = False
    """Some content is held back."""
    _tags: ThinkTags | None = None
    """None: no tag counts, or none counts any longer."""
    _marks: MarkSplitter | None = None
    """None: nothing has been read, or it `is_over`."""
    _may_be_minimax: bool = False
    _find_mark: Callable[[str], Match[str] | None] = may_hold_mark
    """Returns whether content may hold one of the marks that the model may write."""
    _tokens: list[Any] | None = []
    """Log probabilities of the content that is held back; None: the model thinks in tags, and none go out."""
    _repetitions: dict[_Place, Repetition] = {}
    """Compare the thinking in tags, and in blocks, with what other members of the deltas had."""

    def _begin(self, content: str) -> None:
        """Prepare for content that begins so."""
        expected = self._expectations
        self._is_in_text = not expected.thinks_first and content.lstrip()[:1] not in _OPENERS
        if self._is_in_text and not expected.functions:
            self.is_over = True
            return
        self._tags = None if self._is_in_text else ThinkTags(expected.thinks_first)
        self._marks = MarkSplitter(self._declared(), in_text=self._is_in_text)
        self._may_be_minimax = not expected.model or "minimax" in expected.model.lower()
        self._find_mark = may_hold_minimax_mark if self._may_be_minimax else may_hold_mark

    def _declared(self) -> DeclaredFunctions:
        return DeclaredFunctions(self._expectations.functions, self._expectations.names)

    def put(self, content: str, tokens: list[Any], events: list[Event]) -> None:
        """Add a piece of content and its log probabilities."""
        if self._marks is None and not self.is_over:
            self._begin(content)
        if self._marks is None:
            self._items.put("text", content, tokens, events)
            return
        if self._tokens is not None:
            self._tokens += tokens
        if self._is_in_text and (text := self._marks.take_text(content, self._find_mark)) is not None:
            if text and self._tokens:
                self._items.put("text", text, self._tokens, events)
                self._tokens = []
            elif text:
                self._items.put("text", text, [], events)
            self.is_waiting = bool(self._marks.held)
            self.is_idle = not self.is_waiting and not self._may_be_minimax
            return
        self._split(self._marks, [(False, content)] if self._tags is None else self._tags.feed(content), events)

    def count_texts(self, pieces: list[str]) -> int:
        """Return how many pieces of content, from the first one, are text and nothing else."""
        if self.is_over:
            return len(pieces)
        if not self.is_idle:
            return 0
        if "<" not in (text := "".join(pieces)) and "[" not in text:
            return len(pieces)
        for count, piece in enumerate(pieces):
            if ("<" in piece or "[" in piece) and may_hold_mark(piece):
                return count
        return len(pieces)

    def put_parts(self, content: list[Any] | dict[str, Any], events: list[Event]) -> None:
        """Add content that is a list of parts, or one part; their places among each other stay."""
        for piece, text in pieces_of(content):
            if piece == "text":
                self.put(text, [], events)
                continue
            self.flush(events)
            if piece == "image":
                self._items.put_image(text, events)
            elif piece == "other":
                self._notes.add("content", "dropped", "a part that is neither text nor image")
            elif text:
                self._items.put(piece, text, [], events)

    def put_blocks(self, delta: Delta, whole: bool, events: list[Event]) -> None:
        """Add what holds thinking together with its signature; its text may have come before, under another name."""
        items = self._items
        thinking = read_thinking(delta)
        if thinking and is_in_blocks(delta):
            self.think(thinking, "blocks", events)
        elif thinking:
            items.put("reasoning", thinking, [], events)
        opaque = items.opaque()
        if delta.reasoning_details:
            items.attached += opaque.add_details(delta.reasoning_details, whole=whole)
        if delta.thinking_blocks:
            items.attached += opaque.add_blocks(delta.thinking_blocks, whole=whole)
        if delta.reasoning_opaque:
            items.attached += opaque.add_sealed(delta.reasoning_opaque)

    def put_audio(self, audio: AudioDelta, events: list[Event]) -> None:
        """Add the transcript of audio to the text."""
        if audio.transcript:
            self.flush(events)
            self._items.put("text", audio.transcript, [], events)
        if audio.data:
            self._notes.add("audio", "dropped", "a response has no place for sound; its transcript is the text")

    def flush(self, events: list[Event]) -> None:
        """Write what waits for the rest of a tag or mark; it precedes the piece that arrives now."""
        if self.is_waiting and self._marks is not None:
            if self._tags is not None:
                self._split(self._marks, self._tags.flush(), events)
            self._write(self._marks.flush(), events)
            self._end_thinking("tags", events)
            self.is_waiting = False

    def release(self, events: list[Event]) -> None:
        """Write all that is held back, at the end of the answer."""
        self.flush(events)
        self._end_thinking("blocks", events)
        if self._marks is not None and self._marks.has_unread:
            self._notes.add("content", "approximated", "what looked like a call, but of no declared function, is text")

    def finish(self, events: list[Event]) -> None:
        """End an answer: write what is held back, and put what the model wrote in the wrong place where it belongs."""
        if self._marks is not None or self._repetitions:
            self.release(events)
        calls = [] if self._marks is None else self._marks.calls
        if self._items.text is None and self._items.has_only_thinking():
            thinking = "".join(self._items.thinking())
            calls = calls or self._calls_in(thinking)
            find_answer = self._expectations.find_answer
            answer = find_answer(thinking) if find_answer is not None and not calls else None
            if answer is not None:
                self._items.put("text", answer, [], events)
                self._notes.add("content", "repaired", "the answer came as thinking")
        for position, call in enumerate(calls):
            self._put_call(call, _FIRST_INDEX + position, events)

    def think(self, text: str, place: _Place, events: list[Event]) -> None:
        """Add thinking that other members of the deltas may have had."""
        repetition = self._repetitions.get(place)
        if repetition is None:
            repetition = self._repetitions[place] = Repetition(self._items.thinking())
        if new := repetition.add(text):
            self._items.put("reasoning", new, [], events)

    def tokens(self, logprobs: Logprobs) -> list[Any]:
        """Return log probabilities; none after thinking in tags, whose tokens do not begin and end with the tags."""
        if self._tokens is None:
            self._notes.add("logprobs", "dropped", _LOGPROBS_IN_TAGS)
            return []
        return tokens_of(logprobs)

    # --- pieces -----------------------------------------------------------------------------------------------

    def _split(self, marks: MarkSplitter, pieces: list[Piece], events: list[Event]) -> None:
        """Write what the tags have left; look for marks in the text."""
        known = len(marks.calls)
        for is_thinking, text in pieces:
            if is_thinking:
                self._write([(True, text)], events)
            else:
                self._end_thinking("tags", events)
                self._write(marks.feed(text), events)
        if self._tokens and len(marks.calls) > known:
            self._notes.add("logprobs", "dropped", "those of calls that were written as text")
            self._tokens = []
        if self._tags is not None and self._tags.over:
            self._tags = None
        is_idle = self._tags is None and marks.is_idle
        self.is_waiting = not is_idle
        self.is_over = is_idle and marks.is_over
        self._is_in_text = is_idle and not self.is_over
        self.is_idle = self._is_in_text and not self._may_be_minimax

    def _write(self, pieces: list[Piece], events: list[Event]) -> None:
        for is_thinking, text in pieces:
            if is_thinking:
                self.think(text, "tags", events)
                if self._tokens:
                    self._notes.add("logprobs", "dropped", _LOGPROBS_IN_TAGS)
                self._tokens = None
            elif self._tokens:
                self._items.put("text", text, self._tokens, events)
                self._tokens = []
            else:
                self._items.put("text", text, [], events)

    def _end_thinking(self, place: _Place, events: list[Event]) -> None:
        """Write what the thinking in one place has beyond what came in others; a repetition is dropped."""
        repetition = self._repetitions.get(place)
        if repetition is not None and not repetition.differs:
            if rest := repetition.end():
                self._items.put("reasoning", rest, [], events)
            if not repetition.differs:
                self._notes.add("reasoning", "dropped", "thinking that came a second time")
            self._repetitions[place] = Repetition([])

    # --- calls written as text --------------------------------------------------------------------------------

    def _calls_in(self, thinking: str) -> list[MarkedCall]:
        """Return the calls with which thinking ends."""
        if not self._expectations.functions:
            return []
        marks = MarkSplitter(self._declared())
        marks.feed(thinking)
        marks.flush()
        return marks.calls if marks.ends_in_call else []

    def _put_call(self, call: MarkedCall, index: int, events: list[Event]) -> None:
        if self._items.calls.sorter.has(call.name, call.arguments):
            self._notes.add("content", "dropped", "a call that was written as text, too")
            return
        function = FunctionDelta(call.name, call.arguments)
        self._items.put_call(ToolCallDelta(index, call.id, function), events)
        self._notes.add("content", "repaired", CALL_IN_TEXT)

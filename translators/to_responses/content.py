"""The content of an answer: thinking in tags at its start, then the text.

`ContentReader` writes both into the items of an answer. Once the rest of the content can only be text, `is_plain` is
set, and the stream machine puts it into the message without asking here. Thinking that has come before, in a member of
the deltas, is not written a second time.
"""

from typing import Any, Final, Literal

from translators.chat.chunks import Logprobs
from translators.notes import Notes
from translators.reasoning.repetition import Repetition
from translators.reasoning.think_tags import Piece, ThinkTags
from translators.responses.events import Event
from translators.to_responses.deltas import tokens_of
from translators.to_responses.sequencer import ItemSequencer

_Place = Literal["tags", "blocks"]
_LOGPROBS_IN_TAGS: Final = "those of an answer that thinks in tags"


class ContentReader:
    """Reads the content of one answer; `thinks_first`: it begins with thinking, tag or no tag."""

    __slots__ = ("_items", "_notes", "_repetitions", "_tags", "_tokens", "is_plain")

    def __init__(self, items: ItemSequencer, notes: Notes, *, thinks_first: bool) -> None:
        self.is_plain = False
        self._items = items
        self._notes = notes
        self._tags = ThinkTags(thinks_first)
        self._tokens: list[Any] | None = []
        """Log probabilities of the content that `_tags` holds back; None: the model thinks in tags, and none go out."""
        self._repetitions: dict[_Place, Repetition] = {}
        """Compare the thinking in tags, and in blocks, with what other members of the deltas had."""

    def put(self, content: str, tokens: list[Any], events: list[Event]) -> None:
        """Add a piece of content and its log probabilities."""
        self._write(self._tags.feed(content), tokens, events)

    def flush(self, events: list[Event]) -> None:
        """Write what waits for the rest of a tag; it precedes the piece that arrives now."""
        if not self.is_plain:
            self._write(self._tags.flush(), [], events)
            self._end_thinking("tags", events)

    def end(self, events: list[Event]) -> None:
        """Write what is still held back, at the end of the answer."""
        self.flush(events)
        self._end_thinking("blocks", events)

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

    def _write(self, pieces: list[Piece], tokens: list[Any], events: list[Event]) -> None:
        held = self._tokens
        if held is not None:
            held += tokens
        for is_thinking, text in pieces:
            if is_thinking:
                self.think(text, "tags", events)
                if held:
                    self._notes.add("logprobs", "dropped", _LOGPROBS_IN_TAGS)
                held = self._tokens = None
                continue
            self._end_thinking("tags", events)
            if held is None:
                self._items.put("text", text, [], events)
            else:
                self._items.put("text", text, held, events)
                held = self._tokens = []
        self.is_plain = self._tags.over

    def _end_thinking(self, place: _Place, events: list[Event]) -> None:
        """Write what the thinking in one place has beyond what came in others; a repetition is dropped."""
        repetition = self._repetitions.get(place)
        if repetition is not None and not repetition.differs:
            if rest := repetition.end():
                self._items.put("reasoning", rest, [], events)
            if not repetition.differs:
                self._notes.add("reasoning", "dropped", "thinking that came a second time")
            self._repetitions[place] = Repetition([])

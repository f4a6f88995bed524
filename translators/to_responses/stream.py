"""The stream machine: chunks of one chat answer → the events of one Responses stream.

Sans-I/O. `start()` announces the response; `feed(chunks)`, then one of `finish`, `fail` and `cancel`, return lists of
events; `response` is always the latest snapshot and, after the terminal event, what the store keeps and GET answers.
A whole completion is fed as one chunk, so streamed and unstreamed answers take the same way.

The laws of a stream; `docs/stream-laws.md` says why each, which client breaks without it, and which test holds it:

1. `response.created` comes first, one terminal event last, and nothing after it.
2. `sequence_number` is 0, 1, 2, …, set in `_number` and nowhere else.
3. Indexes, ids and `call_id` are assigned once, when an item opens, and are final at `output_item.added`.
4. Each added item is done exactly once, also on failure and cancellation; an incomplete item is the last.
5. Concatenated deltas == done text == item in the terminal response; the same for arguments and input.
6. `output` of the terminal response == the `output_item.done` items == what GET returns.
7. Any split of the bytes gives the same events; merging deltas gives the same response; streamed == unstreamed.
8. Items are open one at a time and done in the order of their index; a call is done as early as it can be.
9. Text gathers in lists and is joined once.
10. Limits are checked here and in the decoders and end in `response.failed`, never in an exception to the client.
11. to 13.: one lifecycle over any number of rounds; each hosted call settled once, and nothing else in between.

This module decides what arrived and how the response ends; `sequencer.py` which item a piece belongs to and when items
open and close (3, 4, 8).
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, Literal

from msgspec.structs import replace

from translators.chat.alike import AlikeChunks
from translators.chat.chunks import ChatUsage, Chunk, Delta, Logprobs
from translators.errors import ProtocolError, UpstreamError, answer_too_large
from translators.failures.classes import classify_error_object
from translators.notes import Notes
from translators.open_items.citations import Citations
from translators.reasoning.fields import read_thinking
from translators.responses.events import (
    Event,
    ResponseCompleted,
    ResponseCreated,
    ResponseFailed,
    ResponseIncomplete,
    ResponseInProgress,
    ResponseQueued,
)
from translators.responses.ids import Ids
from translators.responses.items import Reasoning
from translators.responses.response import IncompleteDetails, Response, ResponseFailure, Usage, failure_of
from translators.to_responses.content.marks import may_hold_mark
from translators.to_responses.content.reader import ContentReader
from translators.to_responses.deltas import calls_of, images_of, repeats_deltas, search_results_of, usage_of
from translators.to_responses.expectations import Expectations, Limits
from translators.to_responses.finish import AnswerEnd, IncompleteReason, Outcome, decide_outcome, only_forbidden_call
from translators.to_responses.hosted_calls import HostedCalls
from translators.to_responses.sequencer import ItemSequencer
from translators.to_responses.usage import add_usage, estimate_usage, read_usage

_SERVICE_TIERS: Final = frozenset({"default", "flex", "scale", "priority", "fast", "ultrafast"})
"""Service tiers that a response may show; clients' types reject other names, such as Groq's `on_demand`."""


class ResponseStream:
    """One response on its way from its first snapshot to its terminal one."""

    def __init__(
        self,
        response: Response,
        ids: Ids,
        expectations: Expectations = Expectations(),  # noqa: B008 - frozen
        *,
        notes: Notes,
        reasoning_as: Literal["summary", "content"] = "summary",
        limits: Limits = Limits(),  # noqa: B008 - frozen
        max_calls: int | None = None,
    ) -> None:
        self.response = response
        self._notes = notes
        self._max_bytes = limits.output_bytes
        self._next_number = 0
        self._citations = Citations(notes)
        self._items = ItemSequencer(
            ids, expectations, notes, self._citations, reasoning_as, limits.items, max_calls
        )
        self._expectations = expectations
        self._content: ContentReader | None = None
        """Reads the content, or ends an answer without any."""
        self._usage: ChatUsage | None = None
        self.spent: Usage | None = None
        """The usage of the chat calls before this one."""
        self._written_before = 0
        """Characters that the model wrote in earlier rounds."""
        self._finish_reason: str | None = None
        self._service_tier: str | None = None
        self.is_over = False
        """The terminal event was emitted; nothing follows it."""
        self.error: ProtocolError | None = None
        """Why the response failed, if it did."""

    @property
    def has_answer(self) -> bool:
        """Whether the provider has sent any output, or said how the answer ends."""
        return self.is_over or bool(self._finish_reason) or self._items.has_output()

    def expect(self, expectations: Expectations) -> None:
        """Expect the answer to another request; of an earlier one, nothing has been fed that says something."""
        self._usage = self._finish_reason = self._content = None
        self._expectations = expectations
        self._items.expect(expectations)

    def start(self) -> list[Event]:
        """Announce the response; one that was queued goes on as one in progress."""
        events: list[Event] = [ResponseCreated(response=self.response)]
        if self.response.status == "queued":
            events.append(ResponseQueued(response=self.response))
            self.response = replace(self.response, status="in_progress")
        return self._number([*events, ResponseInProgress(response=self.response)])

    def still_running(self) -> list[Event]:
        """Return an event for clients whose idle timer ignores comments. Source: Codex CLI 0.169."""
        return self._number([ResponseInProgress(response=self.response)])

    def feed(self, chunks: Iterable[Chunk | AlikeChunks]) -> list[Event]:
        """Return the events of chunks; [] once the response is over. An UpstreamError in reading them ends it."""
        events: list[Event] = []
        if self.is_over:
            return events
        try:
            self._read_chunks(chunks, events)
        except UpstreamError as error:
            return self._number(events) + self.fail(error)
        return self._number(events)

    def finish(self, now: int, *, done: bool) -> list[Event]:
        """End as the provider ended; `now` is in Unix seconds.

        `done`: the provider ended the answer itself, by `[DONE]` or as a whole completion; it was not cut off.
        """
        if self.is_over:
            return []
        events: list[Event] = []
        try:
            (self._content or self._reader()).finish(events)
        except UpstreamError as error:
            return self._number(events) + self.fail(error)
        items = self._items
        end = decide_outcome(AnswerEnd(self._finish_reason, done, items.has_output(), items.says_more(), self._usage))
        if end.error is not None:
            return self._number(events) + self.fail(end.error)
        if end.unknown is not None:
            word, taken_as = self._expectations.redact(end.unknown), end.incomplete or "completed"
            self._notes.add("finish_reason", "approximated", f"'{word}' is taken as {taken_as}")
        elif not self._finish_reason:
            self._notes.add("finish_reason", "approximated", "the provider gave none; taken as completed")
        if end.incomplete is None and self._items.text is None and self._items.ends_in_call():
            end = Outcome(incomplete="max_output_tokens")
            self._notes.add("finish_reason", "approximated", "the arguments of the last call were cut short")
        try:
            self._items.close_all("incomplete" if end.incomplete else "completed", events)
        except UpstreamError as error:
            return self._number(events) + self.fail(error)
        if self._items.queue:
            return self._number(events)
        if self._items.dropped_call and not self._items.has_output(besides=Reasoning):
            return self._number(events) + self.fail(only_forbidden_call(self._items.dropped_call))
        return self.end(now, incomplete=end.incomplete, after=events)

    def end(
        self, now: int, *, incomplete: IncompleteReason | None = None, after: Iterable[Event] = ()
    ) -> list[Event]:
        """End as completed or incomplete `after` some events; all items are done. `now` is in Unix seconds."""
        event: Event
        if incomplete is None:
            self.response = self._terminal(status="completed", completed_at=now)
            event = ResponseCompleted(response=self.response)
        else:
            self.response = self._terminal(status="incomplete", incomplete_details=IncompleteDetails(incomplete))
            event = ResponseIncomplete(response=self.response)
        return self._number([*after, event])

    def hosted_calls(self) -> HostedCalls:
        """Return the items of hosted tools: those of this round's calls, and others between two rounds."""
        stored = self.response.store
        return HostedCalls(self._items, self._citations, self._number, self.fail, is_stored=stored)

    def whole_response(self) -> Response:
        """Return the response with what its items hide, as it is stored."""
        whole = self._items.whole
        if not whole:
            return self.response
        return replace(
            self.response, output=tuple(whole.get(str(item.id), item) for item in self.response.output)
        )

    def begin_round(self) -> None:
        """Go on to the next chat request of this response, whose answer is `expect`ed; all items so far are done."""
        if self._finish_reason or self._usage is not None or self._items.written > self._written_before:
            self.spent = self._cost()
        self._usage = self._finish_reason = None
        self._written_before = self._items.written
        self._items.begin_round()

    def open_compaction(self) -> list[Event]:
        """Open the compaction item, which replaces the conversation before the answer."""
        events: list[Event] = []
        self._items.open_compaction(events)
        return self._number(events)

    def close_compaction(self, sealed: str) -> list[Event]:
        events: list[Event] = []
        self._items.close_compaction(sealed, events)
        return self._number(events)

    def spend(self, usage: Usage | None) -> None:
        """Add the usage of a chat call whose answer the client does not see."""
        if usage is not None:
            self.spent = usage if self.spent is None else add_usage(usage, self.spent)

    def fail(self, error: ProtocolError) -> list[Event]:
        """End with `response.failed`."""
        if self.is_over:
            return []
        self.error = error.redacted(self._expectations.redact)
        return self._break_off(status="failed", error=failure_of(self.error))

    def cancel(self) -> list[Event]:
        """End with `response.failed` and the status `cancelled`."""
        if self.is_over:
            return []
        return self._break_off(status="cancelled")

    def revoke(self, events: list[Event], error: ProtocolError) -> list[Event]:
        """Return the last events with `response.failed` as the terminal one.

        The response could not be stored, or is not what its request demands.
        """
        self.error = error.copy()
        self.response = replace(
            self.response, status="failed", completed_at=None, incomplete_details=None, error=failure_of(error)
        )
        last = ResponseFailed(response=self.response, sequence_number=events[-1].sequence_number)
        return [*events[:-1], last]

    # --- reading chunks ---------------------------------------------------------------------------------------

    def _read_chunks(self, chunks: Iterable[Chunk | AlikeChunks], events: list[Event]) -> None:
        items = self._items
        for chunk in chunks:
            if isinstance(chunk, AlikeChunks):
                if (added := self._add_alike(chunk, events)) < len(chunk.pieces):
                    self._read_chunks(chunk.chunks(added), events)
                continue
            if chunk.usage is not None or chunk.x_groq is not None:
                self._usage = usage_of(chunk) or self._usage
                if chunk.x_groq is not None and chunk.x_groq.error:
                    raise classify_error_object(chunk.x_groq.error)
            if chunk.search_results or chunk.citations or chunk.venice_parameters is not None:
                items.attached += self._citations.add_lists(chunk)
            if (tier := chunk.service_tier) is not None and tier in _SERVICE_TIERS:
                self._service_tier = tier
            if chunk.error:
                raise classify_error_object(chunk.error)
            for choice in chunk.choices or ():
                if choice.index:
                    continue  # n is always 1
                delta = choice.delta
                if delta is not None:
                    self._read(delta, choice.logprobs, False, events)
                elif (message := choice.message) is not None:
                    if items.written > self._written_before:
                        message = self._without_repetition(message)
                    self._read(message, choice.logprobs, True, events)
                elif choice.text:
                    items.put("text", choice.text, [], events)
                if choice.finish_reason:
                    self._finish_reason = choice.finish_reason
                    if self._usage is None:
                        of_choice = choice.usage is not None and choice.usage.has_numbers()
                        self._usage = choice.usage if of_choice else usage_of(chunk)
                elif choice.finish_details is not None:
                    self._finish_reason = choice.finish_details.type
                if choice.error:
                    raise classify_error_object(choice.error)
            if items.written + items.attached > self._max_bytes:
                raise answer_too_large()

    def _add_alike(self, alike: AlikeChunks, events: list[Event]) -> int:
        """Add the pieces that only go on with what is being written; return the number of these, from the first one."""
        items, content, pieces, added = self._items, self._content, alike.pieces, 0
        if items.written + items.attached + sum(map(len, pieces)) > self._max_bytes or not all(pieces):
            return 0
        if alike.place == "content":
            if content is not None and (text := items.text) is not None:
                added = content.count_texts(pieces)
                text.extend(pieces[:added], events)
        elif isinstance(alike.place, int):
            if (running := items.running_call) is not None and (content is None or not content.is_waiting):
                added = running.take_first(alike.place, pieces, events)
        else:
            items.put_thinking(pieces, events)
            return len(pieces)
        items.written += sum(map(len, pieces[:added]))
        return added

    def _read(self, delta: Delta, logprobs: Logprobs | None, whole: bool, events: list[Event]) -> None:
        content = delta.content
        if delta.reasoning_details or delta.thinking_blocks or delta.reasoning_opaque:
            self._reader().put_blocks(delta, whole, events)
        elif delta.reasoning_content or delta.reasoning or delta.reasoning_text or delta.thinking:
            self._items.put("reasoning", delta.reasoning_content or read_thinking(delta), [], events)
        elif (delta.thought or delta.reasoning_content_camel or delta.cot_summary) and (
            thinking := read_thinking(delta)
        ):
            self._items.put("reasoning", thinking, [], events)
        if delta.extra_content:
            self._items.attached += self._items.opaque().add_answer(delta.extra_content)
        if delta.annotations:
            self._items.attached += self._citations.add_annotations(delta.annotations)
        if delta.executed_tools:
            self._items.attached += self._citations.add_list(search_results_of(delta.executed_tools))
            self._notes.add("executed_tools", "dropped", "calls of the provider's own tools; their results are cited")
        if content:
            reader = self._content or self._reader()
            tokens = reader.tokens(logprobs) if logprobs is not None else []
            if not isinstance(content, str):
                reader.put_parts(content, events)
            elif reader.is_over or (
                reader.is_idle and (("<" not in content and "[" not in content) or not may_hold_mark(content))
            ):
                if (text := self._items.text) is None:
                    self._items.put("text", content, tokens, events)
                else:  # what `put` would do, as long as the text is the same one
                    self._items.written += len(content)
                    text.append(content, tokens, events)
            else:
                reader.put(content, tokens, events)
        if delta.audio is not None:
            self._reader().put_audio(delta.audio, events)
        if delta.refusal:
            self._reader().flush(events)
            self._items.put("refusal", delta.refusal, [], events)
            if logprobs is not None and logprobs.refusal:
                self._notes.add("logprobs", "dropped", "those of a refusal: the part has no place for them")
        if delta.images:
            self._reader().flush(events)
            for url in images_of(delta):
                self._items.put_image(url, events)
        if (calls := delta.tool_calls) or delta.function_call is not None:
            if whole or not isinstance(calls, list) or len(calls) > 1:
                calls = calls_of(delta, whole=whole)
            for piece in calls:
                if self._content is not None and self._content.is_waiting:
                    self._content.flush(events)
                if (running := self._items.running_call) is not None and (size := running.take(piece, events)):
                    self._items.written += size
                else:
                    self._items.put_call(piece, events)

    def _without_repetition(self, message: Delta) -> Delta:
        """Return a message without its text if the deltas before it had that; `CallSorter` knows repeated calls."""
        if not repeats_deltas(message, self._items.written - self._written_before):
            return message
        self._notes.add("message", "dropped", "the text of a message that repeats the deltas before it")
        return Delta(tool_calls=message.tool_calls, annotations=message.annotations)

    def _reader(self) -> ContentReader:
        if self._content is None:
            self._content = ContentReader(self._items, self._notes, self._expectations)
        return self._content

    # --- the end ----------------------------------------------------------------------------------------------

    def _break_off(
        self, *, status: Literal["failed", "cancelled"], error: ResponseFailure | None = None
    ) -> list[Event]:
        events: list[Event] = []
        if self._content is not None:
            with suppress(UpstreamError):  # it is failing already
                self._content.release(events)
        self._items.break_off(events)
        self.response = self._terminal(status=status, error=error)
        events.append(ResponseFailed(response=self.response))
        return self._number(events)

    def _terminal(self, **changes: Any) -> Response:
        usage = self._cost()
        self._citations.end()
        self.is_over = True
        tier = self._service_tier or "default"
        return replace(self.response, output=tuple(self._items.output), usage=usage, service_tier=tier, **changes)

    def _cost(self) -> Usage:
        spent = self.spent
        if self._usage is not None:
            usage = read_usage(self._usage)
        elif spent is not None and self._items.written == self._written_before:
            return spent
        else:
            usage = estimate_usage(self._expectations.prompt_bytes, self._items.written - self._written_before)
            self._notes.add("usage", "estimated", "the provider counted no tokens")
        return usage if spent is None else add_usage(usage, spent)

    def _number(self, events: list[Event]) -> list[Event]:
        """Number events on their way out."""
        number = self._next_number
        for event in events:
            event.sequence_number = number
            number += 1
        self._next_number = number
        return events

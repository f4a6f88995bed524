"""Rounds in which the model writes a summary of the context.

In a `CompactionRound` the summary is the whole response, as one compaction item. A `SummaryRound` shortens a context
that has grown too long; the round that follows answers the caller in the window that remains, or in the uncompacted
context if there is no summary.
"""

import time

from adapter.flow.flow import Flow
from adapter.flow.plans import RoundRequest, ask_in_window, ask_uncompacted
from adapter.flow.round import BufferedRound, Round, create_round
from adapter.history.compaction_items import PendingCompaction, read_summary
from translators.chat.chunks import Choice, Chunk
from translators.context.compaction import CompactedContext, window
from translators.errors import ProtocolError, UpstreamError
from translators.responses.events import Event
from translators.to_responses.answer import AnswerReader
from translators.to_responses.buffered import BufferedAnswer
from translators.to_responses.stream import ResponseStream


class SummarisingRound(BufferedRound):
    """The answer is a summary of the context."""

    def __init__(self, flow: Flow, asked: RoundRequest, compaction: PendingCompaction) -> None:
        super().__init__(flow, asked)
        self._compaction = compaction

    def _send(self, json: bytes) -> None:
        self._reader = AnswerReader(self._sink(), self._flow.services.limits.output_bytes)
        self._flow.attempts.explain_next("summary")
        self._call = self._flow.attempts.send(json, self.asked.delay)

    def _sink(self) -> ResponseStream | BufferedAnswer:
        self._answer = self._buffer(self._flow.notes)
        return self._answer

    def _read_summary(self) -> CompactedContext:
        """Return what the compaction item holds; raise UpstreamError if the answer is no summary."""
        flow, now = self._flow, int(time.time())
        self._reader.finish(now)
        flow.stream.spend(self._answer.response.usage)
        return CompactedContext(
            v=1, model=flow.request.model, created_at=now, summary=read_summary(self._answer.response),
            turn=self._compaction.rest,
        )  # fmt: skip

    def _seal(self, content: CompactedContext) -> str:
        return self._flow.services.compaction_sealer.seal(content, self._flow.caller.tenant)


class CompactionRound(SummarisingRound):
    """The compaction item is the whole response."""

    def opening_events(self) -> list[Event]:
        return self._flow.stream.open_compaction()

    def finish(self) -> tuple[list[Event], Round | None]:
        stream = self._flow.stream
        events = stream.close_compaction(self._seal(self._read_summary()))
        events += stream.feed((Chunk(choices=[Choice(finish_reason="stop")]),))
        return events + stream.finish(int(time.time()), done=True), None


class SummaryRound(SummarisingRound):
    """After the compaction item the response goes on with the answer."""

    def finish(self) -> tuple[list[Event], Round | None]:
        flow, stream = self._flow, self._flow.stream
        content = self._read_summary()
        sealed = self._seal(content)
        events = stream.open_compaction() + stream.close_compaction(sealed)
        rest = window(self._compaction.context, content)
        return events, create_round(flow, flow.attempts.ask(ask_in_window(rest)))

    def retry(self, error: UpstreamError) -> Round:
        try:
            return super().retry(error)
        except ProtocolError:
            following = self.recover(error)
            if following is None:
                raise
            return following

    def recover(self, error: UpstreamError) -> Round | None:
        """Go on with the whole context: no candidate has summarised it."""
        flow = self._flow
        if flow.services.must_stop():
            return None
        flow.notes.add("context_management", "dropped", f"nothing was compacted: {error.message}")
        return create_round(flow, flow.attempts.ask(ask_uncompacted))

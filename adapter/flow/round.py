"""Rounds: the chat calls of one response, one after the other, all on the same stream machine.

There is one class for each use of an answer, and for each step without one:

- `AnswerRound`: the answer goes to the client as it comes, and is judged at its end.
- `BufferedRound`: the answer is judged before the client sees any of it. If it breaks a rule, a `RepairRound` follows.
- `RepairRound`: the model gets the error and answers once more. If that breaks a rule too, the response fails.
- `CompactionRound`, `SummaryRound` (`summary_rounds.py`): the answer is a summary of the context.
- `ToolRound`, `ApprovedRound` (`tools/tool_rounds.py`): no model is called; the calls of hosted tools are run.

`create_round` chooses one for a `RoundRequest`. `send` it, `wait` until the provider answers, then follow `events` to
their end, and `finish`: it returns the last events, and the next round if the response is not over. If `wait` raises,
the round has sent no event of the answer, and `retry` returns another in its place; if the answer breaks later, so may
`recover`. A round is closed when the next one begins.

In a round that calls no model `wait` returns at once, `events` does its work, and the round that `finish` returns asks
the model again. What must happen before the first event of an answer, and may still lead to a retry, belongs in `wait`.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.flow.flow import Flow, new_stream, stopping_error
from adapter.flow.plans import RoundRequest
from adapter.flow.truncation import TruncatingCall
from adapter.services import new_ids
from adapter.upstream.call import Call
from translators.constraints.judge import Judgement, correction_request
from translators.errors import UpstreamError
from translators.notes import Notes
from translators.responses.events import Event
from translators.to_responses.answer import AnswerReader
from translators.to_responses.buffered import BufferedAnswer
from translators.to_responses.stream import ResponseStream

if TYPE_CHECKING:
    from adapter.flow.tools.hosted_tools import HostedTools

Deliver: TypeAlias = Callable[[list[Event]], bool]
"""Sends events to the client at once, in the event loop; returns False if it has to read before it gets more."""


class Round(ABC):
    """One chat call, and what becomes of its answer."""

    def __init__(self, flow: Flow, asked: RoundRequest) -> None:
        self.asked = asked
        self._flow = flow
        self._beginning: list[Event] = []
        """The first events of the answer, which `wait` has read."""
        self._last: list[Event] = []
        """Those that end the answer, for `finish`; `events` has not yielded them."""

    def send(self) -> None:
        """Send the chat request; `wait` raises its failure."""
        self._flow.stream.expect(self._flow.expectations(self.asked))
        self._send(self.asked.chat.json)

    def _send(self, json: bytes) -> None:
        self._reader = AnswerReader(self._sink(), self._flow.services.limits.output_bytes)
        flow, delay = self._flow, self.asked.delay
        self._call: Call | TruncatingCall = (
            flow.attempts.send_truncating(json, flow.notes, delay)
            if flow.request.truncation == "auto"
            else flow.attempts.send(json, delay)
        )

    def _sink(self) -> ResponseStream | BufferedAnswer:
        """Return what the answer is fed to."""
        return self._flow.stream

    def opening_events(self) -> list[Event]:
        """Return the events of a response that begins with this round, before anything comes from the provider."""
        tools, stream = self._flow.tools, self._flow.stream
        return [] if tools is None else tools.show_lists(stream.hosted_calls())

    def _run_tools(self, tools: "HostedTools") -> "Round":
        """Return the round that runs the calls of this one's answer, which has ended."""
        from adapter.flow.tools.tool_rounds import ToolRound  # imported late: most responses have no such calls

        tools.keep_first(self.asked)
        return ToolRound(self._flow, self.asked, tools)

    def wait(self, seconds: float, *, to_begin: bool = False) -> bool:
        """Wait for the provider's status, or for its answer to begin; return whether it has come. Raise UpstreamError.

        An error in the place of an answer is raised like an error status.
        """
        return self._call.wait(seconds) and (not to_begin or self._begins())

    def _begins(self) -> bool:
        """Read until the answer has begun; return False after a second of silence."""
        while not self._reader.has_begun:
            data = self._call.read()
            if data is None:
                return False
            try:
                self._beginning += self._reader.begin(data, is_last=self._call.has_ended)
            except UpstreamError as error:
                if isinstance(self._call, TruncatingCall) and self._call.retry_shorter(error):
                    self._flow.stream.expect(self._flow.expectations(self.asked))
                    self._reader = AnswerReader(self._sink(), self._flow.services.limits.output_bytes)
                    return False
                raise error.redacted(self._flow.attempts.redact) from None
        return True

    def events(self, deliver: Deliver | None = None) -> Iterator[list[Event]]:
        """Yield the events of the answer as they come, and [] about once a second while there are none.

        With `deliver`, yield only those that end the answer, and [] also when the client has to read first. Raises
        UpstreamError if the answer breaks, and what `Flow.check` raises.
        """
        flow, reader = self._flow, self._reader
        flow.attempts.record_answer()
        self._last, self._beginning = self._beginning, []
        is_whole = reader.done
        if is_whole:
            return
        lease, feed, must_stop = flow.lease, reader.feed, flow.services.must_stop
        fed: list[Event] = []

        def take(data: bytes) -> bool:
            nonlocal fed
            fed = feed(data)
            if deliver is None or reader.done:
                return False
            events, fed = fed, []
            return not events or deliver(events)

        if self._last:
            yield self._last
            self._last = []
        shown = time.monotonic()
        for data in iter(partial(self._call.read, take), b""):
            if data is None:
                flow.check()
                yield []
                continue
            events, fed = fed, []
            if reader.done:
                self._last = events
                return
            if lease is not None:
                lease.renew()
            if must_stop():
                yield events
                raise stopping_error()
            if events or deliver is not None:
                yield events
            elif time.monotonic() - shown > TICK_SECONDS:  # the provider sends what the client does not see
                shown = time.monotonic()
                flow.check()
                yield []

    @abstractmethod
    def finish(self) -> "tuple[list[Event], Round | None]":
        """Return the last events, and the round that follows; None: the response is over. Raise UpstreamError."""

    def retry(self, error: UpstreamError) -> "Round":
        """Return a round in the place of this one, whose `wait` has raised `error`.

        If the request cannot be answered, raise the error that the caller gets: UpstreamError or RequestError.
        """
        return create_round(self._flow, self._flow.attempts.ask_again(self.asked, error))

    def recover(self, error: UpstreamError) -> "Round | None":
        """Return the round with which the response goes on although this one broke; None: it fails with `error`."""
        return None

    def close(self, *, keep_connection: bool = True) -> None:
        """Close the call; reuse its connection if the answer was read whole and `keep_connection` is set."""
        self._call.close(answered=keep_connection and self._reader.done)


class AnswerRound(Round):
    """The answer goes to the client as it comes."""

    def finish(self) -> tuple[list[Event], Round | None]:
        stream, events = self._flow.stream, self._last
        if not stream.is_over:
            events = events + self._reader.finish(int(time.time()))
        answer = stream.response
        if (tools := self._flow.tools) is not None:
            if not stream.is_over:
                return events, self._run_tools(tools)
            answer = replace(answer, output=tuple(stream.hosted_calls().of_round()))  # only this round's is judged
        problem = self._flow.judge(self.asked, answer).problem
        return (events if problem is None else stream.revoke(events, problem)), None


class BufferedRound(Round):
    """The client sees nothing of the answer before it has been judged."""

    def _sink(self) -> ResponseStream | BufferedAnswer:
        self._answer = self._buffer(Notes())  # made again when the answer goes to the client
        return self._answer

    def _buffer(self, notes: Notes) -> BufferedAnswer:
        flow = self._flow
        machine = new_stream(flow.services, flow.stream.response, new_ids(), self.asked.context.request, notes)
        expectations = flow.expectations(self.asked)
        machine.expect(expectations)
        return BufferedAnswer(machine, thinks_first=expectations.thinks_first)

    def finish(self) -> tuple[list[Event], Round | None]:
        flow, answer, now = self._flow, self._answer, int(time.time())
        self._reader.finish(now)
        if flow.tools is not None and not answer.is_over:
            events = answer.send_to(flow.stream, now)
            return events, None if flow.stream.is_over else self._run_tools(flow.tools)
        judged = flow.judge(self.asked, answer.response)
        if judged.problem is not None:
            flow.stream.spend(answer.response.usage)
            return self._reject(judged, judged.problem)
        if judged.text is not None:
            answer.trim_to(judged.text, flow.notes)
            flow.notes.add("text.format", "repaired", "what stood around the JSON was cut off")
        return answer.send_to(flow.stream, now), None

    def _reject(self, judged: Judgement, problem: UpstreamError) -> tuple[list[Event], Round | None]:
        """Ask the model to repair an answer that breaks a rule."""
        self._flow.notes.add(judged.param, "repaired", "the model was asked a second time")
        self._flow.attempts.explain_next("repair")
        repair = correction_request(self.asked.chat.json, self._answer.response, problem)
        return [], RepairRound(self._flow, replace(self.asked, delay=0.0), repair)


class RepairRound(BufferedRound):
    """The model answers once more, with its first answer and the error in front of it."""

    def __init__(self, flow: Flow, asked: RoundRequest, json: bytes) -> None:
        """`json`: the chat request of `asked`, with the wrong answer and the correction added."""
        super().__init__(flow, asked)
        self._json = json

    def send(self) -> None:
        self._send(self._json)

    def retry(self, error: UpstreamError) -> Round:
        """Return this round again, after a delay: the candidate has answered before, so no other can take its place."""
        return RepairRound(self._flow, self._flow.attempts.ask_the_same(self.asked, error), self._json)

    def _reject(self, judged: Judgement, problem: UpstreamError) -> tuple[list[Event], Round | None]:
        return self._flow.stream.fail(problem), None


CreateRound: TypeAlias = Callable[[Flow, RoundRequest], Round]


def create_round(flow: Flow, asked: RoundRequest) -> Round:
    """Return the round, not sent yet, in which a request is answered."""
    compaction = asked.compaction
    if flow.tools is not None and flow.tools.approved:
        from adapter.flow.tools.tool_rounds import ApprovedRound

        return ApprovedRound(flow, asked, flow.tools)
    if compaction is not None:
        from adapter.flow.summary_rounds import CompactionRound, SummaryRound

        return (CompactionRound if compaction.rest is None else SummaryRound)(flow, asked, compaction)
    return (BufferedRound if asked.chat.answer_rules.buffered else AnswerRound)(flow, asked)

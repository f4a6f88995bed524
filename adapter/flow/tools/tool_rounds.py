"""Rounds that call no model: the adapter runs the calls of hosted tools and goes on with what they returned.

A `ToolRound` follows an answer with such calls. They run at the same time, each in a greenlet; their items are written
in the model's order, each when it has its result. Then the model is asked again with what was returned, unless the
answer also had calls that the client runs, or that it has to approve: then the response is completed, and the client's
next request goes on. An `ApprovedRound` runs the calls that the client has approved, before the model is asked.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import gevent
from gevent.lock import BoundedSemaphore

from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.flow.flow import Flow
from adapter.flow.plans import Plan, RoundRequest, ask_next_round, ask_with_items
from adapter.flow.round import Deliver, Round, create_round
from adapter.flow.tools.hosted_tools import HostedTools
from adapter.hosting.runs import ToolRun
from adapter.telemetry.catalog import TOOL_CALLS, TOOL_SECONDS
from adapter.telemetry.logs import log
from adapter.telemetry.traces.spans import Trace, current_trace, follow_trace
from translators.errors import RequestError
from translators.responses.events import Event
from translators.responses.items import Item, ToolSearchCall
from translators.responses.response import add_tool_usage
from translators.to_chat.hosted import hide_call
from translators.to_responses.hosted_calls import WaitingCall
from translators.tools.kinds import BY_CALL

MAX_CONCURRENT_CALLS: Final = 8
"""Calls of one response that run at the same time."""

_LIMIT_REACHED: Final = "Not run: the limit of tool calls is reached."


class ToolRound(Round):
    """Runs the calls of the answer before it."""

    def __init__(self, flow: Flow, asked: RoundRequest, tools: HostedTools) -> None:
        """`asked`: the request whose answer has the calls."""
        super().__init__(flow, asked)
        self._tools = tools
        self._items = flow.stream.hosted_calls()
        self._greenlets: list[gevent.Greenlet] = []
        self._last: list[Event] = []
        self._waits_for_client = False

    def send(self) -> None:
        """Begin all calls."""
        waiting = self._items.waiting()
        self._start([(call, self._tools.answer(call)) for call in waiting])

    def _start(self, runs: Sequence[tuple[WaitingCall | None, ToolRun | None]]) -> None:
        room, slot, trace = BoundedSemaphore(MAX_CONCURRENT_CALLS), self._tools.slot, current_trace()
        self._runs = [
            (call, run, gevent.spawn(_run, run, room, slot, trace) if run is not None and run.executes else None)
            for call, run in runs
        ]
        self._last_run = next((run for _, run, _ in reversed(self._runs) if run and not run.waits_for_client), None)
        self._greenlets = [greenlet for _, _, greenlet in self._runs if greenlet is not None]
        self._tools.running = self._greenlets

    def wait(self, seconds: float, *, to_begin: bool = False) -> bool:
        return True

    def events(self, deliver: Deliver | None = None) -> Iterator[list[Event]]:
        stream = self._flow.stream
        for call, run, greenlet in self._runs:
            if run is None:
                assert call is not None
                self._last = self._items.skip(call)
            else:
                if opening := self._items.open(run.open_item, call):
                    yield opening
                while greenlet is not None and not greenlet.ready():
                    greenlet.join(TICK_SECONDS)
                    if not greenlet.ready():
                        self._flow.check()
                        yield self._items.pass_on(run.take_events())
                if shown := self._items.pass_on(run.take_events()):
                    yield shown
                run.settle()
                if run.usage is not None:
                    stream.response = add_tool_usage(stream.response, run.usage)
                if run.cut_bytes:
                    self._flow.notes.add("tools", "dropped", "the end of a tool's long result")
                if run.numbered:
                    self._items.cite(run.numbered)
                if run.cited_files:
                    self._items.cite_files(run.cited_files)
                self._waits_for_client |= run.waits_for_client
                if run is self._last_run:
                    self._items.hide([_hide(call) for call, run, _ in self._runs if call is not None and run is None])
                self._last = self._items.close(run.open_result)
                self._log(run)
            if stream.is_over:
                return
            if self._last:
                yield self._last
        self._flow.check()

    def finish(self) -> tuple[list[Event], Round | None]:
        flow, stream, tools, now = self._flow, self._flow.stream, self._tools, int(time.time())
        if stream.is_over:
            return self._last, None
        items = self._items.of_round()
        if self._waits_for_client or self._last_run is None or any(map(_is_clients_call, items)):
            return stream.end(now), None
        stream.begin_round()
        budget = self._tokens_left()
        if budget is not None and budget < 1:
            return stream.end(now, incomplete="max_output_tokens"), None
        tools.load(items)
        may_call = tools.end_round()
        if not may_call:
            flow.notes.add("tools", "approximated", "the model had to answer in its last round without them")
        request = self.asked.context.request
        changes = tools.next_request(request, may_call=may_call)
        if budget is not None:
            changes["max_output_tokens"] = budget
        return self._ask(ask_next_round(self.asked, items, **changes))

    def _ask(self, plan: Plan) -> tuple[list[Event], Round | None]:
        self._flow.attempts.explain_next("tool results")
        try:
            return [], create_round(self._flow, self._flow.attempts.ask(plan))
        except RequestError as error:
            return self._flow.stream.fail(error), None

    def _tokens_left(self) -> int | None:
        """Return what is left of the limit of output tokens; None: there is none."""
        limit, spent = self.asked.context.request.max_output_tokens, self._flow.stream.spent
        return None if limit is None or spent is None else limit - spent.output_tokens

    def _log(self, run: ToolRun) -> None:
        if run.waits_for_client:
            return
        fields = run.log_fields() | ({} if run.executes else {"outcome": "repeated"})
        TOOL_CALLS.add((fields["kind"], fields["outcome"]))
        TOOL_SECONDS.observe(run.seconds, (fields["kind"],))
        if (recording := self._flow.caller.recording) is not None:
            recording.add_tool(fields, run.seconds)
        log.info("tool call", response_id=self._flow.stream.response.id, ms=round(run.seconds * 1000), **fields)

    def close(self, *, keep_connection: bool = True) -> None:
        """End the calls that are running: their connections close, which cancels them."""
        gevent.killall(self._greenlets, block=False)


class ApprovedRound(ToolRound):
    """Runs the calls that the client has approved."""

    def send(self) -> None:
        self._start([(None, run) for run in self._tools.take_approved() if self._tools.count()])

    def finish(self) -> tuple[list[Event], Round | None]:
        if self._flow.stream.is_over:
            return self._last, None
        items = self._items.of_round()
        self._flow.stream.begin_round()
        return self._ask(ask_with_items(items))


def _hide(call: WaitingCall) -> dict[str, Any]:
    """Return a call beyond the limit as the model reads it in later rounds and turns; it has no item."""
    return hide_call(call.call_id, call.tool.name, call.tool.namespace, call.arguments, _LIMIT_REACHED)


def _is_clients_call(item: Item) -> bool:
    """Whether the client has to run a call."""
    return item.__class__ in BY_CALL and not (isinstance(item, ToolSearchCall) and item.execution == "server")


def _run(
    run: ToolRun, room: BoundedSemaphore, slot: Callable[[], AbstractContextManager[None]], trace: Trace | None
) -> None:
    follow_trace(trace)
    with room, slot():
        run.run()

"""The flow of a request, the same for every transport: history → chat request → upstream → events → store.

`open_exchange` acquires the conversation, gathers the context, translates it and sends the first chat request. The
answer is then read whole (`answer`) or event by event (`events`), in one round or more (`round.py`), and the exchange
is closed. Until events flow, errors are raised (`RequestError`, `UpstreamError`, `StoreDown`); from then on every
failure is a `response.failed`. A response is stored before its terminal event leaves. A client that disconnects, a
silent provider and a worker that stops end the exchange; closing it closes the upstream call.
"""

import time
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from adapter.event_loop.client_watch import ClientDisconnected
from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.flow.attempts import Attempts
from adapter.flow.caller import Caller
from adapter.flow.context import ContextSource
from adapter.flow.flow import Flow, check_request, new_stream
from adapter.flow.keeping import Keeping, ResponseKeeper, StoreKeeper
from adapter.flow.observation import code_of, log_end, observe_end, settle, trace_end
from adapter.flow.plans import ask_as_requested, ask_for_compaction, ask_uncompacted
from adapter.flow.round import CreateRound, Deliver, Round, create_round
from adapter.history.conversation_lease import ConversationLease
from adapter.services import FlowServices, new_ids
from adapter.sharing.offload import LARGE_BYTES
from adapter.store.base import StoreDown, StoredResponse
from adapter.telemetry.catalog import IN_FLIGHT
from adapter.telemetry.logs import log
from adapter.telemetry.traces.spans import current_trace
from translators.context.compaction import remove_trigger, retained_items
from translators.errors import UpstreamError, unsupported_value
from translators.notes import Note, Notes
from translators.responses.echo import first_snapshot
from translators.responses.events import Event
from translators.responses.ids import family_from_name, family_of
from translators.responses.items import CompactionTrigger, Item
from translators.responses.request import CreateRequest, chosen_tool_not_run, names_hosted_tools
from translators.responses.response import Response
from translators.wire import encode

if TYPE_CHECKING:
    from adapter.flow.tools.hosted_tools import HostedTools


def open_exchange(
    services: FlowServices,
    caller: Caller,
    request: CreateRequest,
    *,
    keeper: ResponseKeeper | None = None,
    notes: Iterable[Note] = (),
    create: CreateRound = create_round,
) -> "Exchange":
    """Translate a request and send it upstream; raise RequestError, UpstreamError or StoreDown.

    `request` has its references resolved. Without a `keeper` the response is stored if the request wants that. `notes`
    are those on the request so far. `create` creates the first round.
    """
    began = time.monotonic()
    if request.store:
        services.quota.check(caller.tenant)
    if request.tool_choice != "auto" and (kind := chosen_tool_not_run(request, services.hosted)) is not None:
        raise unsupported_value("tool_choice.type", kind, "is not supported: the tool is not run here.")
    compacts = CompactionTrigger in map(type, request.input)  # it is the last item: that was checked
    request = remove_trigger(request) if compacts else request
    conversation_id = request.conversation
    lease = None if conversation_id is None else _acquire_conversation(services, caller, conversation_id)
    if keeper is None and request.store:
        keeper = StoreKeeper(services.store)
    keeping = Keeping(request, caller.tenant, keeper, lease)
    tools: HostedTools | None = None
    try:
        continues = request.previous_response_id is not None or request.prompt_cache_key
        ids = new_ids(_family(request, caller.tenant) if continues else None)
        conversation = None if lease is None else lease.load_items()
        candidates = services.registry.draw_candidates(
            request.model, conversation_id or ids.family, in_background=request.background
        )
        source = ContextSource(services, caller.tenant, request, conversation)
        answer_notes = Notes()
        if create is create_round and not compacts and names_hosted_tools(request, services.hosted):
            source, tools = _prepare_tools(source, caller, lease, answer_notes)
        attempts = Attempts(source, candidates, caller.bearer, caller.recording)
        plan = ask_as_requested
        if compacts:
            plan = ask_for_compaction
        elif tools is not None and tools.approved:
            plan = ask_uncompacted  # what was approved is run first; without its result nothing must be cached
        asked = attempts.ask_first(plan)
        if caller.body is not None and (earlier := asked.context.history.size) >= LARGE_BYTES:
            caller.body.grow(earlier)  # a request of some bytes can continue megabytes
        shown = asked.context.request
        if tools is not None:
            shown = replace(shown, max_tool_calls=request.max_tool_calls)
        first = first_snapshot(shown, ids.response, int(time.time()))
        stream = new_stream(services, first, ids, asked.context.request, answer_notes)
        flow = Flow(services, caller, request, attempts, stream, answer_notes, lease, tools)
        first_round = create(flow, asked)
        first_round.send()
    except BaseException:
        if tools is not None:
            tools.close()
        keeping.release()
        raise
    return Exchange(flow, keeping, first_round, tuple(notes), began)


class Exchange:
    """One request and its answer in progress. `close` it, however it ended."""

    def __init__(
        self, flow: Flow, keeping: Keeping, first_round: Round, request_notes: Iterable[Note], began: float
    ) -> None:
        """`first_round` has been sent; the request `began` at this time of the monotonic clock."""
        self._flow = flow
        self.watch = flow.caller.watch
        """The client's connection."""
        self.answer_notes = flow.notes
        """The notes on the answer, which grow with it."""
        self._stream = flow.stream
        self._keeping = keeping
        self._round = first_round
        self._request_notes = request_notes
        self._began = began
        transport = self.watch.transport
        self._transport = "sse" if flow.request.stream and transport == "http" else transport
        """How the response reaches its client: http, sse, websocket or background."""
        IN_FLIGHT.add((self._transport,))  # until `observe_end`
        self._trace = current_trace()
        if self._trace is not None:
            self._trace.open_call()
        self._recording = flow.caller.recording
        self.record: Callable[[bytes], None] | None = None
        """Gets the events as they are written for the client; None: they are not recorded."""
        if self._recording is not None:
            self._recording.steps.append(("response", self._stream.response.id, self._transport))
            if self._recording.contents is not None:
                self.record = self._recording.add_events
        self._deliver: Deliver | None = None
        self._answer_began: float | None = None
        self._error: str | None = None
        """The code of the error with which the request ended, if it was none of the response."""
        self._json: bytes | None = None
        """The response as the client gets it, if that is how it was stored."""
        self._last_notes: Notes | None = None
        """All notes of a response that has ended; None: there may be more."""

    def await_status(self, seconds: float) -> None:
        """Wait for the provider's status, so that its errors are still HTTP errors; return if it takes longer."""
        until = time.monotonic() + seconds
        try:
            while not self._wait(min(TICK_SECONDS, max(0.0, until - time.monotonic()))):
                self._flow.check()
                if time.monotonic() >= until:
                    return
        except Exception as error:
            self._error = code_of(error)
            raise

    def answer(self) -> Response:
        """Return the whole response, stored; raise UpstreamError, StoreDown or ClientDisconnected."""
        try:
            for _ in self._follow_rounds():
                pass
            if self._stream.error is not None:
                raise self._stream.error.copy()
            self._keep([])
        except Exception as error:
            self._error = code_of(error)
            raise
        return self._stream.response

    def answer_json(self) -> bytes:
        """Return the whole response, stored, as JSON; raise as `answer` does."""
        response = self.answer()
        return encode(response) if self._json is None else self._json

    def events(self, deliver: Deliver | None = None) -> Generator[list[Event]]:
        """Yield events as they come, in batches, and an empty batch about once a second in silence.

        With `deliver`, most events of an answer go there, in the event loop, and an empty batch is also yielded when
        `deliver` has returned False.

        The last batch ends with the terminal event. A client that disconnects, and closing the iterator before its end,
        cancel the response.
        """
        self._deliver = deliver
        stream = self._stream
        try:
            yield stream.start()
            try:
                events = yield from self._follow_rounds()
            except UpstreamError as error:
                events = stream.fail(error)
            if not self._keep_if_possible(events):
                events = stream.revoke(events, UpstreamError("The response could not be stored. Please try again."))
            settle(self._flow.caller, stream.response.usage, began=self._answer_began is not None)
            yield events
        except (GeneratorExit, ClientDisconnected):
            if not stream.is_over:
                self._keep_if_possible(stream.cancel())

    def _follow_rounds(self) -> Generator[list[Event], None, list[Event]]:
        """Yield the events of one round after the other, as `events` does; return the last ones."""
        if opening := self._round.opening_events():
            yield opening
        while True:
            try:
                while not self._wait(TICK_SECONDS, to_begin=True):
                    self._flow.check()
                    yield []
                if self._answer_began is None:
                    self._answer_began = time.monotonic()
                    if self._recording is not None:
                        self._recording.steps.append(("first_token", self._answer_began))
                try:
                    yield from self._round.events(self._deliver)
                    events, following = self._round.finish()
                except UpstreamError as error:
                    self._flow.attempts.log_failure(error)
                    raise
            except UpstreamError as error:
                events, following = [], self._round.recover(error)
                if following is None:
                    raise
            if following is None:
                if isinstance(self._stream.error, UpstreamError):
                    self._flow.attempts.log_failure(self._stream.error)
                return events
            self._go_on(following)
            if events:
                yield events

    def _wait(self, seconds: float, *, to_begin: bool = False) -> bool:
        """Wait for the provider's status, or for its answer to begin; return whether it has come.

        A request that is rejected, or that the provider does not answer, is retried in a round in this one's place.
        """
        try:
            return self._round.wait(seconds, to_begin=to_begin)
        except UpstreamError as error:
            self._flow.attempts.log_failure(error)
            following = self._round.retry(error)
        self._go_on(following)
        return False

    def _go_on(self, following: Round) -> None:
        self._round.close()
        if self._recording is not None:
            self._recording.end_attempt()
        self._round = following
        following.send()

    def retained(self) -> list[Item]:
        """Return the items that remain beside the summary of a compacted context."""
        compaction = self._round.asked.compaction
        return [] if compaction is None else retained_items(compaction.to_summarise)

    @property
    def notes(self) -> Notes:
        """All notes so far: on the request, on its translation for the current candidate, on the answer."""
        if self._last_notes is not None:
            return self._last_notes
        return Notes.of(self._request_notes, self._flow.attempts.context.notes, self._flow.notes)

    def still_running(self) -> list[Event]:
        """Return an event that says only that the response goes on."""
        return self._stream.still_running()

    @property
    def _has_events(self) -> bool:
        return self._flow.request.stream or self._transport == "websocket"

    @property
    def has_failed(self) -> bool:
        return self._stream.response.status in ("failed", "cancelled")

    def stored(self) -> StoredResponse:
        """Return the response in its current state, as the store keeps it."""
        return self._keeping.snapshot(self._stream.whole_response(), self.notes)

    def close(self) -> None:
        """Close the upstream call, release the conversation, and log how the exchange ended."""
        self._deliver = None  # it leads back here
        response = self._stream.response
        self._round.close(keep_connection=response.status != "cancelled")
        if self._flow.tools is not None:
            self._flow.tools.close()
        if self._keeping.lease is not None:
            self._keeping.release()
        notes, now, upstream = self.notes, time.monotonic(), self._flow.attempts.upstream
        seconds = now - self._began
        first = None if self._answer_began is None else self._answer_began - self._began
        caller, recorder = self._flow.caller, self._flow.services.usage_recorder
        observe_end(caller, response, upstream, self._transport, seconds, first, notes, recorder)
        if self._trace is not None:
            trace_end(self._trace, self._flow.request, response, upstream, self._transport, seconds, first, notes)
        if self._recording is not None:
            if self._recording.contents is not None and not self._has_events:
                self._recording.add_response(response)
            self._recording.close_response(response, notes, now)
        log_end(caller, response, upstream, self._transport, self._error, seconds, first, notes)

    def _keep(self, events: list[Event]) -> None:
        """Keep the response as it ended with `events`; cache its history for the request that continues it."""
        notes = self._last_notes = self.notes
        if self._keeping.keeper is None and self._keeping.lease is None:
            return
        response, asked, services = self._stream.whole_response(), self._round.asked, self._flow.services
        tools, tenant = self._flow.tools, self._flow.caller.tenant
        continued = asked if tools is None else tools.to_continue(asked)
        if self._recording is not None:
            self._recording.steps.append(("storing", time.monotonic()))
        stored = self._keeping.keep(response, notes, events, services)
        if stored is not None and response is self._stream.response:
            self._json = stored.response
        if stored is not None and continued is not None:
            services.chain_cache.add(response, tenant, asked.context.rendering_key, continued.chat)
        if self._recording is not None:
            self._recording.steps.append(("stored", time.monotonic()))

    def _keep_if_possible(self, events: list[Event]) -> bool:
        try:
            self._keep(events)
        except StoreDown as error:
            log.error("response not stored", response_id=self._stream.response.id, error=str(error))
            return False
        return True


def _acquire_conversation(services: FlowServices, caller: Caller, id: str) -> ConversationLease:
    """Return the lease of a conversation, acquired; raise RequestError or StoreDown."""
    lease = ConversationLease(services.conversations, id, caller.tenant)
    lease.acquire()
    return lease


def _prepare_tools(
    source: ContextSource, caller: Caller, lease: ConversationLease | None, notes: Notes
) -> "tuple[ContextSource, HostedTools]":
    """Return the context's source with functions in place of hosted tools, and what runs them."""
    from adapter.flow.tools.hosted_tools import prepare_tools  # imported late: most requests have no such tools

    check = partial(check_request, source.services, caller, lease)
    request, tools = prepare_tools(source, caller, check, notes)
    return replace(source, request=request), tools


def _family(request: CreateRequest, tenant: str) -> str | None:
    """Return the family of the previous response, else that of the cache key; None: a new one."""
    if request.previous_response_id is not None:
        return family_of(request.previous_response_id)
    return family_from_name(f"{tenant}/{request.prompt_cache_key}") if request.prompt_cache_key else None

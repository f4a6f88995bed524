"""The flow of a request, the same for every transport: history → chat request → upstream → events → store.

An answer takes one round, or more: a round is one chat call, and all of them feed the same response. What is asked in
them is for `asking.py` to know; the first may be for a summary of what came before (`compaction.py`). Making an
`Exchange` does what can be refused: it translates, and sends the chat request. It is then
taken whole (`answer`) or event by event (`events`), and closed. What the caller can be told with an HTTP status is
raised (`RequestError`, `UpstreamError`, `StoreDown`); once events flow, every failure is `response.failed`. A
response is in the store before its terminal event leaves. A client that is gone, a silent provider and a worker that
stops end the exchange; closing it closes the upstream's connection.
"""

import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from itertools import islice
from typing import Final

import structlog

from adapter.background.run import Run
from adapter.event_loop.client_watch import ClientDisconnected, ClientWatch
from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.flow.attempts import Asking
from adapter.history.compaction_items import PendingCompaction, read_summary
from adapter.history.conversation_lease import ConversationLease
from adapter.services import Services
from adapter.store.base import StoreDown, StoredResponse
from translators.chat.chunks import Choice, Chunk
from translators.constraints.judge import asked_again
from translators.context.compaction import CompactedContext, retained_items
from translators.errors import UpstreamError
from translators.notes import Notes
from translators.reasoning.thinking import SealPolicy
from translators.responses.echo import first_snapshot
from translators.responses.events import Event
from translators.responses.ids import Ids, family_named, family_of
from translators.responses.items import Item
from translators.responses.request import CreateRequest
from translators.responses.response import Response
from translators.to_responses.answer import AnswerReader
from translators.to_responses.buffered import BufferedAnswer
from translators.to_responses.expectations import Expectations
from translators.to_responses.stream import ResponseStream
from translators.wire import encode

log = structlog.get_logger()

_NOTES_LOGGED: Final = 20
"""There may be one for each item of the input; all of them are stored with the response."""


class Caller:
    """Who asks: the tenant, the key to pass through, and the connection."""

    __slots__ = ("bearer", "tenant", "watch")

    def __init__(self, tenant: str, bearer: str | None, watch: ClientWatch) -> None:
        self.tenant = tenant
        self.bearer = bearer
        self.watch = watch


class Exchange:
    """One request and its answer on the way. `close` it, however it ended."""

    def __init__(self, services: Services, caller: Caller, request: CreateRequest, run: Run | None = None) -> None:
        """Translate a request and send it upstream; raise RequestError, UpstreamError or StoreDown if that cannot be.

        `run` keeps a response that is made in the background.
        """
        self._run = run
        self._services = services
        self._caller = caller
        self._request = request
        self._began = time.monotonic()
        self.notes = Notes()
        self._turn: ConversationLease | None = None
        if request.conversation is not None:
            lease = ConversationLease(services.conversations, request.conversation, caller.tenant)
            lease.acquire()
            self._turn = lease
        try:
            self._send()
        except BaseException:
            self._let_go()
            raise

    def _send(self) -> None:
        services, caller = self._services, self._caller
        earlier = None if self._turn is None else self._turn.load_items()
        ids = services.ids(_family(self._request, caller.tenant))
        group = self._request.conversation or ids.family
        self._asking = Asking(services, caller.tenant, caller.bearer, self._request, self.notes, earlier, group)
        self._request = self._asking.request
        self._first = first_snapshot(self._asking.context.request, ids.response, int(time.time()))
        self._stream = self._machine(ids, self.notes)
        self._rounds = 0
        self._begin_round(self._asking.body.json)

    def _machine(self, ids: Ids, notes: Notes) -> ResponseStream:
        """Return a machine for the answer to what is asked."""
        services, request = self._services, self._asking.context.request
        return ResponseStream(
            self._first,
            ids,
            self._expectations(),
            notes=notes,
            reasoning_as=services.reasoning_as,
            limits=services.limits,
            most_calls=1 if request.parallel_tool_calls is False else None,
        )

    def _expectations(self) -> Expectations:
        """Return what the answer to the current chat request is read by."""
        request, body, context = self._request, self._asking.body, self._asking.context
        always = not request.store or "reasoning.encrypted_content" in request.include
        return Expectations(
            body.names, SealPolicy(context.sealer, always), body.history.call_ids, len(body.json), context.thinks_first
        )

    def _begin_round(self, body: bytes) -> None:
        """Begin a round: one chat call, whose answer goes to the client as it comes, or into a draft."""
        self._rounds += 1
        self._draft: BufferedAnswer | None = None
        if self._asking.compaction is not None:
            self._draft = BufferedAnswer(self._machine(self._services.ids(), self.notes))
        elif self._asking.body.demands.held:
            self._draft = BufferedAnswer(self._machine(self._services.ids(), Notes()))
        self._reader = AnswerReader(self._draft or self._stream, self._services.limits.output_bytes)
        self._call = self._asking.send(body)

    def _wait(self, seconds: float, *, to_begin: bool = False) -> bool:
        """Wait for the provider's status, or for its answer to begin.

        Until then a refusal has the request sent again as it teaches, and a failure has it sent to another provider.
        """
        try:
            return self._call.wait(seconds) and (not to_begin or self._call.begins())
        except UpstreamError as error:
            first = self._rounds == 1
            if first and (self._asking.learns(error) or self._asking.asks_another(error)):
                self._begin_anew()
            elif not self._goes_on_whole(error):
                raise (self._asking.verdict() if first else error) from None
            return False

    def _begin_anew(self) -> None:
        """Begin a first round with what is asked now."""
        self._call.close(answered=self._reader.done)
        self._stream.expect(self._expectations())
        self._rounds = 0
        self._begin_round(self._asking.body.json)

    def _goes_on_whole(self, error: UpstreamError) -> bool:
        """Go on with the whole context when it could not be summarised; False where only the summary was wanted."""
        compaction = self._asking.compaction
        if compaction is None or compaction.rest is None or self._services.must_stop():
            return False
        self._asking.without_compaction()
        self.notes.add("context_management", "dropped", f"nothing was compacted: {error.message}")
        self._begin_anew()
        return True

    def await_head(self, seconds: float) -> None:
        """Wait for the provider's status, so that its errors are still HTTP errors; return if it takes longer."""
        until = time.monotonic() + seconds
        while not self._wait(min(TICK_SECONDS, max(0.0, until - time.monotonic()))):
            self._look_up()
            if time.monotonic() >= until:
                return

    def answer(self) -> Response:
        """Return the whole response, stored; raise UpstreamError, StoreDown or ClientDisconnected."""
        for _ in self._answered():
            pass
        if self._stream.error is not None:
            raise self._stream.error.copy()
        self._keep([])
        return self._stream.response

    def events(self) -> Generator[list[Event]]:
        """Yield events as they come, in batches, and an empty batch about once a second in silence.

        The last batch ends with the terminal event. A client that is gone, and closing the iterator before its end,
        cancel the response.
        """
        try:
            yield self._stream.start()
            yield from self._events()
        except (GeneratorExit, ClientDisconnected):
            if not self._stream.is_over:
                self._keep_if_possible(self._stream.cancel())

    def _events(self) -> Iterator[list[Event]]:
        stream = self._stream
        try:
            events = yield from self._answered()
        except UpstreamError as error:
            events = stream.fail(error)
        if not self._keep_if_possible(events):
            events = stream.revoke(events, UpstreamError("The response could not be stored. Please try again."))
        yield events

    def _answered(self) -> Generator[list[Event], None, list[Event]]:
        """Yield the events of one round after the other, as `events` does; return the last ones."""
        asking = self._asking
        if asking.compaction is not None and asking.compaction.rest is None:
            yield self._stream.open_compaction()
        while True:
            try:
                events = yield from self._round()
                if asking.compaction is not None:
                    events = self._compacted(asking.compaction)
                    if self._stream.is_over:
                        return events
                    yield events
                elif (ended := self._ended(events)) is not None:
                    return ended
            except UpstreamError as error:
                if not self._goes_on_whole(error):
                    raise

    def _round(self) -> Generator[list[Event], None, list[Event]]:
        """Yield the events of one chat call; return those of its last bytes."""
        while not self._wait(TICK_SECONDS, to_begin=True):
            self._look_up()
            yield []
        self._asking.answered()
        seen = time.monotonic()
        for data in self._call.pieces():
            if data is None:
                self._look_up()
                yield []
                continue
            events = self._reader.feed(data)
            if self._reader.done:
                return events
            if self._turn is not None:
                self._turn.renew()
            if self._services.must_stop():
                yield events
                raise stopping()
            if events:
                yield events
            elif self._draft is not None and time.monotonic() - seen > TICK_SECONDS:  # to the client this is silence
                seen = time.monotonic()
                self._look_up()
                yield []
        return []

    def _ended(self, events: list[Event]) -> list[Event] | None:
        """End a round, and with it the response; None if the model has to be asked once more."""
        now = int(time.time())
        stream, draft, body = self._stream, self._draft, self._asking.body
        if not stream.is_over:
            events = events + self._reader.finish(now)
        if draft is None:
            problem = body.demands.judge(stream.response, self.notes).problem
            return events if problem is None else stream.revoke(events, problem)
        judged = body.demands.judge(draft.response, self.notes)
        if judged.problem is not None:
            stream.spend(draft.response.usage)
            if self._rounds > 1:
                return stream.fail(judged.problem)
            self.notes.add(judged.param, "repaired", "the model was asked a second time")
            self._call.close(answered=True)
            self._begin_round(asked_again(body.json, draft.response, judged.problem))
            return None
        if judged.text is not None:
            draft.trim_to(judged.text, self.notes)
            self.notes.add("text.format", "repaired", "what stood around the JSON was cut off")
        return draft.send_to(stream, now)

    def retained(self) -> list[Item]:
        """Return what stays, beside the summary, of a context that was to be compacted."""
        return retained_items(self._asking.summarised)

    def _compacted(self, compaction: PendingCompaction) -> list[Event]:
        """Return the events of a compaction item, its summary being there; send the turn that goes on, if one does."""
        stream, draft, now = self._stream, self._draft, int(time.time())
        assert draft is not None
        self._reader.finish(now)
        stream.spend(draft.response.usage)
        summary = read_summary(draft.response)
        content = CompactedContext(
            v=1, model=self._request.model, created_at=now, summary=summary, turn=compaction.rest
        )
        sealed = self._services.compaction_sealer.seal(content, self._caller.tenant)
        if content.turn is None:
            events = stream.close_compaction(sealed) + stream.feed(Chunk(choices=[Choice(finish_reason="stop")]))
            return events + stream.finish(now, done=True)
        events = stream.open_compaction() + stream.close_compaction(sealed)
        self._asking.behind(compaction, content)
        self._begin_anew()
        return events

    def still_running(self) -> list[Event]:
        """Return an event that says only that the response goes on."""
        return self._stream.still_running()

    @property
    def has_failed(self) -> bool:
        return self._stream.response.status in ("failed", "cancelled")

    @property
    def watch(self) -> ClientWatch:
        """The client's connection."""
        return self._caller.watch

    def close(self) -> None:
        """Let go of the upstream and the conversation, and log how the exchange ended."""
        response = self._stream.response
        self._call.close(answered=self._reader.done and response.status != "cancelled")
        self._let_go()
        usage = response.usage
        notes = [f"{note.param}: {note.action}" for note in islice(self.notes, _NOTES_LOGGED)]
        if len(self.notes) > _NOTES_LOGGED:
            notes.append(f"and {len(self.notes) - _NOTES_LOGGED} more")
        log.info(
            "response",
            response_id=response.id,
            model=response.model,
            upstream=self._asking.upstream,
            status="failed" if response.status == "in_progress" else response.status,  # an HTTP error was its end
            error=response.error.code if response.error else None,
            input_tokens=usage.input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            seconds=round(time.monotonic() - self._began, 3),
            notes=notes,
        )

    def _keep_if_possible(self, events: list[Event]) -> bool:
        try:
            self._keep(events)
        except StoreDown as error:
            log.error("response not stored", response_id=self._stream.response.id, error=str(error))
            return False
        return True

    def stored(self) -> StoredResponse:
        """Return the response as it stands now, as the store keeps it."""
        response = self._stream.response
        return StoredResponse(
            id=response.id,
            tenant=self._caller.tenant,
            created_at=response.created_at,
            previous=response.previous_response_id,
            input=self._request.raw_input,
            response=encode(response),
            notes=self.notes.json(),
            conversation=self._request.conversation,
        )

    def _keep(self, events: list[Event]) -> None:
        """Write the response as it ended with `events`, unless the client wanted it forgotten.

        Then others may continue the conversation: a client that has seen the end goes on at once.
        """
        if self._request.store or self._services.keeps_all:
            self._write(events)
        self._let_go()

    def _write(self, events: list[Event]) -> None:
        response = self._stream.response
        items = self._turn.items_to_append(self._request.raw_input, response) if self._turn is not None else ()
        if self._run is None:
            self._services.responses.put(self.stored(), items)
        else:
            self._run.finish(self.stored(), items, events)
        asking = self._asking
        self._services.chain_cache.add(response, self._caller.tenant, asking.context.rendering, asking.body)

    def _let_go(self) -> None:
        """Let others continue the conversation."""
        turn, self._turn = self._turn, None
        if turn is not None:
            with suppress(StoreDown):  # then the lease ends by itself
                turn.release()

    def _look_up(self) -> None:
        """Look after everything that can end a wait, and after what must not end meanwhile."""
        self._caller.watch.check()
        if self._turn is not None:
            self._turn.renew()
        if self._services.must_stop():
            raise stopping()


def _family(request: CreateRequest, tenant: str) -> str | None:
    """Return the family of a response that continues others, or that says by its cache key which it belongs to."""
    if request.previous_response_id is not None:
        return family_of(request.previous_response_id)
    return family_named(f"{tenant}/{request.prompt_cache_key}") if request.prompt_cache_key else None


def stopping() -> UpstreamError:
    return UpstreamError("This server is being restarted. Please try again.", status=503, retry_after=1.0)

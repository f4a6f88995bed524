"""What happens on a WebSocket: messages become requests, and their events go out as messages.

A `response.create` is admitted by the same intake as a body of POST and answered by the same flow. A request that fails
before its response has begun gets an `error` message, and the connection goes on. Responses that a client does not want
stored are in the connection's memory (`memory.py`), so that they can be continued there and nowhere else.
"""

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

import gevent
from gevent.lock import Semaphore

from adapter.api.auth import authenticate
from adapter.api.error_reports import report_error
from adapter.api.request.intake import admit, parse_body
from adapter.api.websocket.memory import ConnectionMemory, with_memory
from adapter.api.websocket.messages import Message, error_message, steer_failure
from adapter.api.websocket.queue import StreamQueue
from adapter.api.websocket.writer import SocketWatch, SocketWriter
from adapter.event_loop.client_watch import ClientDisconnected
from adapter.event_loop.silence import Silence
from adapter.flow.caller import Caller
from adapter.flow.exchange import Exchange, open_exchange
from adapter.flow.flow import stopping_error
from adapter.flow.prewarm import PrewarmRound
from adapter.flow.round import create_round
from adapter.history.known_inputs import TenantInputs
from adapter.services import Services
from adapter.settings.settings import Settings
from adapter.sharing.shares import Holding
from adapter.telemetry.logs import log_context
from adapter.telemetry.traces.spans import current_trace, follow_trace
from translators.errors import ProtocolError, RequestError, unsupported_parameter
from translators.responses.request import CreateRequest
from translators.wire import encode

if TYPE_CHECKING:
    from adapter.telemetry.inspector.recorder import Recorder

MAX_STREAM_IDS: Final = 32
"""Distinct stream ids of one connection, as at OpenAI. Source: OpenAI guide, WebSocket mode."""
MAX_CONCURRENT_RESPONSES: Final = 16
"""Of one connection, as at OpenAI; further messages wait. Source: OpenAI guide, WebSocket mode."""
MAX_WAITING_MESSAGES: Final = 64
"""Two for each stream id. Then nothing more is read, so that a client cannot fill the worker's memory."""


class Session:
    """The messages of one connection and the responses to them. `end` it when the client has gone."""

    def __init__(
        self, caller: Caller, watch: SocketWatch, services: Services, writer: SocketWriter,
        recorder: "Recorder | None" = None,
    ) -> None:  # fmt: skip
        """`recorder`: records the requests; None: nothing does."""
        self.message_count = 0
        self._caller = caller.watched_by(watch)
        self._watch = watch
        self._services = services
        self._recorder = recorder
        self._writer = writer
        fields = log_context.get()
        self._fields = {name: fields[name] for name in ("request_id", "trace_id") if name in fields}
        self._trace = current_trace()
        self._memory = ConnectionMemory(
            services.responses, services.settings.max_body_bytes, caller.tenant, services.memories
        )
        self._flow_services = with_memory(services.flow, self._memory)
        self._queues: dict[str | None, StreamQueue] = {}
        self._waiting = 0
        self._responses_at_once = Semaphore(MAX_CONCURRENT_RESPONSES)

    @property
    def is_busy(self) -> bool:
        """Whether any message is still to be answered."""
        return any(queue.greenlet is not None for queue in self._queues.values())

    @property
    def is_full(self) -> bool:
        """Whether so many messages wait that no more should be read."""
        return self._waiting >= MAX_WAITING_MESSAGES

    def open_room(self) -> Holding:
        """Return where the bytes of the next message are counted."""
        return Holding(self._services.bodies, self._caller.tenant)

    def receive(self, text: str, room: Holding) -> None:
        """Queue a message, or answer it at once with an error; its bytes are counted in `room`."""
        stream_id: str | None = None
        try:
            message = Message(text, room)
            stream_id = message.stream_id
            if message.kind == "response.steer":
                return self._writer.write(steer_failure(message))
            if self._services.draining and self.message_count:
                raise stopping_error()
            queue = self._queue(stream_id)
        except ProtocolError as error:
            self.send_error(error, stream_id)
        else:
            self.message_count += 1
            self._waiting += 1
            queue.put(message)

    def send_error(self, error: ProtocolError, stream_id: str | None = None) -> None:
        """Send an `error` message, unless the client has gone."""
        with suppress(OSError):
            self._writer.write(error_message(error, stream_id))

    def end(self) -> None:
        """Wait for the responses that are still being made; they notice by themselves that the client has gone."""
        gevent.joinall([queue.greenlet for queue in self._queues.values() if queue.greenlet is not None])
        self._queues.clear()  # they refer to this session
        self._memory.close()

    def _queue(self, stream_id: str | None) -> StreamQueue:
        queue = self._queues.get(stream_id)
        if queue is None:
            if stream_id is not None and sum(known is not None for known in self._queues) >= MAX_STREAM_IDS:
                raise RequestError(
                    f"This WebSocket connection has reached its maximum number of distinct stream IDs "
                    f"({MAX_STREAM_IDS}). Reuse an existing stream_id or open a new WebSocket connection.",
                    param="stream_id",
                    code="websocket_stream_limit_reached",
                )
            queue = self._queues[stream_id] = StreamQueue(stream_id, self._respond)
        return queue

    def _respond(self, message: Message, queue: StreamQueue) -> None:
        """Answer a message: with the events of a response, or with an error."""
        self._waiting -= 1
        log_context.set(self._fields)
        with self._responses_at_once:
            if self._watch.disconnected():
                return
            if self._services.must_stop():
                self.send_error(stopping_error(), queue.stream_id)
                return
            caller = self._caller.sending(message.room)
            trace = None if self._trace is None else self._trace.branch()
            follow_trace(trace)
            if self._recorder is not None:
                began, ids = time.monotonic(), self._fields
                caller.recording = self._recorder.begin(caller, "/v1/responses", message.body, began, ids)
                caller.recording.steps.append(("response", None, "websocket"))  # for a message that is refused, too
            try:
                self._make_response(message, queue, caller)
            except (ClientDisconnected, OSError):
                self._watch.closed = True
            except Exception as error:
                self._report(error, queue.stream_id, caller)
            if trace is not None:
                trace.answer("MESSAGE", "/v1/responses", 200)

    def _report(self, error: Exception, stream_id: str | None, caller: Caller) -> None:
        """Log an error, and send it. Not inline: a stack frame in the error's traceback must not refer to it."""
        report = report_error(error)
        report.write_log()
        if caller.recording is not None:
            caller.recording.refuse(report.error)
        self.send_error(report.error, stream_id)

    def _make_response(self, message: Message, queue: StreamQueue, caller: Caller) -> None:
        """Make the response that a message asks for, and send its events.

        If that fails, the connection forgets the response that the message continues, so that no client goes on from a
        stale state. Source: OpenAI guide, WebSocket mode.
        """
        self._services.overload.check()
        caller.key = authenticate(caller.bearer, self._services.caller_keys).key  # it may have been revoked meanwhile
        previous: str | None = None
        failed = True

        def parse(body: bytes, settings: Settings, known: TenantInputs | None) -> CreateRequest:
            nonlocal previous
            request = parse_body(body, settings, known)
            previous = request.previous_response_id
            self._check(request)
            return request

        try:
            request = admit(message.body, caller, self._services, self._memory, parse)
            exchange = open_exchange(
                self._flow_services, caller, request, keeper=None if request.store else self._memory,
                create=PrewarmRound if message.prewarms else create_round,
            )  # fmt: skip
            failed = self._send_events(exchange, queue)
        finally:
            if failed and previous is not None:
                self._memory.evict(previous)

    def _check(self, request: CreateRequest) -> None:
        """Raise RequestError for a request that a WebSocket cannot serve."""
        if request.background:
            raise unsupported_parameter("background", "is not supported over a WebSocket.")
        previous = request.previous_response_id
        if request.store and previous is not None and self._memory.holds(previous):
            raise RequestError(
                "A response that is to be stored cannot continue one that only this connection remembers. "
                "Send 'store': false, or have the earlier one stored.",
                param="store",
                code="invalid_value",
            )

    def _send_events(self, exchange: Exchange, queue: StreamQueue) -> bool:
        """Send the events of an exchange; return whether the response failed."""
        settings = self._services.settings
        silence = Silence(settings.keep_alive)
        with closing(exchange):
            exchange.await_status(settings.grace_window)
            with closing(exchange.events()) as batches:
                for events in batches:
                    if not events:
                        if not silence.tick():
                            continue
                        events = exchange.still_running()
                    silence.seconds = 0.0
                    messages = [encode(event) for event in events]
                    if exchange.record is not None:
                        exchange.record(b"\n".join([*messages, b""]))
                    self._writer.write(b"".join(map(queue.frame, messages)))
            return exchange.has_failed

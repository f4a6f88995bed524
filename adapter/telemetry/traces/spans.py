"""The spans of one request: the request itself, the logical call of the model, and each chat request.

What is recorded is a name, two times and some attributes; never a word of a prompt or an answer. Without an exporter
nothing is recorded, and a trace is only its ids, for the headers of the calls.
"""

import os
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, Literal

from adapter.telemetry.traces import names
from adapter.telemetry.traces.context import TraceContext, read_context

Value = str | int | float
Attributes = dict[str, Value]
Kind = Literal["server", "client"]
Deliver = Callable[["Span"], None]
"""Takes a span that has ended."""

_current: ContextVar["Trace | None"] = ContextVar("trace", default=None)


class Span:
    """One piece of work."""

    __slots__ = ("attributes", "context", "end", "events", "failed", "id", "kind", "name", "parent", "start")

    def __init__(self, context: TraceContext, id: str, parent: str, kind: Kind, name: str, start: int) -> None:
        """`start` and `end` are Unix times in nanoseconds; `parent`: the id of the span above; "": there is none."""
        self.context = context
        self.id = id
        self.parent = parent
        self.kind = kind
        self.name = name
        self.start = start
        self.end = 0
        self.attributes: Attributes = {}
        self.events: list[tuple[str, int, Attributes]] = []
        self.failed = False


class Trace:
    """What a request has of a trace."""

    __slots__ = (
        "_attempts", "_deliver", "_open", "_request", "call_id", "context", "is_passed_on", "reason", "span_id",
    )  # fmt: skip

    def __init__(self, context: TraceContext, parent: str, *, is_passed_on: bool, deliver: Deliver | None) -> None:
        """`is_passed_on`: whether calls carry it. `deliver` gets the spans; None: they are not recorded."""
        self.context = context
        self.span_id = new_span_id()
        self.call_id = new_span_id()
        """Of the logical call of the model."""
        self.is_passed_on = is_passed_on
        self.reason = ""
        """Why the next attempt is made."""
        self._deliver = deliver
        self._request: Span | None = None
        self._attempts: list[Span] = []
        self._open = 0
        if deliver is not None:
            self._request = Span(context, self.span_id, parent, "server", "", time.time_ns())

    @property
    def is_recorded(self) -> bool:
        return self._deliver is not None

    def branch(self) -> "Trace":
        """Return the trace of a request that came within this one."""
        return Trace(self.context, self.span_id, is_passed_on=self.is_passed_on, deliver=self._deliver)

    def headers(self, span_id: str | None = None) -> dict[str, str]:
        """Return the headers of a call; `span_id`: of the span that it is, by default a new one."""
        return self.context.headers(span_id or new_span_id()) if self.is_passed_on else {}

    def begin_attempt(self, upstream: str, host: str, model: str) -> dict[str, str]:
        """Begin a chat request; return its headers."""
        id = new_span_id()
        if self._deliver is not None:
            now = time.time_ns()
            self._end_attempt(now)
            span = Span(self.context, id, self.call_id, "client", "POST", now)
            span.attributes = {
                names.METHOD: "POST", names.SERVER: host, names.PROVIDER: upstream, names.MODEL: model,
                names.ATTEMPT: len(self._attempts) + 1, names.WHY: self.reason or "first",
            }  # fmt: skip
            self._attempts.append(span)
            self.reason = ""
        return self.headers(id)

    def end_attempt(self, status: int, error: str = "") -> None:
        """Observe how the last chat request was answered; `error`: why it failed."""
        if self._attempts:
            attributes = self._attempts[-1].attributes
            if status:
                attributes[names.STATUS] = status
            if error:
                attributes[names.ERROR] = error
                self._attempts[-1].failed = True
                self._end_attempt(time.time_ns())

    def _end_attempt(self, now: int) -> None:
        if self._attempts and not self._attempts[-1].end:
            self._attempts[-1].end = now

    def open_call(self) -> None:
        """Observe that the model is called: the request lasts as long."""
        self._open += 1

    def close_call(
        self, model: str, seconds: float, attributes: Attributes, events: list[Attributes], *, failed: bool
    ) -> None:
        """Record the logical call of the model, which has lasted so long, with its attempts and `events` (notes)."""
        self._open -= 1
        if self._deliver is None:
            return
        now = time.time_ns()
        self._end_attempt(now)
        span = Span(
            self.context, self.call_id, self.span_id, "client", f"{names.CHAT} {model}", now - round(seconds * 1e9)
        )
        span.end, span.failed, span.attributes = now, failed, {names.OPERATION: names.CHAT, **attributes}
        span.events = [(names.NOTE, now, event) for event in events]
        for one in (*self._attempts, span):
            self._deliver(one)
        self._attempts = []
        if self._request is not None and self._request.name:
            self._end_request()

    def answer(self, method: str, route: str, status: int) -> None:
        """Record that the request is answered: now, or when the call of the model that is still open ends."""
        request = self._request
        if request is None or request.end:
            return
        request.name = f"{method} {route}"
        request.attributes = {names.METHOD: method, names.ROUTE: route, names.STATUS: status}
        request.failed = status >= 500
        self._end_request()

    def _end_request(self) -> None:
        request = self._request
        if request is not None and not self._open and self._deliver is not None:
            self._request, request.end = None, time.time_ns()
            self._deliver(request)


class Tracing:
    """Which requests have a trace, in one worker."""

    def __init__(self) -> None:
        self.configure(starts=False, sample=1.0, deliver=None)

    def configure(self, *, starts: bool, sample: float, deliver: Deliver | None) -> None:
        """`starts`: whether providers get a trace that began here. `sample`: which part of those is recorded."""
        self._starts = starts
        self._threshold = round(sample * 2**56)
        self._deliver = deliver
        self._is_idle = not starts and deliver is None

    def begin(self, parent: str | None, state: str | None) -> Trace | None:
        """Begin the trace of a request with these headers, in this greenlet; None: it has none."""
        trace = None
        if parent is not None or not self._is_idle:
            trace = self._begin(read_context(parent, state))
        _current.set(trace)
        return trace

    def _begin(self, context: TraceContext | None) -> Trace | None:
        if context is not None:
            deliver = self._deliver if context.is_sampled else None
            return Trace(context, context.span_id, is_passed_on=True, deliver=deliver)
        if self._is_idle:
            return None
        id = os.urandom(16)
        is_recorded = self._deliver is not None and int.from_bytes(id[-7:]) < self._threshold
        made = TraceContext(id.hex(), "", 0x03 if is_recorded else 0x02)
        return Trace(made, "", is_passed_on=self._starts, deliver=self._deliver if is_recorded else None)


tracing: Final = Tracing()


current_trace: Final[Callable[[], Trace | None]] = _current.get
"""Return the trace of this greenlet's request; None: it has none."""


def follow_trace(trace: Trace | None) -> None:
    """Let this greenlet work for the request of a trace."""
    _current.set(trace)


def trace_headers() -> dict[str, str]:
    """Return the headers of a call that this greenlet's request makes."""
    trace = current_trace()
    return {} if trace is None else trace.headers()


def new_span_id() -> str:
    return os.urandom(8).hex()


def encode_span(span: Span) -> dict[str, Any]:
    """Return a span as OTLP has it in JSON. Source: OpenTelemetry protocol, OTLP/HTTP."""
    found: dict[str, Any] = {
        "traceId": span.context.trace_id,
        "spanId": span.id,
        "name": span.name,
        "kind": 2 if span.kind == "server" else 3,
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(span.end),
        "attributes": _encode_attributes(span.attributes),
    }
    if span.parent:
        found["parentSpanId"] = span.parent
    if span.context.state:
        found["traceState"] = span.context.state
    if span.events:
        found["events"] = [
            {"name": name, "timeUnixNano": str(at), "attributes": _encode_attributes(attributes)}
            for name, at, attributes in span.events
        ]
    if span.failed:
        found["status"] = {"code": 2}
    return found


def _encode_attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": name, "value": _encode_value(value)} for name, value in attributes.items()]


def _encode_value(value: Value) -> dict[str, Any]:
    match value:
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case _:
            return {"stringValue": value}

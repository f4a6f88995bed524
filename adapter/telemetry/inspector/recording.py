"""One exchange as it happens: when each step came, which attempts it took, and, if contents are recorded, every byte.

A recording only collects: it appends what passes, in the event loop, and `take` hands over what is new. Events become
JSON at once: many objects that wait to be written cost more than their encoding. Packing, redaction and writing are
the recorder's work, beside the event loop. Times are milliseconds since the request began to arrive.
"""

import re
from collections.abc import Callable, Generator, Iterable, Mapping
from time import perf_counter
from typing import Any, Final, Protocol, TypeAlias

from msgspec import Struct

from translators.errors import ProtocolError, ProviderError, UpstreamError
from translators.notes import Note
from translators.responses.events import Event
from translators.responses.response import Response, Usage
from translators.wire import encode

_MAX_NOTES: Final = 100
"""In a head, which every list has: there may be one for each item of the input."""
_MAX_CHARACTERS: Final = 1000
"""Of a name or a message in a head: callers and providers choose their length."""
_NOT_STORED: Final = re.compile(rb'"store"\s*:\s*false')

Deliver: TypeAlias = Callable[[list[Event]], bool]
MakeEvents: TypeAlias = Callable[[Deliver | None], Generator[list[Event]]]


class Attempt(Struct, omit_defaults=True):
    """One call to a provider."""

    reason: str
    """Why it was made: first, lesson, failover, retry, repair, summary, shorter history, tool results."""
    upstream: str
    model: str
    """Its name at the upstream."""
    key: int | None
    lessons: tuple[str, ...]
    """Those with which the chat request was translated."""
    began: float
    delay: float = 0.0
    """Milliseconds until it was sent."""
    head: float | None = None
    """When the provider's status had come."""
    first: float | None = None
    """When the first byte of the answer's body had come; only if contents are recorded."""
    ended: float | None = None
    sent_bytes: int = 0
    status: int = 0
    """The provider's HTTP status; 0: none has come."""
    error: dict[str, Any] | None = None
    """What the provider, or the system, says about its failure."""


class ToolCall(Struct, omit_defaults=True):
    """A call of a hosted tool."""

    kind: str
    name: str
    outcome: str
    began: float
    ended: float


class Head(Struct, omit_defaults=True):
    """What is recorded of every exchange: nothing that caller or model wrote, names aside."""

    id: str
    at: float
    """Unix time at which it began."""
    worker: int
    """Process id."""
    path: str
    key: str | None
    """The name of the caller's key, or the beginning of the digest that is its tenant."""
    contents: str
    """"recorded", or why they are not."""
    transport: str
    status: str
    """Of the response; "rejected" if there is none because of the request."""
    tenant: str = ""
    """Whose data it is; shown only in part."""
    request_id: str | None = None
    trace_id: str | None = None
    """Of the trace that the request belongs to."""
    replay_of: str | None = None
    response_id: str | None = None
    previous_response_id: str | None = None
    conversation: str | None = None
    model: str = ""
    http: int = 0
    """The HTTP status with which it was answered; 0: not yet."""
    error: dict[str, Any] | None = None
    """The error as the caller got it."""
    incomplete: str | None = None
    marks: dict[str, float] = {}
    """Steps: read, translated, first token, storing, stored, closed."""
    request_bytes: int = 0
    usage: Usage | None = None
    notes: tuple[Note, ...] = ()
    more_notes: int = 0
    """Notes that are left out here."""
    attempts: list[Attempt] = []
    tools: list[ToolCall] = []
    parts: int = 0
    """How many parts of its contents have been written."""


class Arrivals:
    """What comes of one answer, as it was read: when, and the bytes."""

    __slots__ = ("data", "times")

    def __init__(self) -> None:
        self.times: list[float] = []
        self.data: list[bytes] = []


class Contents:
    """What has been collected of an exchange's contents since it was last taken."""

    __slots__ = ("chats", "chunks", "error_bodies", "events", "request", "response")

    def __init__(self) -> None:
        self.request: bytes | None = None
        self.chats: list[tuple[int, bytes]] = []
        """Chat requests, with the number of the attempt."""
        self.chunks: dict[int, Arrivals] = {}
        """By the number of the attempt."""
        self.error_bodies: list[tuple[int, bytes]] = []
        self.events: list[bytes] = []
        """JSON of pairs: when they were made, and the events of one batch."""
        self.response: Response | None = None

    def __bool__(self) -> bool:
        some = self.chats or self.chunks or self.error_bodies or self.events or self.response
        return self.request is not None or bool(some)


class Taken(Struct, frozen=True):
    """What is to be written of a recording."""

    recording: "Recording"
    head: bytes
    """JSON."""
    contents: Contents | None
    part: int


class Owner(Protocol):
    """The recorder."""

    @property
    def keeps_unstored(self) -> bool: ...
    def changed(self, recording: "Recording") -> None: ...
    def end(self, recording: "Recording") -> None: ...


class Recording:
    """One exchange. Its `bearer` is redacted; `stored` is the size of its contents that are written, compressed."""

    __slots__ = ("_accepts", "_began", "_contents", "_left", "_owner", "bearer", "head", "reason", "stored")

    def __init__(self, owner: Owner, head: Head, began: float, bearer: str | None, room: int) -> None:
        """`began`: of the performance counter. `room`: bytes of contents that may be recorded."""
        self.head = head
        self.reason = ""
        """Why the next attempt is made; "" if it is not known."""
        self.bearer = bearer
        self.stored = 0
        self._left = room
        self._owner = owner
        self._began = began
        self._accepts = head.contents == "recorded"
        self._contents = Contents() if self._accepts else None
        """What is still to be written; None: nothing will be."""

    @property
    def now(self) -> float:
        return (perf_counter() - self._began) * 1000

    def mark(self, step: str) -> None:
        self.head.marks[step] = (perf_counter() - self._began) * 1000

    def add_request(self, body: bytes) -> None:
        self.head.request_bytes = len(body)
        self.head.marks["read"] = (perf_counter() - self._began) * 1000
        if self._contents is not None and self._has_room(len(body)):
            self._contents.request = body

    def describe(self, model: str, *, previous: str | None, conversation: str | None, stored: bool) -> None:
        """Take over what the parsed request says; `stored`: whether it is to be stored."""
        head = self.head
        head.model, head.conversation = _cut(model), conversation and _cut(conversation)
        head.previous_response_id = previous and _cut(previous)
        if not stored and self._contents is not None and not self._owner.keeps_unstored:
            self.withhold("not recorded: the request has store: false")

    def withhold(self, reason: str) -> None:
        """Record no contents of this exchange, not even those so far."""
        self.head.contents = reason
        self._contents, self._accepts = None, False

    def _has_room(self, size: int) -> bool:
        """Take room for contents; without enough of it, nothing more is recorded."""
        self._left -= size
        if self._accepts and self._left < 0:
            self._accepts = False
            self.head.contents = "recorded, but only its beginning: it is too large"
        return self._accepts

    def open(self, response_id: str | None, transport: str) -> None:
        """Record that the answer is under way; `response_id`: None for a forwarded request."""
        self.head.response_id, self.head.transport = response_id, transport
        self._owner.changed(self)

    def refuse(self, error: ProtocolError) -> None:
        """Record the error with which the request is answered."""
        head = self.head
        body = self._contents.request if self._contents is not None and not head.model else None
        if body is not None and _NOT_STORED.search(body):  # it could not be parsed
            self.describe("", previous=None, conversation=None, stored=False)
        head.http = error.status
        self.fail(error)
        if head.status == "in_progress":
            head.status = "failed" if isinstance(error, UpstreamError) or error.status >= 500 else "rejected"
        self._owner.end(self)

    def fail(self, error: ProtocolError) -> None:
        """Record the error that the client gets, which may be in a stream that has begun."""
        self.head.error = {name: value and _cut(value) for name, value in error.envelope()["error"].items()}

    def pass_on(self, provider: ProviderError) -> None:
        """Record that the client gets the provider's own error as it is, in place of the adapter's."""
        self.head.http = provider.status
        self.head.error = _said(provider)
        self._owner.end(self)

    def close_forwarded(self, status: str, usage: Usage | None) -> None:
        """Record how a forwarded request ended."""
        self._close(status, usage)
        self._owner.end(self)

    def _close(self, status: str, usage: Usage | None) -> None:
        head = self.head
        head.marks["closed"] = (perf_counter() - self._began) * 1000
        head.status, head.usage, head.http = status, usage, head.http or 200

    def close(self, response: Response, notes: Iterable[Note], *, shows_response: bool) -> None:
        """Record how the response ended. `shows_response`: the client gets it whole, not as events."""
        head = self.head
        self._close("failed" if response.status == "in_progress" else response.status, response.usage)
        if listed := tuple(notes):
            head.notes, head.more_notes = listed[:_MAX_NOTES], len(listed[_MAX_NOTES:])
        if response.error is not None:
            head.error = {"code": response.error.code, "message": _cut(response.error.message)}
        if response.incomplete_details is not None:
            head.incomplete = response.incomplete_details.reason
        if shows_response and self._contents is not None and self._accepts and response.status != "in_progress":
            self._contents.response = response
        self._owner.end(self)

    def begin_attempt(self, attempt: Attempt, json: bytes) -> None:
        """Record that a chat request is sent."""
        marks = self.head.marks
        if "translated" not in marks:
            marks["translated"] = attempt.began
        attempt.sent_bytes = len(json)
        attempts = self.head.attempts
        if self._contents is not None and self._has_room(len(json)):
            self._contents.chats.append((len(attempts), json))
        attempts.append(attempt)
        self.reason = ""

    def add_tool(self, fields: Mapping[str, Any], seconds: float) -> None:
        """Record a call of a hosted tool that has just ended; `fields` are those of its line in the log."""
        ended = self.now
        name = str(fields.get("tool") or fields.get("server") or fields["kind"])
        call = ToolCall(fields["kind"], name, fields["outcome"], max(0.0, ended - seconds * 1000), ended)
        self.head.tools.append(call)

    def fail_last(self, error: UpstreamError) -> None:
        """Record how the last attempt failed, unless that is known: by an error in its answer."""
        if self.head.attempts and self.head.attempts[-1].error is None:
            self.fail_attempt(self.head.attempts[-1], error, b"")

    def fail_attempt(self, attempt: Attempt, error: UpstreamError, body: bytes) -> None:
        """Record how an attempt failed; `body`: of the provider's answer."""
        attempt.ended = self.now
        attempt.status = error.provider_status or attempt.status
        provider = error.provider_error
        attempt.error = {
            "cause": error.cause, "reason": _cut(error.reason), "message": _cut(error.message),
            "provider": provider and _said(provider),
        }  # fmt: skip
        if self._contents is not None and body and self._has_room(len(body)):
            self._contents.error_bodies.append((self.head.attempts.index(attempt), body))

    def chunk_taker(self, attempt: Attempt) -> Callable[[bytes], None] | None:
        """Return what records the bytes of an answer as they come; None: they are not recorded."""
        if self._contents is None:
            return None
        number = self.head.attempts.index(attempt)

        def take(data: bytes) -> None:
            contents = self._contents
            if contents is None or not self._has_room(2 * len(data)):  # the events are about as large
                return
            arrivals = contents.chunks.get(number)
            if arrivals is None:
                arrivals = contents.chunks[number] = Arrivals()
                attempt.first = attempt.first or self.now
            arrivals.times.append((perf_counter() - self._began) * 1000)
            arrivals.data.append(data)

        return take

    def follow_events(self, make: MakeEvents, deliver: Deliver | None) -> Generator[list[Event]]:
        """Return the events that `make` makes, recorded, whether they are yielded or delivered."""
        if self._contents is None:
            return make(deliver)

        def deliver_recorded(events: list[Event]) -> bool:
            self._add_events(events)
            assert deliver is not None
            return deliver(events)

        return self._record_events(make(None if deliver is None else deliver_recorded))

    def _record_events(self, batches: Generator[list[Event]]) -> Generator[list[Event]]:
        try:
            for events in batches:
                if events:
                    self._add_events(events)
                yield events
        finally:
            batches.close()

    def _add_events(self, events: list[Event]) -> None:
        if self._contents is not None and self._accepts:
            self._contents.events.append(encode(((perf_counter() - self._began) * 1000, events)))

    @property
    def has_news(self) -> bool:
        """Whether there are contents that have not been taken."""
        return bool(self._contents)

    def take(self) -> Taken:
        """Return what is new."""
        taken = self._contents or None
        if taken is not None:
            self._contents = Contents()
            self.head.parts += 1
        return Taken(self, encode(self.head), taken, self.head.parts - 1)


def _said(provider: ProviderError) -> dict[str, Any]:
    return {"code": provider.code, "type": provider.type, "message": _cut(provider.message)}


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"

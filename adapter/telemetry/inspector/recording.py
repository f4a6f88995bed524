"""One exchange as it happens: when each step came, which attempts it took, and, if contents are recorded, every byte.

A recording only collects, in the event loop: along the way a time is stored as it was read, bytes are appended, and
nothing is calculated: code that runs once in a request costs many times what it costs for some dozens of recordings at
once, as they are packed. For the same reason what is known of a request is set in its head, without a call. Redaction
and writing are the recorder's work, beside the event loop. Times are those of the worker's monotonic clock; readers get
milliseconds since the request began to arrive (`Head.milliseconds`).
"""

import re
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final, Protocol, TypeAlias

from msgspec import Struct

from translators.errors import ProtocolError, ProviderError, UpstreamError
from translators.notes import Note, Notes
from translators.responses.response import Response, Usage
from translators.wire import encode

_MAX_NOTES: Final = 100
"""In a head, which every list has: there may be one for each item of the input."""
_MAX_CHARACTERS: Final = 1000
"""Of a name or a message in a head: callers and providers choose their length."""
_NOT_STORED: Final = re.compile(rb'"store"\s*:\s*false')


class Attempt(Struct, omit_defaults=True, gc=False):
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
    """Seconds until it was sent."""
    answered: float | None = None
    """When the provider's status had come."""
    first: float | None = None
    """When the first byte of the answer's body had come; only if contents are recorded."""
    ended: float | None = None
    """None: with the exchange."""
    status: int = 0
    """The provider's HTTP status; 0: none has come."""
    error: dict[str, Any] | None = None
    """What the provider, or the system, says about its failure."""


class ToolCall(Struct, omit_defaults=True, gc=False):
    """A call of a hosted tool."""

    kind: str
    name: str
    outcome: str
    began: float
    ended: float


class Head(Struct, omit_defaults=True, gc=False):
    """What is recorded of every exchange: nothing that caller or model wrote, names aside."""

    id: str
    at: float
    """Unix time at which it began."""
    began: float
    """The same on the worker's clock."""
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
    tenant: str
    """Whose data it is; shown only in part."""
    request_id: str | None
    trace_id: str | None
    """Of the trace that the request belongs to."""
    read: float
    """When the request had been read."""
    request_bytes: int
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
    first_token: float | None = None
    storing: float | None = None
    stored: float | None = None
    closed: float | None = None
    usage: Usage | None = None
    notes: tuple[Note, ...] = ()
    more_notes: int = 0
    """Notes that are left out here."""
    attempts: list[Attempt] = []
    tools: list[ToolCall] = []
    parts: int = 0
    """How many parts of its contents have been written."""

    def milliseconds(self, time: float) -> float:
        """Return a time in milliseconds since the beginning."""
        return (time - self.began) * 1000


REQUEST, CHAT, CHUNK, ERROR, EVENT, RESPONSE = range(6)
"""What a piece of the contents is: the request's body, a chat request, bytes of an answer's body, the body of an error,
events as they went to the client (lines, of which some are JSON, or `data: ` and JSON), a response that was not sent as
events. In this order they are written."""
Piece: TypeAlias = tuple[int, int, float, bytes]
"""Its kind, the number of the attempt, when it came or went, and what."""


class Owner(Protocol):
    """The recorder."""

    keeps_unstored: bool
    in_progress: dict["Recording", None]
    ended: dict["Recording", None]
    """Here a recording puts itself when it has something new after its exchange is over."""


class Recording(Struct, eq=False, gc=False):
    """One exchange."""

    owner: Owner
    head: Head
    bearer: str | None
    """It is redacted."""
    room: int
    """Bytes of contents that may still be recorded; below 0 there were too many, and nothing more is recorded."""
    contents: list[Piece] | None
    """What is still to be written; None: nothing will be."""
    reason: str = ""
    """Why the next attempt is made; "" if it is not known."""
    is_listed: bool = False
    """Its head has been taken."""
    is_apart: bool = False
    """It has been taken while the exchange was in progress, and has a row for itself."""

    def withhold_unstored(self) -> None:
        """Record no contents of a request that is not to be stored, unless the operator wants those, too."""
        if self.contents is not None and not self.owner.keeps_unstored:
            self.withhold("not recorded: the request has store: false")

    def withhold(self, reason: str) -> None:
        """Record no contents of this exchange, not even those so far."""
        self.head.contents, self.contents = reason, None

    def begin_attempt(
        self, upstream: str, model: str, key: int | None, lessons: tuple[str, ...], delay: float, json: bytes
    ) -> None:
        """Record that a chat request has been sent to a candidate, or will be after `delay` seconds."""
        attempts, now = self.head.attempts, monotonic()
        if not attempts:
            self.owner.in_progress[self] = None
        reason = self.reason
        if reason:
            self.reason = ""
        else:
            reason = "next round" if attempts else "first"
        if self.contents is not None:
            self.room -= len(json)
            if self.room >= 0:
                self.contents.append((CHAT, len(attempts), now, json))
        attempts.append(Attempt(reason, upstream, model, key, lessons, now, delay))

    def add_chunk(self, data: bytes) -> None:
        """Record bytes of the last attempt's answer."""
        self.room -= len(data)
        contents = self.contents
        if contents is None or self.room < 0:
            return
        now, attempts = monotonic(), self.head.attempts
        if attempts[-1].first is None:
            attempts[-1].first = now
        contents.append((CHUNK, len(attempts) - 1, now, data))

    def add_error_body(self, body: bytes) -> None:
        """Record the body of the last attempt's answer, which is an error."""
        self.room -= len(body)
        if body and self.contents is not None and self.room >= 0:
            self.contents.append((ERROR, len(self.head.attempts) - 1, monotonic(), body))

    def fail_attempt(self, error: UpstreamError) -> None:
        """Record how the last attempt failed, unless that is known."""
        attempt = self.head.attempts[-1] if self.head.attempts else None
        if attempt is None or attempt.error is not None:
            return
        attempt.ended = monotonic()
        attempt.status = error.provider_status or attempt.status
        provider = error.provider_error
        attempt.error = {
            "cause": error.cause, "reason": _cut(error.reason), "message": _cut(error.message),
            "provider": provider and _said(provider),
        }  # fmt: skip

    def end_attempt(self) -> None:
        """Record that the last attempt has ended, unless that is known."""
        if self.head.attempts and self.head.attempts[-1].ended is None:
            self.head.attempts[-1].ended = monotonic()

    def add_tool(self, fields: Mapping[str, Any], seconds: float) -> None:
        """Record a call of a hosted tool that has just ended; `fields` are those of its line in the log."""
        ended = monotonic()
        name = str(fields.get("tool") or fields.get("server") or fields["kind"])
        self.head.tools.append(ToolCall(fields["kind"], name, fields["outcome"], ended - seconds, ended))

    def add_events(self, data: bytes) -> None:
        """Record events, as they are written for the client."""
        self.room -= len(data)
        if self.contents is not None and self.room >= 0:
            self.contents.append((EVENT, 0, monotonic(), data))

    def fail(self, error: ProtocolError) -> None:
        """Record the error that the client gets, which may be in a stream that has begun."""
        self.head.error = {name: value and _cut(value) for name, value in error.envelope()["error"].items()}

    def refuse(self, error: ProtocolError) -> None:
        """Record the error with which the request is answered."""
        head = self.head
        if self.contents and not head.model and _NOT_STORED.search(self.contents[0][-1]):  # it could not be parsed
            self.withhold_unstored()
        head.http = error.status
        self.fail(error)
        if head.status == "in_progress":
            head.status = "failed" if isinstance(error, UpstreamError) or error.status >= 500 else "rejected"
        self.owner.ended[self] = None

    def pass_on(self, provider: ProviderError) -> None:
        """Record that the client gets the provider's own error as it is, in place of the adapter's."""
        self.head.http = provider.status
        self.head.error = _said(provider)
        self.owner.ended[self] = None

    def close(self, status: str, usage: Usage | None) -> None:
        """Record how a forwarded request ended."""
        head = self.head
        head.closed = monotonic()
        head.status, head.usage, head.http = status, usage, head.http or 200
        self.owner.ended[self] = None

    def close_response(self, response: Response, notes: Notes, *, shows_response: bool) -> None:
        """Record how the response ended. `shows_response`: the client gets it whole, not as events."""
        head = self.head
        if notes:
            listed = tuple(notes)
            head.notes, head.more_notes = listed[:_MAX_NOTES], len(listed[_MAX_NOTES:])
        if response.error is not None:
            head.error = {"code": response.error.code, "message": _cut(response.error.message)}
        if response.incomplete_details is not None:
            head.incomplete = response.incomplete_details.reason
        head.closed, head.usage, head.http = monotonic(), response.usage, head.http or 200
        if response.status == "in_progress":  # it ended as an HTTP error
            head.status = "failed"
        else:
            head.status = response.status
            if shows_response and self.contents is not None and self.room >= 0:
                self.contents.append((RESPONSE, 0, head.closed, encode(response)))
        self.owner.ended[self] = None

    def take(self) -> list[Piece] | None:
        """Return what is new of the contents; the head, too, is about to be written."""
        contents, head = self.contents, self.head
        if not self.is_listed:
            self.is_listed = True
            head.model = head.model[:_MAX_CHARACTERS]
            if head.previous_response_id is not None:
                head.previous_response_id = head.previous_response_id[:_MAX_CHARACTERS]
            if head.conversation is not None:
                head.conversation = head.conversation[:_MAX_CHARACTERS]
        if self.room < 0 and head.contents == "recorded":
            head.contents = "recorded, but only its beginning: it is too large"
        if contents:
            self.contents = None if head.status != "in_progress" else []
            head.parts += 1
        return contents


def _said(provider: ProviderError) -> dict[str, Any]:
    return {"code": provider.code, "type": provider.type, "message": _cut(provider.message)}


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"

"""One exchange as it happens: when each step came, which attempts it took, and, if contents are recorded, every byte.

A recording only collects, in the event loop: along the way a time is stored as it was read, bytes are appended, and
nothing is calculated: code that runs once in a request costs many times what it costs for some dozens of recordings at
once, as they are packed. For the same reason what is known of a request is set in its line, without a call, and only
readers make a head of a line. Redaction and writing are the recorder's work, beside the event loop. Times are those of
the worker's monotonic clock; readers get milliseconds since the request began to arrive (`Head.milliseconds`).
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, Final, Protocol, TypeAlias

from msgspec import Struct

from adapter.telemetry.logs import LOGGED_TENANT_CHARACTERS
from translators.errors import ProtocolError, ProviderError, UpstreamError
from translators.notes import Note, Notes
from translators.responses.response import Response, Usage
from translators.wire import Decoder, encode

_MAX_NOTES: Final = 100
"""In a head, which every list has: there may be one for each item of the input."""
_MAX_CHARACTERS: Final = 1000
"""Of a name or a message in a head: callers and providers choose their length."""
FIRST: Final = "first"
"""Why the first attempt is made."""
HEADS_ONLY: Final = "not recorded: the inspector records heads only"
"""Why there are no contents in most recordings."""
_ID: Final = re.compile(r"x_([0-9]+)_([0-9]+)")
_NOT_STORED: Final = re.compile(rb'"store"\s*:\s*false')


class _Named(Struct):
    model: str = ""


_read_model: Final = Decoder(_Named).decode


class Attempt(Struct, omit_defaults=True, gc=False):
    """One call to a provider."""

    upstream: str
    model: str
    """Its name at the upstream."""
    began: float
    reason: str = FIRST
    """Why it was made: first, lesson, failover, retry, repair, summary, shorter history, tool results."""
    key: int | None = None
    lessons: tuple[str, ...] = ()
    """Those with which the chat request was translated."""
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
    """What is recorded of every exchange, as readers have it: nothing that caller or model wrote, names aside."""

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
    client_request_id: str | None = None
    """What the client calls the request."""
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
    tools: tuple[ToolCall, ...] = ()
    parts: int = 0
    """How many parts of its contents have been written."""

    def milliseconds(self, time: float) -> float:
        """Return a time in milliseconds since the beginning."""
        return (time - self.began) * 1000


class Line(Struct, omit_defaults=True, gc=False):
    """A head as it is written: what is known at one time, in every exchange, is one member.

    To set a member costs many times what it costs to make it with the line. Undocumented members are as in `Head`.
    """

    number: int
    """Of the exchange, in its worker: as if one began in each microsecond since the Unix epoch."""
    worker: int
    at: float
    began: float
    read: float
    path: str
    request_bytes: int
    tenant: str
    ids: Mapping[str, str]
    """Of the request, the trace, and the client's own of the request, as the log has them."""
    key: str | None = None
    """Its name; None: the tenant says who it is."""
    contents: str = HEADS_ONLY
    asked: tuple[str, str | None, str | None] = ("", None, None)
    """The model, the previous response and the conversation of the request."""
    response: tuple[str | None, str] = (None, "http")
    """Its id, and the transport."""
    attempts: list[Attempt] = []
    answer: tuple[float, int] | None = None
    """When the status of the last attempt's answer came, and that status, if they are not set there."""
    tools: tuple[ToolCall, ...] = ()
    first_token: float | None = None
    storing: float | None = None
    stored: float | None = None
    end: tuple[float, str, Usage | None] | None = None
    """When the exchange was closed, the status of its response, and the usage."""
    refusal: str = ""
    """The status of a request that is refused, if there is no other."""
    http: int = 0
    """0: 200, once the exchange is closed."""
    error: dict[str, Any] | None = None
    incomplete: str | None = None
    notes: tuple[Note, ...] = ()
    more_notes: int = 0
    replay_of: str | None = None
    parts: int = 0

    @property
    def id(self) -> str:
        """By time, so that new rows are beside each other in an index. `begin_of_line` finds it."""
        return f"x_{self.number}_{self.worker}"

    @property
    def is_over(self) -> bool:
        """Whether the exchange is."""
        return self.end is not None or self.refusal != ""

    def settle_answer(self) -> None:
        """Set in the last attempt what is known of its answer."""
        if self.answer is not None:
            attempt = self.attempts[-1]
            (attempt.answered, attempt.status), self.answer = self.answer, None

    def head(self) -> Head:
        """Return what readers have."""
        self.settle_answer()
        model, previous, conversation = self.asked
        response_id, transport = self.response
        http, closed, status, usage = self.http, None, self.refusal or "in_progress", None
        if self.end is not None:
            closed, status, usage = self.end
            http = http or 200
        name = (self.tenant[:LOGGED_TENANT_CHARACTERS] or None) if self.key is None else self.key
        return Head(
            self.id, self.at, self.began, self.worker, self.path, name, self.contents, transport, status,
            self.tenant, self.ids.get("request_id"), self.ids.get("trace_id"), self.read, self.request_bytes,
            self.ids.get("client_request_id"), self.replay_of, response_id, previous, conversation, model, http,
            self.error, self.incomplete, self.first_token, self.storing, self.stored, closed, usage, self.notes,
            self.more_notes, self.attempts, self.tools, self.parts,
        )  # fmt: skip


def begin_of_line(id: str) -> bytes | None:
    """Return what begins the line of a recording with this id; None: no recording has such an id."""
    found = _ID.fullmatch(id)
    return found and b'{"number":%b,"worker":%b,' % (found[1].encode(), found[2].encode())


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
    line: Line
    bearer: str | None
    """It is redacted."""
    contents: list[Piece] | None = None
    """What is still to be written; None: nothing will be."""
    room: int = 0
    """Bytes of contents that may still be recorded; below 0 there were too many, and nothing more is recorded."""
    reason: str = ""
    """Why the next attempt is made; "" if it is not known."""
    is_apart: bool = False
    """It has been taken while the exchange was in progress, and has a row for itself."""

    def withhold_unstored(self) -> None:
        """Record no contents of a request that is not to be stored, unless the operator wants those, too."""
        if self.contents is not None and not self.owner.keeps_unstored:
            self.withhold("not recorded: the request has store: false")

    def withhold(self, reason: str) -> None:
        """Record no contents of this exchange, not even those so far."""
        self.line.contents, self.contents = reason, None

    def begin_attempt(
        self, upstream: str, model: str, key: int | None, lessons: tuple[str, ...], delay: float, json: bytes
    ) -> None:
        """Record that a chat request has been sent to a candidate, or will be after `delay` seconds."""
        line, now, reason = self.line, monotonic(), self.reason
        if reason:
            self.reason = ""
        else:
            reason = "next round" if line.attempts else FIRST
        if line.attempts:
            line.settle_answer()
        else:
            self.owner.in_progress[self] = None
        if self.contents is not None:
            self.room -= len(json)
            if self.room >= 0:
                self.contents.append((CHAT, len(line.attempts), now, json))
        line.attempts.append(Attempt(upstream, model, now, reason, key, lessons, delay))

    def add_chunk(self, data: bytes) -> None:
        """Record bytes of the last attempt's answer."""
        self.room -= len(data)
        contents = self.contents
        if contents is None or self.room < 0:
            return
        now, attempts = monotonic(), self.line.attempts
        if attempts[-1].first is None:
            attempts[-1].first = now
        contents.append((CHUNK, len(attempts) - 1, now, data))

    def add_error_body(self, body: bytes) -> None:
        """Record the body of the last attempt's answer, which is an error."""
        self.room -= len(body)
        if body and self.contents is not None and self.room >= 0:
            self.contents.append((ERROR, len(self.line.attempts) - 1, monotonic(), body))

    def fail_attempt(self, error: UpstreamError) -> None:
        """Record how the last attempt failed, unless that is known."""
        attempt = self.line.attempts[-1] if self.line.attempts else None
        if attempt is None or attempt.error is not None:
            return
        self.line.settle_answer()
        attempt.ended = monotonic()
        attempt.status = error.provider_status or attempt.status
        provider = error.provider_error
        attempt.error = {
            "cause": error.cause, "reason": _cut(error.reason), "message": _cut(error.message),
            "provider": provider and _said(provider),
        }  # fmt: skip

    def end_attempt(self) -> None:
        """Record that the last attempt has ended, unless that is known."""
        attempts = self.line.attempts
        if attempts and attempts[-1].ended is None:
            attempts[-1].ended = monotonic()

    def add_tool(self, fields: Mapping[str, Any], seconds: float) -> None:
        """Record a call of a hosted tool that has just ended; `fields` are those of its line in the log."""
        ended = monotonic()
        name = str(fields.get("tool") or fields.get("server") or fields["kind"])
        self.line.tools += (ToolCall(fields["kind"], name, fields["outcome"], ended - seconds, ended),)

    def add_events(self, data: bytes) -> None:
        """Record events, as they are written for the client."""
        self.room -= len(data)
        if self.contents is not None and self.room >= 0:
            self.contents.append((EVENT, 0, monotonic(), data))

    def fail(self, error: ProtocolError) -> None:
        """Record the error that the client gets, which may be in a stream that has begun."""
        self.line.error = {name: value and _cut(value) for name, value in error.envelope()["error"].items()}

    def describe_unparsed(self, body: bytes) -> None:
        """Record what can be known of a request that could not be parsed."""
        if _NOT_STORED.search(body):
            self.withhold_unstored()
        with suppress(ValueError, RecursionError):
            self.line.asked = _read_model(body).model, None, None

    def refuse(self, error: ProtocolError) -> None:
        """Record the error with which the request is answered."""
        line = self.line
        if self.contents and not line.asked[0] and _NOT_STORED.search(self.contents[0][-1]):  # it could not be parsed
            self.withhold_unstored()
        line.http = error.status
        self.fail(error)
        line.refusal = "failed" if isinstance(error, UpstreamError) or error.status >= 500 else "rejected"
        self.owner.ended[self] = None

    def pass_on(self, provider: ProviderError) -> None:
        """Record that the client gets the provider's own error as it is, in place of the adapter's."""
        self.line.http = provider.status
        self.line.error = _said(provider)
        self.owner.ended[self] = None

    def close(self, status: str, usage: Usage | None) -> None:
        """Record how a forwarded request ended."""
        self.line.end = monotonic(), status, usage
        self.owner.ended[self] = None

    def close_response(self, response: Response, notes: Notes, *, shows_response: bool) -> None:
        """Record how the response ended. `shows_response`: the client gets it whole, not as events."""
        line = self.line
        if notes:
            listed = tuple(notes)
            line.notes, line.more_notes = listed[:_MAX_NOTES], len(listed[_MAX_NOTES:])
        if response.error is not None:
            line.error = {"code": response.error.code, "message": _cut(response.error.message)}
        if response.incomplete_details is not None:
            line.incomplete = response.incomplete_details.reason
        status: str = response.status
        if status == "in_progress":  # it ended as an HTTP error
            status = "failed"
        elif shows_response and self.contents is not None and self.room >= 0:
            self.contents.append((RESPONSE, 0, monotonic(), encode(response)))
        line.end = monotonic(), status, response.usage
        self.owner.ended[self] = None

    def take(self) -> list[Piece] | None:
        """Return what is new of the contents; the line, too, is about to be written."""
        contents, line = self.contents, self.line
        model, previous, conversation = line.asked
        if len(model) > _MAX_CHARACTERS or previous is not None or conversation is not None:
            line.asked = (
                model[:_MAX_CHARACTERS], previous and previous[:_MAX_CHARACTERS],
                conversation and conversation[:_MAX_CHARACTERS],
            )  # fmt: skip
        if self.room < 0 and line.contents == "recorded":
            line.contents = "recorded, but only its beginning: it is too large"
        if contents:
            self.contents = None if line.is_over else []
            line.parts += 1
        return contents


def _said(provider: ProviderError) -> dict[str, Any]:
    return {"code": provider.code, "type": provider.type, "message": _cut(provider.message)}


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"

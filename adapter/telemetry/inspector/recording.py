"""One exchange as it happens: when each step came, which attempts it took, and, if contents are recorded, every byte.

A recording only collects, in the event loop: along the way a time is stored as it was read, bytes are appended, and
nothing is calculated: code that runs once in a request costs many times what it costs for some dozens of recordings at
once, as they are packed. For the same reason what is known of a request is set in its line, without a call. Redaction
and writing are the recorder's work, beside the event loop.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, Final, Protocol, TypeAlias

from msgspec import Struct

from adapter.telemetry.inspector.heads import FIRST, Attempt, Line, ToolCall
from translators.errors import ProtocolError, ProviderError, UpstreamError
from translators.notes import Notes
from translators.responses.response import Response, Usage
from translators.wire import Decoder, encode

_MAX_NOTES: Final = 100
"""In a head, which every list has: there may be one for each item of the input."""
_MAX_CHARACTERS: Final = 1000
"""Of a name or a message in a head: callers and providers choose their length."""
_NOT_STORED: Final = re.compile(rb'"store"\s*:\s*false')


class _Named(Struct):
    model: str = ""


_read_model: Final = Decoder(_Named).decode

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

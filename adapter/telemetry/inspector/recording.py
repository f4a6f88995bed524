"""One exchange as it happens: when each step came, which attempts it took, and, if contents are recorded, every byte.

A recording only collects, in the event loop: along the way steps and bytes are added to lists, and nothing is
calculated: code that runs once in a request costs many times what it costs for some dozens of recordings at once, as
they are packed. For the same reason a step that has only to be added is added by whoever knows of it, without a call.
Redaction and writing are the recorder's work, beside the event loop.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, Final, Protocol, TypeAlias, cast

from msgspec import Struct

from adapter.telemetry.inspector.heads import Began, Origin, Step, is_over
from translators.errors import ProtocolError, ProviderError, UpstreamError
from translators.notes import Notes
from translators.responses.response import Response, Usage
from translators.wire import Decoder, encode

_MAX_NOTES: Final = 100
"""In a head, which every list has: there may be one for each item of the input."""
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
    origin: Origin
    ended: dict["Recording", None]
    """Here a recording puts itself when it has something new after its exchange is over."""


class Recording(Struct, eq=False, gc=False):
    """One exchange."""

    owner: Owner
    bearer: str | None
    """It is redacted."""
    steps: list[Step]
    """All there have been; never empty."""
    contents: list[Piece] | None = None
    """What is still to be written; None: nothing will be."""
    room: int = 0
    """Bytes of contents that may still be recorded; below 0 there were too many, and nothing more is recorded."""
    attempt: int = -1
    """The number of the last one, for its contents."""
    awaits_body: bool = False
    """No byte of the answer to the last attempt has come; of its contents."""
    parts: int = 0
    """How many parts of its contents have been taken."""
    reason: str = ""
    """Why the next attempt is made; "" if it is not known."""
    origin: Origin | None = None
    """The first with which it was taken while the exchange was in progress: since then it has a row for itself, and did
    not begin at another time if the clock is set. None: it has not been taken."""

    @property
    def id(self) -> str:
        return self.owner.origin.id_of(cast(Began, self.steps[0])[1])

    @property
    def began(self) -> float:
        return cast(Began, self.steps[0])[2]

    def withhold_unstored(self) -> None:
        """Record no contents of a request that is not to be stored, unless the operator wants those, too."""
        if self.contents is not None and not self.owner.keeps_unstored:
            self.withhold("not recorded: the request has store: false")

    def withhold(self, reason: str) -> None:
        """Record no contents of this exchange, not even those so far."""
        self.contents = None
        self.steps.append(("contents", reason))

    def begin_attempt(
        self, upstream: str, model: str, key: int | None, lessons: tuple[str, ...], delay: float, json: bytes
    ) -> None:
        """Record that a chat request has been sent to a candidate, or will be after `delay` seconds."""
        now, reason = monotonic(), self.reason
        if reason:
            self.reason = ""
        if self.contents is not None:
            self.attempt, self.awaits_body = self.attempt + 1, True
            self.room -= len(json)
            if self.room >= 0:
                self.contents.append((CHAT, self.attempt, now, json))
        self.steps.append(("attempt", now, upstream, model, reason, key, lessons, delay))
        self.owner.in_progress[self] = None

    def add_chunk(self, data: bytes) -> None:
        """Record bytes of the last attempt's answer."""
        self.room -= len(data)
        contents = self.contents
        if contents is None or self.room < 0:
            return
        now = monotonic()
        if self.awaits_body:
            self.awaits_body = False
            self.steps.append(("first", now))
        contents.append((CHUNK, self.attempt, now, data))

    def add_error_body(self, body: bytes) -> None:
        """Record the body of the last attempt's answer, which is an error."""
        self.room -= len(body)
        if body and self.contents is not None and self.room >= 0:
            self.contents.append((ERROR, self.attempt, monotonic(), body))

    def fail_attempt(self, error: UpstreamError) -> None:
        """Record how the last attempt failed, unless that is known."""
        provider = error.provider_error
        said = {
            "cause": error.cause, "reason": error.reason, "message": error.message,
            "provider": provider and _said(provider),
        }  # fmt: skip
        self.steps.append(("failed", monotonic(), error.provider_status or 0, said))

    def end_attempt(self) -> None:
        """Record that the last attempt has ended, unless that is known."""
        self.steps.append(("ended", monotonic()))

    def add_tool(self, fields: Mapping[str, Any], seconds: float) -> None:
        """Record a call of a hosted tool that has just ended; `fields` are those of its line in the log."""
        ended = monotonic()
        name = str(fields.get("tool") or fields.get("server") or fields["kind"])
        self.steps.append(("tool", fields["kind"], name, fields["outcome"], ended - seconds, ended))

    def add_events(self, data: bytes) -> None:
        """Record events, as they are written for the client."""
        self.room -= len(data)
        if self.contents is not None and self.room >= 0:
            self.contents.append((EVENT, 0, monotonic(), data))

    def fail(self, error: ProtocolError) -> None:
        """Record the error that the client gets, which may be in a stream that has begun."""
        self.steps.append(("error", error.envelope()["error"]))

    def describe_unparsed(self, body: bytes) -> None:
        """Record what can be known of a request that could not be parsed."""
        if _NOT_STORED.search(body):
            self.withhold_unstored()
        with suppress(ValueError, RecursionError):
            self.steps.append(("asked", _read_model(body).model, None, None))

    def refuse(self, error: ProtocolError) -> None:
        """Record the error with which the request is answered."""
        is_parsed = any(step[0] == "asked" for step in self.steps)
        if self.contents and not is_parsed and _NOT_STORED.search(self.contents[0][-1]):
            self.withhold_unstored()
        self.fail(error)
        is_rejected = not isinstance(error, UpstreamError) and error.status < 500
        self.steps += ("http", error.status), ("refused", "rejected" if is_rejected else "failed")
        self.owner.ended[self] = None

    def pass_on(self, provider: ProviderError) -> None:
        """Record that the client gets the provider's own error as it is, in place of the adapter's."""
        self.steps += ("http", provider.status), ("error", _said(provider))
        self.owner.ended[self] = None

    def close(self, status: str, usage: Usage | None) -> None:
        """Record how a forwarded request ended."""
        self.steps.append(("end", monotonic(), status, usage))
        self.owner.ended[self] = None

    def add_response(self, response: Response) -> None:
        """Record a response that its client gets whole, not as events."""
        if self.contents is not None and self.room >= 0 and response.status != "in_progress":
            self.contents.append((RESPONSE, 0, monotonic(), encode(response)))

    def close_response(self, response: Response, notes: Notes, now: float) -> None:
        """Record how the response has ended `now`."""
        steps = self.steps
        if notes:
            listed = tuple(notes)
            steps.append(("notes", listed[:_MAX_NOTES], len(listed[_MAX_NOTES:])))
        if response.error is not None:
            steps.append(("error", {"code": response.error.code, "message": response.error.message}))
        if response.incomplete_details is not None:
            steps.append(("incomplete", response.incomplete_details.reason))
        status: str = response.status
        if status == "in_progress":  # it ended as an HTTP error
            status = "failed"
        steps.append(("end", now, status, response.usage))
        self.owner.ended[self] = None

    def take(self) -> list[Piece] | None:
        """Return what is new of the contents; the steps, too, are about to be written."""
        contents = self.contents
        if contents is None:
            return None
        if self.room < 0:
            self.withhold("recorded, but only its beginning: it is too large")
        elif contents:
            self.contents = None if is_over(self.steps) else []
        self.parts += bool(contents)
        return contents


def _said(provider: ProviderError) -> dict[str, Any]:
    return {"code": provider.code, "type": provider.type, "message": provider.message}

"""What is recorded of every exchange, with or without its contents: its line as it is written, its head as it is read.

A `Line` is filled in the event loop, once in each request, where a statement costs many times what it costs in a loop.
So it has what is known as it is known, and nothing is worked out: names, ids and defaults are in the `Head` that
readers make of it. Times are those of the worker's monotonic clock; readers get milliseconds since the request began to
arrive (`Head.milliseconds`).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from adapter.telemetry.logs import LOGGED_TENANT_CHARACTERS
from translators.notes import Note
from translators.responses.response import Usage

FIRST: Final = "first"
"""Why the first attempt is made."""
HEADS_ONLY: Final = "not recorded: the inspector records heads only"
"""Why there are no contents in most recordings."""
_ID: Final = re.compile(r"x_([0-9]+)_([0-9]+)")


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
    """Counted on from the Unix time, in microseconds, at which the worker began: those of an earlier worker with its
    process id are smaller."""
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

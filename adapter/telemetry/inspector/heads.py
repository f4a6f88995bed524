"""What is recorded of every exchange, with or without its contents: its steps as they are written, its head as read.

A step is what is known at one time: its name and what belongs to it. They are only collected, in the event loop, where
a statement that runs once in a request costs many times what it costs in a loop: to add one to a list costs the least.
Nothing is worked out there: names, ids and defaults are in the `Head` that `reading.py` makes of the steps. Times are
those of the worker's monotonic clock; readers get milliseconds since the request began to arrive (`Head.milliseconds`).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from translators.notes import Note
from translators.responses.response import Usage

FIRST: Final = "first"
"""Why the first attempt is made."""
RECORDED: Final = "recorded"
HEADS_ONLY: Final = "not recorded: the inspector records heads only"
"""Why there are no contents in most recordings."""
_ID: Final = re.compile(r"x_([0-9]+)_([0-9]+)")

Began: TypeAlias = tuple[Literal["began"], int, float, float, str, int, str, Mapping[str, str], str | None]
"""The first step: the number of the recording; when the request began and had been read; path, bytes, tenant; the ids
of the request, of the trace, and the client's own of the request, as the log has them; the name of the caller's key.

Numbers are counted on from the Unix time, in microseconds, at which the worker began: those of an earlier worker with
its process id are smaller."""
Step: TypeAlias = (
    Began
    | tuple[Literal["asked"], str, str | None, str | None]
    | tuple[Literal["response"], str | None, str]
    | tuple[Literal["attempt"], float, str, str, str, int | None, tuple[str, ...], float]
    | tuple[Literal["answered"], float, int]
    | tuple[Literal["failed"], float, int, dict[str, Any]]
    | tuple[Literal["first", "ended", "first_token", "storing", "stored"], float]
    | tuple[Literal["tool"], str, str, str, float, float]
    | tuple[Literal["notes"], tuple[Note, ...], int]
    | tuple[Literal["error"], dict[str, Any]]
    | tuple[Literal["http"], int]
    | tuple[Literal["contents", "key", "replay_of", "refused", "incomplete"], str]
    | tuple[Literal["end"], float, str, Usage | None]
)
"""An attempt is followed by what becomes of it. `reading.py` has the names of their members."""


class Attempt(Struct, omit_defaults=True, gc=False):
    """One call to a provider."""

    upstream: str
    model: str
    """Its name at the upstream."""
    began: float
    reason: str = FIRST
    """Why it was made: first, lesson, failover, retry, repair, summary, shorter history, next round."""
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
    tools: list[ToolCall] = []

    def milliseconds(self, time: float) -> float:
        """Return a time in milliseconds since the beginning."""
        return (time - self.began) * 1000


class Origin(NamedTuple):
    """Where and when steps are written: what the recordings of a row have in common."""

    worker: int
    """Process id."""
    epoch: float
    """Unix time at which the worker's clock was 0."""

    def id_of(self, number: int) -> str:
        """Return the id of a recording: by time, so that new rows are beside each other in an index.

        `begin_of_line` finds it.
        """
        return f"x_{number}_{self.worker}"


def begin_of_line(id: str) -> bytes | None:
    """Return what begins the line of a recording with this id; None: no recording has such an id."""
    found = _ID.fullmatch(id)
    return found and b'[["began",%b,' % found[1].encode()


def is_over(steps: Sequence[Step]) -> bool:
    """Return whether an exchange is."""
    return any(step[0] in ("end", "refused") for step in reversed(steps))

"""Heads, made of the steps of recordings as the spool has them.

A list has thousands of heads, and what reads them holds the interpreter's lock, for which requests wait. So each step
is read into a class of its own, by its name, and adds itself to the head: lists of any values take three times as long.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

from adapter.telemetry.inspector.heads import FIRST, HEADS_ONLY, Attempt, Head, Origin, ToolCall
from adapter.telemetry.logs import LOGGED_TENANT_CHARACTERS
from translators.notes import Note
from translators.responses.response import Usage
from translators.wire import Decoder

NEXT: Final = "next round"
"""Why an attempt that is not the first is made, if nobody says."""


class _Began(Struct, array_like=True, gc=False, tag="began"):
    number: int
    began: float
    read: float
    path: str
    request_bytes: int
    tenant: str
    ids: Mapping[str, str]
    key: str | None


class _Step(Struct, array_like=True, gc=False):
    """Any but the first; its members as they are written."""

    def add_to(self, head: Head) -> None:
        raise NotImplementedError


class _Asked(_Step, tag="asked"):
    model: str
    previous_response_id: str | None
    conversation: str | None

    def add_to(self, head: Head) -> None:
        head.model = self.model
        head.previous_response_id = self.previous_response_id
        head.conversation = self.conversation


class _Response(_Step, tag="response"):
    id: str | None
    transport: str

    def add_to(self, head: Head) -> None:
        head.response_id, head.transport = self.id, self.transport


class _Attempt(_Step, tag="attempt"):
    began: float
    upstream: str
    model: str
    reason: str
    key: int | None
    lessons: tuple[str, ...]
    delay: float

    def add_to(self, head: Head) -> None:
        reason = self.reason or (NEXT if head.attempts else FIRST)
        head.attempts.append(
            Attempt(self.upstream, self.model, self.began, reason, self.key, self.lessons, self.delay)
        )


class _Answered(_Step, tag="answered"):
    at: float
    status: int

    def add_to(self, head: Head) -> None:
        if (attempt := _open_attempt(head)) is not None:
            attempt.answered, attempt.status = self.at, self.status


class _First(_Step, tag="first"):
    at: float

    def add_to(self, head: Head) -> None:
        if (attempt := _open_attempt(head)) is not None:
            attempt.first = self.at


class _Ended(_Step, tag="ended"):
    at: float

    def add_to(self, head: Head) -> None:
        if (attempt := _open_attempt(head)) is not None:
            attempt.ended = self.at


class _Failed(_Step, tag="failed"):
    at: float
    status: int
    error: dict[str, Any]

    def add_to(self, head: Head) -> None:
        attempt = head.attempts[-1] if head.attempts else None
        if attempt is not None and attempt.error is None:  # it may have ended: why is known only now
            attempt.ended, attempt.error = self.at, self.error
            attempt.status = self.status or attempt.status


class _Tool(_Step, tag="tool"):
    kind: str
    name: str
    outcome: str
    began: float
    ended: float

    def add_to(self, head: Head) -> None:
        head.tools.append(ToolCall(self.kind, self.name, self.outcome, self.began, self.ended))


class _Notes(_Step, tag="notes"):
    notes: tuple[Note, ...]
    more: int

    def add_to(self, head: Head) -> None:
        head.notes, head.more_notes = self.notes, self.more


class _Refused(_Step, tag="refused"):
    status: str

    def add_to(self, head: Head) -> None:
        if head.closed is None:  # else the response has a status
            head.status = self.status


class _End(_Step, tag="end"):
    at: float
    status: str
    usage: Usage | None

    def add_to(self, head: Head) -> None:
        head.closed, head.status, head.usage = self.at, self.status, self.usage
        head.http = head.http or 200


class _FirstToken(_Step, tag="first_token"):
    at: float

    def add_to(self, head: Head) -> None:
        head.first_token = self.at


class _Storing(_Step, tag="storing"):
    at: float

    def add_to(self, head: Head) -> None:
        head.storing = self.at


class _Stored(_Step, tag="stored"):
    at: float

    def add_to(self, head: Head) -> None:
        head.stored = self.at


class _Error(_Step, tag="error"):
    error: dict[str, Any]

    def add_to(self, head: Head) -> None:
        head.error = self.error


class _Http(_Step, tag="http"):
    status: int

    def add_to(self, head: Head) -> None:
        head.http = self.status


class _Contents(_Step, tag="contents"):
    contents: str

    def add_to(self, head: Head) -> None:
        head.contents = self.contents


class _Key(_Step, tag="key"):
    name: str

    def add_to(self, head: Head) -> None:
        head.key = self.name


class _ReplayOf(_Step, tag="replay_of"):
    id: str

    def add_to(self, head: Head) -> None:
        head.replay_of = self.id


class _Incomplete(_Step, tag="incomplete"):
    reason: str

    def add_to(self, head: Head) -> None:
        head.incomplete = self.reason


_Read: TypeAlias = (
    _Began | _Asked | _Response | _Attempt | _Answered | _First | _Ended | _Failed | _Tool | _Notes | _Refused | _End
    | _FirstToken | _Storing | _Stored | _Error | _Http | _Contents | _Key | _ReplayOf | _Incomplete
)  # fmt: skip
_read_lines: Final = Decoder(list[_Read]).decode_lines


def read_heads(lines: bytes, origin: Origin) -> list[Head]:
    """Return what readers have of exchanges: of each there is a line with its steps."""
    return [_head_of(steps, origin) for steps in _read_lines(lines)]


def _head_of(steps: Sequence[Any], origin: Origin) -> Head:
    began: _Began = steps[0]
    key = (began.tenant[:LOGGED_TENANT_CHARACTERS] or None) if began.key is None else began.key
    ids = began.ids
    head = Head(
        origin.id_of(began.number), origin.epoch + began.began, began.began, origin.worker, began.path, key, HEADS_ONLY,
        "http", "in_progress", began.tenant, ids.get("request_id"), ids.get("trace_id"), began.read,
        began.request_bytes, ids.get("client_request_id"),
    )  # fmt: skip
    for step in steps[1:]:
        step.add_to(head)
    return head


def _open_attempt(head: Head) -> Attempt | None:
    """Return the last attempt, unless it has failed or ended: of several ends the first counts."""
    attempt = head.attempts[-1] if head.attempts else None
    return attempt if attempt is not None and attempt.ended is None and attempt.error is None else None

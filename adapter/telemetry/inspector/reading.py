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
"""Why an attempt after the first one is made, unless another reason is known."""


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


class _Member(_Step):
    """A step that is one member of the head, of the same name."""

    value: Any

    def add_to(self, head: Head) -> None:
        setattr(head, str(self.__struct_config__.tag), self.value)


class _FirstToken(_Member, tag="first_token"):
    value: float


class _Storing(_Member, tag="storing"):
    value: float


class _Stored(_Member, tag="stored"):
    value: float


class _Error(_Member, tag="error"):
    value: dict[str, Any]


class _Http(_Member, tag="http"):
    value: int


class _Contents(_Member, tag="contents"):
    value: str


class _Key(_Member, tag="key"):
    value: str


class _ReplayOf(_Member, tag="replay_of"):
    value: str


class _Incomplete(_Member, tag="incomplete"):
    value: str


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

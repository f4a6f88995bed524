"""What a store is: responses by id, the chain that leads to one, conversations, and background runs.

Every call names the tenant, and no call ever shows one tenant's response to another: a foreign id is an unknown id.
What goes in and comes out is JSON bytes; a store never looks into them. A store may be called from any greenlet of
a worker, must not hold the event loop while a disk or a lock is slow, and survives `fork` as long as it is
not open then: unused, or closed.
"""

import re
from typing import Final

from msgspec import Struct

EVENT_RETENTION_SECONDS: Final = 600.0
"""Seconds for which the events of a background run can be read again after its end."""
_IMPOSSIBLE: Final = re.compile("[\0\ud800-\udfff]")


def can_be(id: str) -> bool:
    """Tell whether a store could hold an id at all; one with a lone surrogate or a NUL character it could not."""
    return _IMPOSSIBLE.search(id) is None


class StoredResponse(Struct, frozen=True, gc=False):
    """One response: what was asked in it, what was answered, and which response it continues."""

    id: str
    tenant: str
    created_at: int
    """Unix seconds."""
    previous: str | None
    """Id of the response that this one continues."""
    input: bytes
    """JSON of the request's own `input` (a string or an array of items), as the client sent it."""
    response: bytes
    """JSON of the Response object as GET answers it."""
    notes: bytes = b"[]"
    """JSON of the notes: what was not done exactly as asked."""
    conversation: str | None = None
    """Id of the conversation that it belongs to."""


class StoredConversation(Struct, frozen=True, gc=False):
    """A conversation by itself; its items are kept beside it, in the order in which they were appended."""

    id: str
    tenant: str
    created_at: int
    """Unix seconds."""
    metadata: bytes
    """JSON object."""


class StoredItem(Struct, frozen=True, gc=False):
    """One item of a conversation."""

    id: str
    json: bytes


class StoredRun(Struct, frozen=True, gc=False):
    """A background response on its way: who makes it, and how far it has come. It stays as long as its response."""

    id: str
    """That of its response."""
    tenant: str
    holder: str
    """The worker that makes it."""
    until: float
    """Unix time; a holder that has not prolonged its lease by then is taken for dead."""
    streamed: bool
    """Whether its events are kept."""
    last: int = -1
    """Number of its last event that is kept; -1 where there is none."""
    ended: float | None = None
    """Unix time of its end."""


class StoredEvents(Struct, frozen=True, gc=False):
    """Events of a run that were written together, as the bytes that every reader gets."""

    first: int
    """`sequence_number` of the first of them."""
    last: int
    over: bool
    """Whether the last is the terminal one."""
    frames: bytes


class StoredKind(Struct, frozen=True):
    """How much there is of one kind, and of which time."""

    name: str
    rows: int
    bytes: int
    """Of the values, as they are kept."""
    oldest: float | None = None
    """Unix time; None where there is none, or no row tells it."""
    newest: float | None = None


class StoreStats(Struct, frozen=True):
    """What a store holds, of all tenants."""

    kinds: tuple[StoredKind, ...]
    """Responses, conversations, items, runs, events, values."""
    tenants: int
    """That have a response or a conversation."""
    going_on: int
    """Runs that have not ended."""
    version: int
    """Of the form in which all this is kept."""


class NotFound(Exception):
    """Nothing of this tenant has this id; the id is the exception's argument."""


class StoreDown(Exception):
    """The store cannot be reached or written; worth trying again."""

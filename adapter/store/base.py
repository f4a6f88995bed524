"""What a store is: responses by id, the chain that leads to one, conversations, and background runs.

Every call names the tenant, and no call ever shows one tenant's response to another: a foreign id is an unknown id.
What goes in and comes out is JSON bytes; a store never looks into them. A store may be called from any greenlet of
a worker, must not hold the event loop while a disk or a lock is slow, and survives `fork` as long as it is
not open then: unused, or closed.
"""

import re
from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

EVENT_RETENTION: Final = 600.0
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


class Store(Protocol):
    """The calls of a store, and a way out. All raise StoreDown when the store cannot do its work."""

    def put(self, stored: StoredResponse, items: Sequence[StoredItem] = ()) -> None:
        """Keep a response. When this returns, any worker can read it and a crash of this one does not lose it.

        `items` are appended to its conversation in the same step: both are there, or neither; if the conversation is
        not there any more, the response alone is.

        Putting an id again replaces the response (a later snapshot of the same one, with the same `previous`).
        Whether `previous` is there is the caller's business; where it is not, the chain begins with this response.
        """

    def get(self, id: str, tenant: str) -> StoredResponse:
        """Return one response; raise NotFound for an unknown, foreign or deleted id."""

    def exists(self, id: str, tenant: str) -> bool:
        """Tell whether `get` would find a response."""

    def version(self, id: str, tenant: str) -> int:
        """Return a number that changes whenever the response is put; raise NotFound as `get` does.

        A copy that was read after this number was is exact for as long as the number stays the same.
        """

    def chain(self, id: str, tenant: str) -> list[StoredResponse]:
        """Return a response and all those it continues, oldest first, in one indexed query.

        Raises NotFound for an unknown, foreign or deleted id. Deleted ancestors stay in the chain: deleting a
        response takes its id away, not the context of those that continue it.
        """

    def delete(self, id: str, tenant: str) -> None:
        """Take a response away; raise NotFound if it is not there.

        What no remaining response continues is erased at once; the rest when its last continuation goes. What is known
        of it as a run is erased in any case.
        """

    def put_conversation(self, conversation: StoredConversation) -> None:
        """Keep a conversation; one that is there keeps its items and gets this metadata."""

    def conversation(self, id: str, tenant: str) -> StoredConversation:
        """Return a conversation; raise NotFound for an unknown, foreign or deleted id."""

    def delete_conversation(self, id: str, tenant: str) -> None:
        """Erase a conversation and its items; raise NotFound if it is not there."""

    def append(self, id: str, tenant: str, items: Sequence[StoredItem]) -> None:
        """Append items to a conversation, all or none; raise NotFound if it is not there."""

    def items(self, id: str, tenant: str) -> list[StoredItem]:
        """Return a conversation's items, oldest first; raise NotFound if it is not there."""

    def remove(self, id: str, tenant: str, item_id: str) -> None:
        """Erase an item of a conversation; raise NotFound if either is not there."""

    def lease(self, id: str, tenant: str, holder: str, now: float, until: float) -> bool:
        """Take or prolong the right to continue a conversation until a Unix time; tell whether it could be had.

        One holder has it at a time, in all workers. Raise NotFound if the conversation is not there.
        """

    def release(self, id: str, tenant: str, holder: str) -> None:
        """Give the lease back, if this holder has it."""

    def begin_run(self, run: StoredRun, stored: StoredResponse, events: StoredEvents | None) -> None:
        """Keep a response that is being made, who makes it, and its first events."""

    def record(
        self,
        run: StoredRun,
        events: StoredEvents | None,
        stored: StoredResponse | None = None,
        items: Sequence[StoredItem] = (),
    ) -> bool:
        """Keep how far a run has come, its next events, and its response with `items` as `put` does, in one step.

        Do nothing, and return False, if `run.holder` does not have it any more or it has ended.
        """

    def run(self, id: str, tenant: str) -> StoredRun:
        """Return a run; raise NotFound for a response that is none."""

    def events(self, id: str, tenant: str, after: int) -> list[StoredEvents]:
        """Return what is kept of a run's events, without what was written together up to the number `after`."""

    def take_run(self, id: str, tenant: str, holder: str, until: float, *, expired_by: float) -> bool:
        """Make a run that has not ended another holder's, if its lease was to end by `expired_by`; tell whether."""

    def prolong_runs(self, holder: str, until: float) -> None:
        """Prolong the lease of all runs of a holder."""

    def held_runs(self, holder: str) -> set[tuple[str, str]]:
        """Return the tenants and ids of the runs that a holder has and that have not ended."""

    def forget_events(self, before: float) -> None:
        """Erase the events of all runs that ended before a Unix time."""

    def remember(self, key: str, value: bytes, until: float) -> None:
        """Keep a value of the service's own, which belongs to no tenant, until a Unix time; replace that of this key.

        `key` is printable ASCII of at most 200 characters.
        """

    def remembered(self, prefix: str, now: float) -> dict[str, bytes]:
        """Return the values whose keys begin so and whose time is not over, by key."""

    def forget(self, prefix: str) -> int:
        """Erase the values whose keys begin so; return how many there were."""

    def prune(self, before: float) -> int:
        """Erase what nobody has used since a Unix time, and values whose time is over.

        Return how many responses and conversations it were. A response is used by those that continue it: it stays as
        long as a younger one does, and as long as it is being made. A conversation is used when it is put, appended
        to, leased, or loses an item. It is done in steps, so that others need not wait.
        """

    def stats(self) -> StoreStats:
        """Count what is there; slow where there is much."""

    def upgrade(self) -> int:
        """Bring what an earlier program wrote into this one's form; return the version in which it was found."""

    def ping(self) -> None:
        """Return if the store could serve the next call."""

    def close(self) -> None:
        """Let go of connections and files; finish writes that callers wait for."""

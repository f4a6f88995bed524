"""What a store can do, by who uses it. One object implements all of it (`Store`); a user names only its own part.

Every call that concerns a caller's data names the tenant, and no call ever returns another tenant's data: a foreign id
is an unknown id. Values go in and come out as JSON bytes, which a store never parses. A store may be called from any
greenlet of a worker, must not block the event loop while a disk or a lock is slow, and survives `fork` as long as it
is not open: unused, or closed. Every call raises StoreDown when the store cannot do its work.
"""

from collections.abc import Sequence
from typing import Protocol

from adapter.store.base import (
    KeyUsage,
    StoredConversation,
    StoredEvents,
    StoredItem,
    StoredResponse,
    StoredRun,
    StoreStats,
    Usage,
)


class ResponseReader(Protocol):
    """Responses by id, and the chain that leads to each, as a request that continues one needs them."""

    def get(self, id: str, tenant: str) -> StoredResponse:
        """Return one response; raise NotFound for an unknown, foreign or deleted id."""

    def exists(self, id: str, tenant: str) -> bool:
        """Whether `get` would find a response."""

    def chain(self, id: str, tenant: str) -> list[StoredResponse]:
        """Return a response and all those it continues, oldest first, in one indexed query.

        Raises NotFound for an unknown, foreign or deleted id. Deleted ancestors stay in the chain: deleting a
        response removes its id, not the context of the responses that continue it.
        """


class ResponseStore(ResponseReader, Protocol):
    """Responses, read and written."""

    def put(self, stored: StoredResponse, items: Sequence[StoredItem] = ()) -> None:
        """Store a response. When this returns, every worker can read it, and a crash of this one does not lose it.

        `items` are appended to its conversation in the same transaction. If the conversation no longer exists, the
        response alone is stored.

        Putting an id again replaces the response (a later snapshot of the same one, with the same `previous`). The
        caller checks that `previous` exists; if it does not, the chain begins with this response.
        """

    def version(self, id: str, tenant: str) -> int:
        """Return a number that changes whenever the response is put; raise NotFound as `get` does.

        A copy that was read after its version is exact for as long as the version stays the same.
        """

    def delete(self, id: str, tenant: str) -> None:
        """Delete a response and its run; raise NotFound if it does not exist.

        A response that others continue is erased when the last of them is deleted; any other is erased at once, with
        the deleted ancestors that only it continued.
        """


class ConversationStore(Protocol):
    """Conversations, their items, and the lease of the request that continues one."""

    def put_conversation(self, conversation: StoredConversation) -> None:
        """Store a conversation; an existing one keeps its items and gets this metadata."""

    def conversation(self, id: str, tenant: str) -> StoredConversation:
        """Return a conversation; raise NotFound for an unknown, foreign or deleted id."""

    def delete_conversation(self, id: str, tenant: str) -> None:
        """Erase a conversation and its items; raise NotFound if it does not exist."""

    def append(self, id: str, tenant: str, items: Sequence[StoredItem]) -> None:
        """Append items to a conversation, all or none; raise NotFound if it does not exist."""

    def items(self, id: str, tenant: str) -> list[StoredItem]:
        """Return a conversation's items, oldest first; raise NotFound if it does not exist."""

    def remove(self, id: str, tenant: str, item_id: str) -> None:
        """Erase an item of a conversation; raise NotFound if either does not exist."""

    def lease(self, id: str, tenant: str, holder: str, now: float, until: float) -> bool:
        """Acquire or renew the lease of a conversation until a Unix time; return False if another holder has it.

        There is one holder at a time among all workers. Raises NotFound if the conversation does not exist.
        """

    def release(self, id: str, tenant: str, holder: str) -> None:
        """Give the lease back, if this holder has it."""

    def leased_until(self, id: str, tenant: str) -> float:
        """Return the Unix time until which the lease was taken; 0.0: no one has it."""


class RunStore(Protocol):
    """Background responses in progress: the lease of the worker that runs each, and their events."""

    def begin_run(self, run: StoredRun, stored: StoredResponse, events: StoredEvents | None) -> None:
        """Store a response in progress, its run, and its first events."""

    def record(
        self,
        run: StoredRun,
        events: StoredEvents | None,
        stored: StoredResponse | None = None,
        items: Sequence[StoredItem] = (),
    ) -> bool:
        """Store a run's progress, its next events, and its response with `items` as `put` does, in one transaction.

        Return False, and store nothing, if `run.holder` has lost the lease or the run has ended.
        """

    def run(self, id: str, tenant: str) -> StoredRun:
        """Return a run; raise NotFound for a response that was not created in the background."""

    def events(self, id: str, tenant: str, after: int) -> list[StoredEvents]:
        """Return the stored events of a run, without the batches that end at or before the number `after`."""

    def take_run(self, id: str, tenant: str, holder: str, until: float, *, expired_by: float) -> bool:
        """Give the lease of a running run to another holder if it expires by `expired_by`; return whether it did."""

    def renew_runs(self, holder: str, until: float) -> None:
        """Extend the lease on all runs of a holder until a Unix time."""

    def runs_of(self, holder: str) -> set[tuple[str, str]]:
        """Return (tenant, id) of the runs of a holder that have not ended."""

    def delete_events(self, ended_by: float) -> None:
        """Erase the events of all runs that ended by a Unix time."""


class ValueStore(Protocol):
    """Small values of the service itself, which belong to no tenant: secrets, lessons, the time of the last pruning."""

    def set_value(self, key: str, value: bytes, until: float) -> None:
        """Store a value until a Unix time; replace an earlier one. `key` is at most 200 printable ASCII characters."""

    def replace_value(self, key: str, old: bytes | None, new: bytes, until: float) -> bool:
        """Store a value if what is there now is `old`, None: nothing; return whether it was.

        Nothing else changes the value in between, on any machine.
        """

    def values(self, prefix: str, now: float) -> dict[str, bytes]:
        """Return the values whose keys begin with `prefix` and that have not expired, by key."""

    def delete_values(self, prefix: str) -> int:
        """Erase the values whose keys begin with `prefix`; return how many there were."""


class KeyUsageStore(Protocol):
    """What named keys have used, by day. It belongs to the operator, not to a tenant."""

    def add_key_usage(self, added: Sequence[KeyUsage]) -> None:
        """Add usages to what is stored, all or none."""

    def key_usage(self, since: str) -> list[KeyUsage]:
        """Return all usages from a day on, sorted by day, key, upstream and model."""

    def key_tokens(self, since: str) -> dict[tuple[str, str], int]:
        """Return the tokens of input and output from a day on: (key, day) → tokens."""


class StoreMaintenance(Protocol):
    """What the operator's commands, the probes and the end of a worker need."""

    def prune(self, before: float) -> int:
        """Erase responses and conversations that were last used before a Unix time, expired values, and old usages.

        Return the number of responses and conversations. A response counts as used by the responses that continue it,
        and while it is in progress; a conversation when it is put, appended to, leased, or loses an item. The work is
        done in steps, so that other writers do not wait long.
        """

    def stats(self) -> StoreStats:
        """Count what is stored; slow when there is much."""

    def usage(self) -> dict[str, Usage]:
        """Count what each tenant has stored. The work is done in steps, so that others do not wait long."""

    def upgrade(self) -> int:
        """Migrate the data of an earlier version to this one; return the version that was found."""

    def ping(self) -> None:
        """Return if the store could serve the next call."""

    def close(self) -> None:
        """Close connections and files, after the writes that callers wait for. The next call opens them again."""


class Store(ResponseStore, ConversationStore, RunStore, ValueStore, KeyUsageStore, StoreMaintenance, Protocol):
    """A whole store."""

"""What a store is: responses by id, and the chain that leads to one.

Every call names the tenant, and no call ever shows one tenant's response to another: a foreign id is an unknown id.
What goes in and comes out is JSON bytes; a store never looks into them. A store may be called from any greenlet of
a worker, must not hold the event loop while a disk or a lock is slow, and survives `fork` as long as it is
not open then: unused, or closed.
"""

from typing import Protocol

from msgspec import Struct


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


class NotFound(Exception):
    """No response of this tenant has this id; the id is the exception's argument."""


class StoreDown(Exception):
    """The store cannot be reached or written; worth trying again."""


class Store(Protocol):
    """Seven calls and a way out. All raise StoreDown when the store cannot do its work."""

    def put(self, stored: StoredResponse) -> None:
        """Keep a response. When this returns, any worker can read it and a crash of this one does not lose it.

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

        What no remaining response continues is erased at once; the rest when its last continuation goes.
        """

    def ping(self) -> None:
        """Return if the store could serve the next call."""

    def close(self) -> None:
        """Let go of connections and files; finish writes that callers wait for."""

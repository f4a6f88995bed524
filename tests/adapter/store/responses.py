"""Responses to keep, as short as a test can read them."""

from adapter.store.base import StoredResponse
from adapter.store.protocols import Store

OURS, THEIRS = "a" * 64, "b" * 64
"""Two tenants."""


def response(
    id: str, previous: str | None = None, *, tenant: str = OURS, input: bytes = b'"Hi"', text: str = "Hello"
) -> StoredResponse:
    return StoredResponse(
        id=id,
        tenant=tenant,
        created_at=1_753_000_000,
        previous=previous,
        input=input,
        response=b'{"id":"%s","output_text":"%s"}' % (id.encode(), text.encode()),
    )


def keep(store: Store, *links: str, tenant: str = OURS) -> None:
    """Put responses given as `"b<a"`: b continues a."""
    for link in links:
        id, _, previous = link.partition("<")
        store.put(response(id, previous or None, tenant=tenant))


def chain(store: Store, id: str, tenant: str = OURS) -> list[str]:
    """Return the ids of a chain, oldest first."""
    return [stored.id for stored in store.chain(id, tenant)]

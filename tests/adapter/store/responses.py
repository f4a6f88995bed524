"""Responses, conversations and runs to store, as short as a test can read them."""

import time

import gevent
import pytest

from adapter.store.base import StoredConversation, StoredEvents, StoredItem, StoreDown, StoredResponse, StoredRun
from adapter.store.protocols import Store

ODD_BYTES = bytes(range(256)) + b"\x00\xff\xfe\xed\xa0\x80\x00"
"""NUL, invalid UTF-8, an encoded lone surrogate."""
NOW = int(time.time())
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


def conversation(id: str, metadata: bytes = b"{}") -> StoredConversation:
    return StoredConversation(id=id, tenant=OURS, created_at=1_753_000_000, metadata=metadata)


def items(*ids: str) -> list[StoredItem]:
    return [StoredItem(id, b'{"type":"message","id":"%b"}' % id.encode()) for id in ids]


def run(*, last: int = -1, until: float = 10.0, ended: float | None = None) -> StoredRun:
    return StoredRun(id="resp_1", tenant=OURS, holder="one", until=until, streamed=True, last=last, ended=ended)


def events(first: int, last: int, *, over: bool = False) -> StoredEvents:
    """Return events whose frames are as many bytes as there are odd ones, so that long ones are packed."""
    return StoredEvents(first, last, over, b"event: e\n" + ODD_BYTES * (last - first))


def refusal(store: Store) -> str:
    """Return the sentence with which a put, a ping and a read are refused when none of them can be done."""
    sentences = []
    for call in (lambda: keep(store, "z"), store.ping, lambda: store.chain("a", OURS)):
        with pytest.raises(StoreDown) as down:
            call()
        sentences.append(str(down.value))
    assert len(set(sentences)) == 1, sentences
    assert "\n" not in sentences[0]
    return sentences[0]


def count_up(times: int, *stores: Store) -> None:
    """Count up the value `count`, in as many greenlets, which take turns with the stores."""

    def add(store: Store) -> None:
        while True:
            old = store.values("count", now=0.0).get("count")
            if store.replace_value("count", old, b"%d" % (int(old or 0) + 1), until=1e12):
                return

    counting = [gevent.spawn(add, stores[turn % len(stores)]) for turn in range(times)]
    gevent.joinall(counting, timeout=20, raise_error=True)

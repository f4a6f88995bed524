"""What every store does with conversations and their items."""

from collections.abc import Callable

import gevent
import pytest
from msgspec import structs

from adapter.store.base import NotFound, StoredItem
from adapter.store.protocols import Store
from tests.adapter.store.responses import OURS, THEIRS, conversation, items, response


class ConversationSuite:
    def test_a_conversation_and_its_items_in_order(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        assert store.conversation("conv_1", OURS) == conversation("conv_1")
        assert store.items("conv_1", OURS) == []
        store.append("conv_1", OURS, items("a", "b"))
        store.append("conv_1", OURS, [])
        store.append("conv_1", OURS, items("c"))
        assert store.items("conv_1", OURS) == items("a", "b", "c")

    def test_new_metadata_leaves_the_items(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        store.append("conv_1", OURS, items("a"))
        store.put_conversation(conversation("conv_1", metadata=b'{"a":"b"}'))
        assert store.conversation("conv_1", OURS).metadata == b'{"a":"b"}'
        assert store.items("conv_1", OURS) == items("a")

    def test_a_response_and_its_items_come_together(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        told = structs.replace(response("resp_1"), conversation="conv_1")
        store.put(told, items("a", "b"))
        assert store.get("resp_1", OURS) == told
        assert store.items("conv_1", OURS) == items("a", "b")

    def test_a_response_outlives_its_conversation(self, store: Store) -> None:
        told = structs.replace(response("resp_1"), conversation="conv_1")
        store.put(told, items("a"))
        assert store.get("resp_1", OURS) == told

    def test_an_item_is_removed(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        store.append("conv_1", OURS, items("a", "b", "c"))
        store.remove("conv_1", OURS, "b")
        store.append("conv_1", OURS, items("d"))
        assert store.items("conv_1", OURS) == items("a", "c", "d")
        with pytest.raises(NotFound):
            store.remove("conv_1", OURS, "b")

    def test_an_item_with_an_id_of_its_own(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        own = [StoredItem(id, b"{}") for id in ("x" * 10_000, "mine: é 🙂", "' OR '1'='1", "two\nlines", "\u200b")]
        store.append("conv_1", OURS, own)
        assert store.items("conv_1", OURS) == own
        for item in own:
            store.remove("conv_1", OURS, item.id)
        assert store.items("conv_1", OURS) == []

    @pytest.mark.parametrize("id", ["b", "", "\x00", "\ud800"])
    def test_an_unknown_item(self, store: Store, id: str) -> None:
        store.put_conversation(conversation("conv_1"))
        store.append("conv_1", OURS, items("a"))
        with pytest.raises(NotFound):
            store.remove("conv_1", OURS, id)
        assert store.items("conv_1", OURS) == items("a")

    def test_a_deleted_conversation_is_unknown_and_so_are_its_items(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        store.append("conv_1", OURS, items("a"))
        store.delete_conversation("conv_1", OURS)
        no_conversation(store, "conv_1", OURS)
        store.put_conversation(conversation("conv_1"))
        assert store.items("conv_1", OURS) == []

    @pytest.mark.parametrize("id", ["conv_2", "", "\x00", "\ud800"])
    def test_an_unknown_conversation(self, store: Store, id: str) -> None:
        store.put_conversation(conversation("conv_1"))
        no_conversation(store, id, OURS)

    def test_a_foreign_conversation_is_unknown(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        store.append("conv_1", OURS, items("a"))
        no_conversation(store, "conv_1", THEIRS)
        assert store.items("conv_1", OURS) == items("a")

    def test_one_holder_has_the_lease(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        assert store.lease("conv_1", OURS, "one", now=100.0, until=110.0)
        assert store.lease("conv_1", OURS, "one", now=101.0, until=111.0)
        assert store.leased_until("conv_1", OURS) == 111.0
        assert store.leased_until("conv_1", THEIRS) == store.leased_until("conv_\0", OURS) == 0.0
        assert not store.lease("conv_1", OURS, "other", now=110.5, until=120.0)
        store.release("conv_1", OURS, "other")
        assert not store.lease("conv_1", OURS, "other", now=110.5, until=120.0)
        store.release("conv_1", OURS, "one")
        assert store.leased_until("conv_1", OURS) == 0.0
        assert store.lease("conv_1", OURS, "other", now=110.5, until=120.0)
        assert store.lease("conv_1", OURS, "one", now=120.0, until=130.0), "the other one's is over"

    def test_greenlets_append_without_gaps(self, store: Store) -> None:
        store.put_conversation(conversation("conv_1"))
        jobs = [gevent.spawn(store.append, "conv_1", OURS, items(f"{n}a", f"{n}b")) for n in range(20)]
        gevent.joinall(jobs, raise_error=True)
        found = [item.id for item in store.items("conv_1", OURS)]
        assert sorted(found) == sorted(f"{n}{letter}" for n in range(20) for letter in "ab")
        assert all(found.index(f"{n}a") + 1 == found.index(f"{n}b") for n in range(20))


def no_conversation(store: Store, id: str, tenant: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.conversation(id, tenant),
        lambda: store.items(id, tenant),
        lambda: store.append(id, tenant, items("a")),
        lambda: store.append(id, tenant, []),
        lambda: store.remove(id, tenant, "a"),
        lambda: store.lease(id, tenant, "one", now=0.0, until=1.0),
        lambda: store.delete_conversation(id, tenant),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()

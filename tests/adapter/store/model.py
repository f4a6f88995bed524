"""What a store is, as a dict: the reference that hypothesis plays a store against.

`rows` is what somebody can still see, directly or in a chain; each deletion works it out anew, from scratch.
"""

from collections.abc import Callable
from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adapter.store.base import NotFound, StoredResponse
from adapter.store.protocols import Store
from tests.adapter.store.responses import response

IDS = tuple(f"resp_{number}" for number in range(6))
_examples = count()


class Model(RuleBasedStateMachine):
    """Puts, replacements and deletions by two tenants through any of several stores that are the same one."""

    def __init__(self, *stores: Store) -> None:
        super().__init__()
        self.stores = stores
        example = next(_examples)
        self.tenants = f"{example} ours", f"{example} theirs"
        self.rows: dict[tuple[str, str], StoredResponse] = {}
        self.deleted: set[tuple[str, str]] = set()
        self.previous: dict[tuple[str, str], str | None] = {}

    @rule(
        id=st.sampled_from(IDS),
        previous=st.none() | st.sampled_from(IDS),
        theirs=st.booleans(),
        text=st.text("xyz", max_size=3),
        through=st.integers(0, 1),
    )
    def put(self, id: str, previous: str | None, theirs: bool, text: str, through: int) -> None:
        tenant = self.tenants[theirs]
        # A response continues an older one, and the same one in each of its snapshots.
        if previous is not None and previous >= id:
            previous = None
        previous = self.previous.setdefault((tenant, id), previous)
        stored = response(id, previous, tenant=tenant, text=text)
        self.stores[through % len(self.stores)].put(stored)
        self.rows[tenant, id] = stored
        self.deleted.discard((tenant, id))

    @rule(id=st.sampled_from(IDS), theirs=st.booleans(), through=st.integers(0, 1))
    def delete(self, id: str, theirs: bool, through: int) -> None:
        tenant = self.tenants[theirs]
        store = self.stores[through % len(self.stores)]
        if (tenant, id) not in self.rows or (tenant, id) in self.deleted:
            assert raises_not_found(lambda: store.delete(id, tenant))
            return
        store.delete(id, tenant)
        self.deleted.add((tenant, id))
        present = self.rows.keys() - self.deleted
        needed = {(link.tenant, link.id) for key in present for link in self.chain(*key)}
        self.rows = {key: stored for key, stored in self.rows.items() if key in needed}
        self.deleted &= needed

    @invariant()
    def shows_what_the_dict_shows(self) -> None:
        for store in self.stores:
            for key in [(tenant, id) for tenant in self.tenants for id in IDS]:
                tenant, id = key
                if key in self.rows and key not in self.deleted:
                    assert store.get(id, tenant) == self.rows[key]
                    assert store.chain(id, tenant) == self.chain(tenant, id)
                    assert store.exists(id, tenant)
                else:
                    assert raises_not_found(lambda: store.get(id, tenant))  # noqa: B023
                    assert raises_not_found(lambda: store.chain(id, tenant))  # noqa: B023
                    assert not store.exists(id, tenant)

    def chain(self, tenant: str, id: str) -> list[StoredResponse]:
        stored = self.rows.get((tenant, id))
        if stored is None:
            return []
        return [*(self.chain(tenant, stored.previous) if stored.previous else []), stored]


def raises_not_found(call: Callable[[], object]) -> bool:
    try:
        call()
    except NotFound:
        return True
    return False

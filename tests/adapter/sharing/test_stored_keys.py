"""Named keys in the store."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adapter.settings.settings import Settings
from adapter.settings.tables import TableError
from adapter.sharing.keys import CallerKeys
from adapter.store.base import StoreDown
from adapter.store.keys.stored_keys import (
    KeyExists,
    KeyNotFound,
    StoredKeys,
    add_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from adapter.store.memory import MemoryStore


class FlakyStore(MemoryStore):
    is_down = False
    meanwhile: Callable[[], object] | None = None
    """What another does once, after the next read or before the next write."""

    def values(self, prefix: str, now: float) -> dict[str, bytes]:
        if self.is_down:
            raise StoreDown("it is down")
        found = super().values(prefix, now)
        self._let_another_act()
        return found

    def replace_value(self, *arguments: Any) -> bool:
        self._let_another_act()
        return super().replace_value(*arguments)

    def _let_another_act(self) -> None:
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            act()


@pytest.fixture
def store() -> FlakyStore:
    return FlakyStore()


@pytest.fixture
def keys(store: FlakyStore) -> CallerKeys:
    keys = CallerKeys(Settings(stored_keys=True))
    keys.reader = StoredKeys(store, keys)  # type: ignore[attr-defined]
    return keys


@pytest.fixture(autouse=True)
def reads_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("adapter.store.keys.stored_keys._SECONDS_BETWEEN_MISSES", 0.0)
    return


def read(keys: CallerKeys) -> None:
    keys.reader.read()  # type: ignore[attr-defined]


def test_a_new_key_is_accepted_at_once(store: FlakyStore, keys: CallerKeys) -> None:
    assert keys.find("ra-unknown-0123456789") is None
    text = add_key(store, "team", {"concurrent": 2, "expires": "2999-01-31", "models": ["a*"], "tenant": "t"})
    who = keys.find(text)
    assert who is not None
    assert who.key is not None
    assert (who.tenant, who.key.name, who.key.concurrent, who.key.models) == ("t", "team", 2, ("a*",))
    assert str(who.key.expires) == "2999-01-31"
    assert text not in repr(store._values)


def test_the_text_is_replaced_with_an_overlap_and_the_tenant_stays(store: FlakyStore, keys: CallerKeys) -> None:
    old = add_key(store, "team", {})
    new = rotate_key(store, "team", 0.05)
    read(keys)
    assert keys.find(old) == keys.find(new)
    assert keys.find(new) is not None
    time.sleep(0.06)
    read(keys)
    assert keys.find(old) is None
    assert keys.find(rotate_key(store, "team", 0)) is not None
    read(keys)
    assert keys.find(new) is None, "without an overlap the old one ends at once"


def test_many_rotations_leave_few_texts(store: FlakyStore) -> None:
    add_key(store, "team", {})
    for _ in range(12):
        rotate_key(store, "team", 3600)
    (stored,) = list_keys(store)
    assert len(stored.hashes) == 8


def test_a_revoked_key_is_refused_after_the_next_reading(store: FlakyStore, keys: CallerKeys) -> None:
    text, other = add_key(store, "a", {}), add_key(store, "a.b", {})
    read(keys)
    revoke_key(store, "a")
    read(keys)
    assert keys.find(text) is None
    assert keys.find(other) is not None, "its name only begins like it"
    with pytest.raises(KeyNotFound):
        revoke_key(store, "a")
    with pytest.raises(KeyNotFound):
        rotate_key(store, "a", 0)


def test_a_store_that_is_down_changes_nothing(store: FlakyStore, keys: CallerKeys) -> None:
    text = add_key(store, "team", {})
    store.is_down = True
    with pytest.raises(StoreDown):
        keys.find(text)  # nothing is known yet: it may be a good key
    store.is_down = False
    assert keys.find(text) is not None
    store.is_down = True
    assert keys.find("ra-unknown-0123456789") is None
    assert keys.find(text) is not None


def test_a_name_of_the_file_comes_first(store: FlakyStore) -> None:
    from tests.adapter.sharing.test_keys import KEY, named

    text = add_key(store, "team-a", {})
    keys = CallerKeys(Settings(keys=(named(),), stored_keys=True))
    reader = StoredKeys(store, keys)
    reader.read()
    assert keys.find(text) is None
    assert keys.find(KEY) is not None


def test_what_another_version_stored_is_left_out(store: FlakyStore, keys: CallerKeys) -> None:
    text = add_key(store, "good", {})
    store.set_value("caller-key/odd/", b"{", 1e12)
    newer = {"name": "new", "table": {"colour": "red"}, "hashes": {"0" * 64: None}, "created_at": 1}
    store.set_value("caller-key/new/", json.dumps(newer).encode(), 1e12)
    assert keys.find(text) is not None


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        ("a b", {}, 'keys."a b": a name has'),
        ("a", {"colour": 1}, "keys.a.colour is not a setting of a key"),
        ("a", {"hash": "sha256:" + "0" * 64}, "keys.a.hash is not a setting of a key in the store"),
        ("a", {"expires": "tomorrow"}, "keys.a.expires must be a date"),
    ],
)
def test_a_key_that_cannot_be_stored(store: FlakyStore, name: str, table: dict[str, object], message: str) -> None:
    with pytest.raises(TableError) as caught:
        add_key(store, name, table)
    assert str(caught.value).startswith(message)
    assert list_keys(store) == []


def test_a_name_is_given_once(store: FlakyStore) -> None:
    add_key(store, "a", {})
    with pytest.raises(KeyExists):
        add_key(store, "a", {})


def test_two_rotate_at_once_and_both_texts_are_accepted(store: FlakyStore, keys: CallerKeys) -> None:
    texts = [add_key(store, "team", {})]
    store.meanwhile = lambda: texts.append(rotate_key(store, "team", 3600))
    texts.append(rotate_key(store, "team", 3600))
    read(keys)
    assert len({*texts}) == 3
    assert all(keys.find(text) is not None for text in texts)


def test_a_key_that_is_revoked_while_it_is_rotated_stays_revoked(store: FlakyStore) -> None:
    add_key(store, "team", {})
    store.meanwhile = lambda: revoke_key(store, "team")
    with pytest.raises(KeyNotFound):
        rotate_key(store, "team", 3600)
    assert list_keys(store) == []


def test_of_two_who_add_a_name_at_once_one_gets_it(store: FlakyStore, keys: CallerKeys) -> None:
    texts: list[str] = []
    store.meanwhile = lambda: texts.append(add_key(store, "team", {}))
    with pytest.raises(KeyExists):
        add_key(store, "team", {})
    assert keys.find(texts[0]) is not None

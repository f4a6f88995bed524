"""Lessons: what refusals have taught about the upstreams, kept in the store and shared by all workers.

A lesson (`translators.dialects`) belongs to one upstream and one of its models, and lasts for hours: providers
change, and a wrong one must not last. What is kept is the lesson and not the dialect that came of it, so that a
changed configuration counts at once.

A worker knows the lessons by heart and reads them again when another worker of the same machine has learned something,
which a few bytes of shared memory tell, and else every few seconds, for other machines and for lessons that were
forgotten or are over. Between that, looking a model up costs nothing. A store that is down or slow costs a request a
moment and no more: what was known stays, and what is learned meanwhile is written later.
"""

import hashlib
import mmap
import os
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import gevent
import structlog
from msgspec import Struct

from adapter.store.base import StoreDown
from adapter.store.protocols import ValueStore
from translators.wire import Decoder, NotJSON, encode

LIFETIME: Final = 6 * 3600.0
"""Seconds that a lesson lasts."""
_FRESH: Final = 5.0
"""Seconds until the store is read again."""
_PATIENCE: Final = 0.5
"""Seconds that a request waits for the store at most."""
_MOST: Final = 1000
"""Lessons that are kept: callers name models, and providers may refuse a member before they look at the model."""
_LONGEST_PART: Final = 60
_PREFIX: Final = "lesson/"

log = structlog.get_logger()


class Learned(Struct, frozen=True, gc=False):
    """A lesson as it is kept."""

    upstream: str
    model: str
    lesson: str
    at: float
    """Unix time."""


_read: Final = Decoder(Learned).decode
_NONE: Final[frozenset[str]] = frozenset()


class Lessons:
    """All lessons, as one worker knows them."""

    def __init__(self, store: ValueStore) -> None:
        self._store = store
        self._mark = mmap.mmap(-1, 8)
        """Shared with the workers that are forked later; whoever learns something writes something else there."""
        self._seen = b""
        self._fresh_until = 0.0
        self._reading: gevent.Greenlet[..., None] | None = None
        self._hangs = False
        """A request has waited for what is being read, in vain."""
        self._known: dict[tuple[str, str], frozenset[str]] = {}
        self._unkept: dict[str, Learned] = {}
        """Learned here and not in the store yet, by key."""

    def of(self, upstream: str, model: str) -> frozenset[str]:
        """Return the lessons about a model, at most a few seconds old."""
        if self._mark[:] != self._seen or time.monotonic() >= self._fresh_until:
            self.look()
        return self._known.get((upstream, model), _NONE)

    def look(self) -> None:
        """Read the store, and write what is not in it yet; wait for it, but not long, and not again while it hangs."""
        if self._reading is None or self._reading.ready():
            self._seen, self._fresh_until = self._mark[:], time.monotonic() + _FRESH
            self._reading, self._hangs = gevent.spawn(self._synchronise), False
        if not self._hangs:
            self._reading.join(_PATIENCE)
            self._hangs = not self._reading.ready()

    def keep(self, upstream: str, model: str, lesson: str) -> None:
        """Keep a lesson, and let the other workers know of it."""
        if sum(map(len, self._known.values())) >= _MOST:
            log.warning("not learned", upstream=upstream, model=model, lesson=lesson, reason="there are too many")
            return
        log.info("learned", upstream=upstream, model=model, lesson=lesson)
        self._known[upstream, model] = self._known.get((upstream, model), _NONE) | {lesson}
        self._unkept[_key(upstream, model, lesson)] = Learned(upstream, model, lesson, time.time())
        if self._reading is not None and not self._hangs:
            self._reading.join(_PATIENCE)  # what it reads may lack this lesson
        self.look()

    def _synchronise(self) -> None:
        try:
            for key, learned in list(self._unkept.items()):
                self._store.set_value(key, encode(learned), learned.at + LIFETIME)
                self._mark[:] = os.urandom(8)
                del self._unkept[key]
            kept = _decoded(self._store.values(_PREFIX, time.time()).values())
        except StoreDown as error:
            log.warning("lessons not read", error=str(error))
            return
        self._known = _by_model([*kept, *self._unkept.values()])


def learned(store: ValueStore) -> list[Learned]:
    """Return all lessons in a store, by upstream and model; raise StoreDown."""
    kept = _decoded(store.values(_PREFIX, time.time()).values())
    return sorted(kept, key=lambda one: (one.upstream, one.model, one.lesson))


def forget(store: ValueStore) -> int:
    """Erase all lessons of a store; return how many there were. Workers stop heeding them within seconds."""
    return store.delete_values(_PREFIX)


def _decoded(values: Iterable[bytes]) -> list[Learned]:
    """Return lessons without those that another version wrote in another way."""
    found = []
    for value in values:
        try:
            found.append(_read(value))
        except NotJSON:
            continue
    return found


def _by_model(found: Iterable[Learned]) -> dict[tuple[str, str], frozenset[str]]:
    lessons = defaultdict(set)
    for one in found:
        lessons[one.upstream, one.model].add(one.lesson)
    return {of: frozenset(those) for of, those in lessons.items()}


def _key(upstream: str, model: str, lesson: str) -> str:
    return _PREFIX + "/".join(map(_part, (upstream, model, lesson)))


def _part(name: str) -> str:
    """Return a name as it may stand in a key: printable ASCII, not too long."""
    if len(name) <= _LONGEST_PART and name.isascii() and name.isprintable():
        return name
    return hashlib.sha256(name.encode()).hexdigest()[:_LONGEST_PART]

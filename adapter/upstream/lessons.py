"""Lessons: what rejections have taught about the upstreams, stored and shared by all workers.

A lesson (`translators.dialects`) belongs to one upstream and one of its models, and expires after hours: providers
change, and a wrong lesson must not last. The lesson is stored, not the amended dialect, so that a changed configuration
takes effect at once.

Callers choose what a request contains, and a provider may reject it for that. So a lesson that one tenant's request has
taught holds for that tenant, and for all once a second tenant's request has taught it, too. The table is bounded, and
evicts the oldest lesson of the tenant that alone has taught most: who invents models without end forgets their own.

Each worker has all lessons in memory. It reads the store again as soon as another worker of the same machine has
learned something, which eight bytes of shared memory signal, and otherwise every few seconds, for other machines and
for lessons that were erased or have expired. Between these reads a look-up costs nothing. A store that is down or slow
delays a request for a moment at most: known lessons stay in force, and new ones are written later. Source:
docs/decisions/0021-lessons.md.
"""

import hashlib
import mmap
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import gevent
from msgspec import Struct

from adapter.store.base import StoreDown
from adapter.store.protocols import ValueStore
from adapter.telemetry.logs import log
from translators.wire import Decoder, NotJSON, encode

LIFETIME: Final = 6 * 3600.0
"""Seconds until a lesson expires. An expired one costs one failed call; a wrong or outdated one, a note in answers."""
_REFRESH_SECONDS: Final = 5.0
"""Until the store is read again without a signal: another machine repeats a lesson at most once in this time."""
_WAIT_SECONDS: Final = 0.5
"""How long a request waits for the store: ample for one that is up, and a short delay for the client if it is not."""
_MAX_LESSONS: Final = 1000
"""Stored at a time. Callers choose model names, and providers may reject a member before they look at the model."""
_WITNESSES: Final = 2
"""Tenants whose requests have taught a lesson, until it holds for all tenants."""
_MAX_KEY_PART_CHARS: Final = 60
"""So that a key of three parts keeps within the 200 characters that a store allows."""
_KEY_PREFIX: Final = "lesson/"


class StoredLesson(Struct, frozen=True, gc=False):
    """A lesson as it is stored."""

    upstream: str
    model: str
    lesson: str
    at: float
    """Unix time."""
    witnesses: tuple[str, ...] = ()
    """The tenants whose requests have taught it, as many as it takes to hold for all."""

    @property
    def taught_by(self) -> str | None:
        """The only tenant for which it holds; None: it holds for all."""
        return self.witnesses[0] if len(self.witnesses) == 1 else None


class _ModelLessons(Struct, frozen=True):
    """The lessons about one model of an upstream."""

    for_all: frozenset[str]
    for_tenant: dict[str, frozenset[str]]
    """For each tenant with lessons of its own, all that hold for it."""


_decode: Final = Decoder(StoredLesson).decode
_NO_LESSONS: Final = _ModelLessons(frozenset(), {})


class Lessons:
    """All lessons, as one worker knows them."""

    def __init__(self, store: ValueStore) -> None:
        self._store = store
        self._change_stamp = mmap.mmap(-1, 8)
        """Memory shared with the workers forked later; a worker that adds a lesson writes random bytes to it."""
        self._stamp_read = b""
        self._fresh_until = 0.0
        self._reading: gevent.Greenlet[..., None] | None = None
        self._store_hangs = False
        """A request has waited in vain for the read in progress."""
        self._known: dict[str, StoredLesson] = {}
        """By key."""
        self._by_model: dict[tuple[str, str], _ModelLessons] = {}
        self._unsaved: dict[str, StoredLesson] = {}
        """Learned here and not in the store yet, by key."""
        self._evicted: set[str] = set()
        """Keys of lessons that are still to be erased from the store."""

    def for_model(self, upstream: str, model: str, tenant: str) -> frozenset[str]:
        """Return the lessons about a model that hold for a tenant, at most a few seconds old."""
        if self._change_stamp[:] != self._stamp_read or time.monotonic() >= self._fresh_until:
            self.refresh()
        found = self._by_model.get((upstream, model), _NO_LESSONS)
        return found.for_tenant.get(tenant, found.for_all)

    def refresh(self) -> None:
        """Read the store, and save what is not in it yet; wait for it briefly, and only once while it hangs."""
        if self._reading is None or self._reading.ready():
            self._stamp_read, self._fresh_until = self._change_stamp[:], time.monotonic() + _REFRESH_SECONDS
            self._reading, self._store_hangs = gevent.spawn(self._synchronise), False
        if not self._store_hangs:
            self._reading.join(_WAIT_SECONDS)
            self._store_hangs = not self._reading.ready()

    def discard(self, upstream: str, model: str, lesson: str) -> None:
        """Log that a lesson has proved wrong; it was never stored."""
        log.info("not learned", model=model, lesson=lesson, reason="the rejection stays the same")

    def add(self, upstream: str, model: str, lesson: str, tenant: str) -> None:
        """Store a lesson that a tenant's request has taught, and signal it to the other workers."""
        key = _key(upstream, model, lesson)
        known = self._known.get(key)
        if known is None and len(self._known) >= _MAX_LESSONS:
            self._evict()
        before = known.witnesses if known is not None else ()
        witnesses = tuple(dict.fromkeys((*before, tenant)))[:_WITNESSES]
        log.info("learned", upstream=upstream, model=model, lesson=lesson, for_all=len(witnesses) == _WITNESSES)
        self._unsaved[key] = StoredLesson(upstream, model, lesson, time.time(), witnesses)
        self._take({**self._known, **self._unsaved})
        if self._reading is not None and not self._store_hangs:
            self._reading.join(_WAIT_SECONDS)  # what it reads may lack this lesson
        self.refresh()

    def _evict(self) -> None:
        """Forget a lesson: the oldest of the tenant that alone has taught most."""
        most, _ = Counter(one.taught_by for one in self._known.values()).most_common(1)[0]
        key = min((one.at, key) for key, one in self._known.items() if one.taught_by == most)[1]
        log.info("lesson evicted", upstream=self._known[key].upstream, lesson=self._known[key].lesson)
        del self._known[key]
        self._unsaved.pop(key, None)
        self._evicted.add(key)

    def _take(self, known: dict[str, StoredLesson]) -> None:
        """Know these lessons from now on."""
        self._known = known
        self._by_model = _by_model(known.values())

    def _synchronise(self) -> None:
        try:
            for key in list(self._evicted):
                self._store.delete_values(key)
                self._evicted.discard(key)
            for key, lesson in list(self._unsaved.items()):
                self._store.set_value(key, encode(lesson), lesson.at + LIFETIME)
                self._change_stamp[:] = os.urandom(8)
                del self._unsaved[key]
            stored = _decode_all(self._store.values(_KEY_PREFIX, time.time()))
        except StoreDown as error:
            log.warning("lessons not read", error=str(error))
            return
        for key in self._evicted:
            stored.pop(key, None)
        self._take({**stored, **self._unsaved})


def list_lessons(store: ValueStore) -> list[StoredLesson]:
    """Return all lessons in a store, by upstream and model; raise StoreDown."""
    stored = _decode_all(store.values(_KEY_PREFIX, time.time()))
    return sorted(stored.values(), key=lambda one: (one.upstream, one.model, one.lesson))


def erase_lessons(store: ValueStore) -> int:
    """Erase all lessons of a store; return how many there were. Workers stop applying them within seconds."""
    return store.delete_values(_KEY_PREFIX)


def erase_lesson(store: ValueStore, upstream: str, model: str, lesson: str) -> int:
    """Erase one lesson; return how many there were. Workers stop applying it within seconds."""
    return store.delete_values(_key(upstream, model, lesson))


def _decode_all(values: Mapping[str, bytes]) -> dict[str, StoredLesson]:
    """Return lessons by key, without those that another version of this program wrote in another form."""
    found = {}
    for key, value in values.items():
        try:
            found[key] = _decode(value)
        except NotJSON:
            continue
    return found


def _by_model(known: Iterable[StoredLesson]) -> dict[tuple[str, str], _ModelLessons]:
    about = defaultdict(list)
    for one in known:
        about[one.upstream, one.model].append(one)
    return {model: _model_lessons(lessons) for model, lessons in about.items()}


def _model_lessons(lessons: list[StoredLesson]) -> _ModelLessons:
    for_all = frozenset(one.lesson for one in lessons if one.taught_by is None)
    own = defaultdict(set)
    for one in lessons:
        if one.taught_by is not None:
            own[one.taught_by].add(one.lesson)
    return _ModelLessons(for_all, {tenant: for_all | names for tenant, names in own.items()})


def _key(upstream: str, model: str, lesson: str) -> str:
    """Return the key of a lesson; its end keeps it from being the beginning of another."""
    return _KEY_PREFIX + "/".join(map(_key_part, (upstream, model, lesson))) + "/"


def _key_part(name: str) -> str:
    """Return a name that is safe in a key, short and printable ASCII; any other name as its digest."""
    if len(name) <= _MAX_KEY_PART_CHARS and name.isascii() and name.isprintable():
        return name
    return hashlib.sha256(name.encode()).hexdigest()[:_MAX_KEY_PART_CHARS]

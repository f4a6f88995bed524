"""Lessons: what rejections have taught about the upstreams, stored and shared by all workers.

A lesson (`translators.dialects`) belongs to one upstream and one of its models, and expires after hours: providers
change, and a wrong lesson must not last. The lesson is stored, not the amended dialect, so that a changed configuration
takes effect at once.

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
"""Seconds until a lesson expires. An expired one costs one failed call; a wrong or outdated one, a note in answers."""
_REFRESH_SECONDS: Final = 5.0
"""Until the store is read again without a signal: another machine repeats a lesson at most once in this time."""
_WAIT_SECONDS: Final = 0.5
"""How long a request waits for the store: ample for one that is up, and a short delay for the client if it is not."""
_MAX_LESSONS: Final = 1000
"""Stored at a time. Callers choose model names, and providers may reject a member before they look at the model."""
_MAX_KEY_PART_CHARS: Final = 60
"""So that a key of three parts keeps within the 200 characters that a store allows."""
_KEY_PREFIX: Final = "lesson/"

log = structlog.get_logger()


class StoredLesson(Struct, frozen=True, gc=False):
    """A lesson as it is stored."""

    upstream: str
    model: str
    lesson: str
    at: float
    """Unix time."""


_decode: Final = Decoder(StoredLesson).decode
_NO_LESSONS: Final[frozenset[str]] = frozenset()


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
        self._known: dict[tuple[str, str], frozenset[str]] = {}
        self._unsaved: dict[str, StoredLesson] = {}
        """Learned here and not in the store yet, by key."""

    def for_model(self, upstream: str, model: str) -> frozenset[str]:
        """Return the lessons about a model, at most a few seconds old."""
        if self._change_stamp[:] != self._stamp_read or time.monotonic() >= self._fresh_until:
            self.refresh()
        return self._known.get((upstream, model), _NO_LESSONS)

    def refresh(self) -> None:
        """Read the store, and save what is not in it yet; wait for it briefly, and only once while it hangs."""
        if self._reading is None or self._reading.ready():
            self._stamp_read, self._fresh_until = self._change_stamp[:], time.monotonic() + _REFRESH_SECONDS
            self._reading, self._store_hangs = gevent.spawn(self._synchronise), False
        if not self._store_hangs:
            self._reading.join(_WAIT_SECONDS)
            self._store_hangs = not self._reading.ready()

    def add(self, upstream: str, model: str, lesson: str) -> None:
        """Store a lesson, and signal it to the other workers."""
        if sum(map(len, self._known.values())) >= _MAX_LESSONS:
            log.warning("not learned", upstream=upstream, model=model, lesson=lesson, reason="there are too many")
            return
        log.info("learned", upstream=upstream, model=model, lesson=lesson)
        self._known[upstream, model] = self._known.get((upstream, model), _NO_LESSONS) | {lesson}
        self._unsaved[_key(upstream, model, lesson)] = StoredLesson(upstream, model, lesson, time.time())
        if self._reading is not None and not self._store_hangs:
            self._reading.join(_WAIT_SECONDS)  # what it reads may lack this lesson
        self.refresh()

    def _synchronise(self) -> None:
        try:
            for key, lesson in list(self._unsaved.items()):
                self._store.set_value(key, encode(lesson), lesson.at + LIFETIME)
                self._change_stamp[:] = os.urandom(8)
                del self._unsaved[key]
            stored = _decode_all(self._store.values(_KEY_PREFIX, time.time()).values())
        except StoreDown as error:
            log.warning("lessons not read", error=str(error))
            return
        self._known = _by_model([*stored, *self._unsaved.values()])


def list_lessons(store: ValueStore) -> list[StoredLesson]:
    """Return all lessons in a store, by upstream and model; raise StoreDown."""
    stored = _decode_all(store.values(_KEY_PREFIX, time.time()).values())
    return sorted(stored, key=lambda one: (one.upstream, one.model, one.lesson))


def erase_lessons(store: ValueStore) -> int:
    """Erase all lessons of a store; return how many there were. Workers stop applying them within seconds."""
    return store.delete_values(_KEY_PREFIX)


def _decode_all(values: Iterable[bytes]) -> list[StoredLesson]:
    """Return lessons, without those that another version of this program wrote in another form."""
    found = []
    for value in values:
        try:
            found.append(_decode(value))
        except NotJSON:
            continue
    return found


def _by_model(found: Iterable[StoredLesson]) -> dict[tuple[str, str], frozenset[str]]:
    lessons = defaultdict(set)
    for one in found:
        lessons[one.upstream, one.model].add(one.lesson)
    return {key: frozenset(names) for key, names in lessons.items()}


def _key(upstream: str, model: str, lesson: str) -> str:
    return _KEY_PREFIX + "/".join(map(_key_part, (upstream, model, lesson)))


def _key_part(name: str) -> str:
    """Return a name that is safe in a key, short and printable ASCII; any other name as its digest."""
    if len(name) <= _MAX_KEY_PART_CHARS and name.isascii() and name.isprintable():
        return name
    return hashlib.sha256(name.encode()).hexdigest()[:_MAX_KEY_PART_CHARS]

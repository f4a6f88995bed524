"""Retry a rejected request in the form that the rejection suggests, and learn from what then works.

`translators.dialects` derives lessons from a rejection; `lessons.py` stores them. A lesson is stored only once it has
proved true: the provider has accepted a request in the form that the lesson suggests. A request that is rejected for
several reasons learns one lesson after the other and stores them together. If the provider repeats its rejection, the
lesson was wrong, and the next likely one is tried. So each lesson costs one failed call, and a rejection that nothing
cures (an unknown model, a prompt quoted in every rejection) teaches nothing. Source: docs/decisions/0021-lessons.md.

The rules and their patterns are imported at the first rejection or lesson: they would be a twentieth of a start.
"""

from typing import TYPE_CHECKING, Final

from cachetools import LRUCache
from msgspec import Struct

from adapter.upstream.lessons import Lessons
from translators.dialects.dialect import Dialect
from translators.errors import UpstreamError

if TYPE_CHECKING:
    from translators.dialects.rejections import Rejection

_MAX_RETRIES: Final = 12
"""Retries of one request: more than the peculiarities that any provider was seen to have for one request."""
_MAX_CACHED_DIALECTS: Final = 256
"""Sets of lessons whose dialect is cached; models of one provider mostly share a few sets."""


class ModelDialects:
    """One upstream's dialects: the configured one, amended for each model by the lessons about it."""

    def __init__(self, dialect: Dialect, lessons: Lessons, upstream: str) -> None:
        self._configured = dialect
        self._lessons = lessons
        self._upstream = upstream
        self._amended: LRUCache[frozenset[str], Dialect] = LRUCache(_MAX_CACHED_DIALECTS)

    def for_model(self, model: str, tenant: str = "") -> Dialect:
        """Return a model's dialect, for the requests of a tenant."""
        lessons = self._lessons.for_model(self._upstream, model, tenant)
        return self.amended_by(lessons) if lessons else self._configured

    def amended_by(self, lessons: frozenset[str]) -> Dialect:
        """Return the configured dialect with lessons applied to it."""
        found = self._amended.get(lessons)
        if found is None:
            from translators.dialects.amendments import with_lessons

            found = self._amended[lessons] = with_lessons(self._configured, lessons)
        return found

    def refresh(self, model: str, tenant: str = "") -> frozenset[str]:
        """Return the lessons about a model that hold for a tenant, with those that other workers have just learned."""
        self._lessons.refresh()
        return self._lessons.for_model(self._upstream, model, tenant)

    def add(self, model: str, lesson: str, tenant: str) -> None:
        """Store a lesson about a model, which a tenant's request has taught."""
        self._lessons.add(self._upstream, model, lesson, tenant)

    def discard(self, model: str, lesson: str) -> None:
        """Log that a lesson about a model has proved wrong."""
        self._lessons.discard(self._upstream, model, lesson)


class RetryPlan(Struct, eq=False):
    """The retries of one request with one candidate."""

    _dialects: ModelDialects
    _model: str
    _tenant: str
    dialect: Dialect
    """The one for the next try; at first the model's, as it is known."""
    _retries_left: int = _MAX_RETRIES
    _on_trial: str | None = None
    """The lesson of the last rejection, not proved yet."""
    _rejection: "Rejection | None" = None
    """The rejection that suggested it."""
    _helpful: list[str] = []
    """Lessons after which the provider rejected something else; stored when it accepts the request."""
    _wrong: set[str] = set()
    """Lessons after which the provider repeated its rejection."""

    def confirm(self) -> None:
        """Store what was learned: the provider has accepted the request."""
        if self._on_trial is not None:
            self._end_trial()
        for lesson in self._helpful:
            self._dialects.add(self._model, lesson, self._tenant)
        self._helpful.clear()

    def next(self, error: UpstreamError, sent: bytes) -> bool:
        """Set `dialect` for a retry of the rejected request `sent`; return False if no retry can help."""
        from translators.dialects.amendments import lessons_of
        from translators.dialects.rejections import read_rejection

        rejection = read_rejection(error)
        if rejection is None:
            return False
        lessons = frozenset(self.dialect.lessons)
        if self._on_trial is not None and self._rejection is not None and rejection.repeats(self._rejection):
            self._dialects.discard(self._model, self._on_trial)
            self._wrong.add(self._on_trial)
            lessons -= {self._on_trial}
            self._on_trial = None
        self._end_trial()
        if not self._retries_left:
            return False
        self._retries_left -= 1
        used = self._dialects.amended_by(lessons)
        learned = self._dialects.refresh(self._model, self._tenant) - self._wrong
        self.dialect = self._dialects.amended_by(lessons | learned)
        if self.dialect.lessons != used.lessons:
            return True  # other requests have learned something meanwhile
        for lesson in lessons_of(rejection, sent, used):
            if lesson not in self._wrong:
                self.dialect = self._dialects.amended_by(lessons | {lesson})
                self._on_trial, self._rejection = lesson, rejection
                return True
        return False

    def _end_trial(self) -> None:
        """Count the lesson on trial as helpful: the request has got past what it is about."""
        if self._on_trial is not None:
            self._helpful.append(self._on_trial)
            self._on_trial = None

"""Learning: a refused request goes out again in the form that the refusal teaches.

What a refusal says is for `translators.dialects` to decide, and what was learned is kept by `lessons.py`. A lesson is
kept when it has proved true: the request is answered in the form that it teaches. A request that a provider refuses for
several reasons learns them one after the other, and keeps them together. If the provider says the same again, the
refusal was about something else, and the next likely lesson is tried, if there is one. So each lesson costs one failed
call, and what no provider answers (an unknown model, a prompt that is quoted in each refusal) teaches nothing.
"""

from typing import Final

import structlog
from cachetools import LRUCache

from adapter.upstream.lessons import Lessons
from translators.dialects.amendments import lessons_of, with_lessons
from translators.dialects.dialect import Dialect
from translators.dialects.rejections import Rejection, read_rejection
from translators.errors import UpstreamError

_MOST_TRIES: Final = 12
"""Times that one request is sent again: more than any provider was seen to have peculiarities in one request."""
_DIALECTS: Final = 256

log = structlog.get_logger()


class Learning:
    """One upstream's dialects: the configured one, and what became of it for some of its models."""

    def __init__(self, dialect: Dialect, lessons: Lessons, upstream: str) -> None:
        self._dialect = dialect
        self._lessons = lessons
        self._upstream = upstream
        self._amended: LRUCache[frozenset[str], Dialect] = LRUCache(_DIALECTS)

    def dialect(self, model: str) -> Dialect:
        """Return the dialect in which a model is spoken to."""
        lessons = self._lessons.of(self._upstream, model)
        return self.amended(lessons) if lessons else self._dialect

    def amended(self, lessons: frozenset[str]) -> Dialect:
        """Return the configured dialect with lessons applied to it."""
        found = self._amended.get(lessons)
        if found is None:
            found = self._amended[lessons] = with_lessons(self._dialect, lessons)
        return found

    def known(self, model: str) -> frozenset[str]:
        """Return the lessons that any worker has learned about a model until now."""
        self._lessons.look()
        return self._lessons.of(self._upstream, model)

    def keep(self, model: str, lesson: str) -> None:
        self._lessons.keep(self._upstream, model, lesson)


class Tries:
    """The tries of one request; `dialect` is the one to try next."""

    def __init__(self, learning: Learning, model: str) -> None:
        self._learning = learning
        self._model = model
        self._left = _MOST_TRIES
        self._trying: str | None = None
        """The lesson of the last refusal."""
        self._helped: list[str] = []
        """Those before it, after which the provider said something else."""
        self._refusal: Rejection | None = None
        self._wrong: set[str] = set()
        self.dialect = learning.dialect(model)

    def answered(self) -> None:
        """Keep what was learned: the provider took the request."""
        self._helps()
        for lesson in self._helped:
            self._learning.keep(self._model, lesson)
        self._helped.clear()

    def _helps(self) -> None:
        if self._trying is not None:
            self._helped.append(self._trying)
            self._trying = None

    def teaches(self, error: UpstreamError, sent: bytes) -> bool:
        """Tell whether to try a request that was refused once more, in what `dialect` is now."""
        refusal = read_rejection(error)
        if refusal is None:
            return False
        lessons = frozenset(self.dialect.lessons)
        if self._trying is not None and self._refusal is not None and refusal.repeats(self._refusal):
            log.info("not learned", model=self._model, lesson=self._trying, reason="the refusal stays the same")
            self._wrong.add(self._trying)
            lessons -= {self._trying}
            self._trying = None
        self._helps()
        if not self._left:
            return False
        self._left -= 1
        spoken = self._learning.amended(lessons)
        self.dialect = self._learning.amended(lessons | (self._learning.known(self._model) - self._wrong))
        if self.dialect.lessons != spoken.lessons:
            return True  # others have learned something meanwhile
        for lesson in lessons_of(refusal, sent, spoken):
            if lesson not in self._wrong:
                self.dialect = self._learning.amended(lessons | {lesson})
                self._trying, self._refusal = lesson, refusal
                return True
        return False

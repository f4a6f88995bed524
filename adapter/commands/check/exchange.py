"""One exchange of a probe with the provider: a Responses request, its chat request, the answer, its response.

It goes the adapter's own way, except that nothing is stored. Where a probe lets it, a rejection teaches as it teaches a
server (docs/decisions/0021-lessons.md); what was learned holds for the probes that follow.
"""

import dataclasses
from typing import Any, Final

from msgspec import Struct

from adapter.commands.check.client import HTTPAnswer, ProbeClient
from adapter.commands.offline import NOW, new_stream, translate
from adapter.settings.settings import Settings
from adapter.settings.upstreams import UpstreamSettings
from translators.dialects.amendments import lessons_of, with_lessons
from translators.dialects.dialect import Dialect
from translators.dialects.rejections import Rejection
from translators.notes import Notes
from translators.responses.response import Response
from translators.to_chat.request import ChatRequest
from translators.to_responses.answer import AnswerReader
from translators.to_responses.expectations import Expectations
from translators.wire import encode

JSON = dict[str, Any]

_MAX_OUTPUT_TOKENS: Final = 1024
"""Of each answer: room for models that think before they answer with a word."""
_MAX_RETRIES: Final = 12
"""As many as a server makes."""


class Exchanged(Struct, frozen=True):
    """An answer, and what became of it."""

    answer: HTTPAnswer
    response: Response | None
    """None: the answer is an HTTP error."""
    notes: Notes
    """Those on the answer."""


class ProbeExchange:
    """Exchanges with one provider."""

    def __init__(self, settings: Settings, client: ProbeClient) -> None:
        self._settings = settings
        self._client = client
        self.lessons: frozenset[str] = frozenset()
        """What rejections have taught."""

    def ask(self, request: JSON, model: str, upstream: UpstreamSettings, *, learns: bool = False) -> Exchanged:
        """Send a request in the upstream's dialect, and read the answer; `learns`: try again as a rejection teaches.

        Raises RequestError for what the dialect cannot express, and what `ProbeClient.call` raises.
        """
        body = encode({"model": model, "max_output_tokens": _MAX_OUTPUT_TOKENS, **request})
        trial = _Trial(upstream.dialect, self.lessons)
        while True:
            chat = translate(
                body, self._settings, Notes(), dataclasses.replace(upstream, dialect=trial.dialect)
            )
            answer = self._client.call("POST", "/chat/completions", chat.json)
            if not learns or answer.rejection is None or not trial.learn(answer.rejection, chat.json):
                break
        if answer.status == 200:
            self.lessons = trial.lessons
        return self.read(answer, trial.dialect, model, chat)

    def read(
        self, answer: HTTPAnswer, dialect: Dialect, model: str, chat: ChatRequest | None = None
    ) -> Exchanged:
        """Return what becomes of an answer; `chat`: the request, without which no call is expected."""
        notes = Notes()
        if answer.status != 200:
            return Exchanged(answer, None, notes)
        expected = Expectations(thinks_first=dialect.thinks_first, model=model)
        if chat is not None:
            expected = Expectations(
                chat.names, prompt_bytes=len(chat.json), thinks_first=dialect.thinks_first, functions=chat.functions,
                model=model,
            )  # fmt: skip
        stream = new_stream(self._settings, notes, expected)
        reader = AnswerReader(stream)
        reader.feed(answer.body)
        reader.finish(NOW)
        return Exchanged(answer, stream.response, notes)


class _Trial:
    """The lessons with which one request is tried."""

    def __init__(self, configured: Dialect, lessons: frozenset[str]) -> None:
        self._configured = configured
        self.lessons = lessons
        self.dialect = with_lessons(configured, lessons)
        self._last: tuple[str, Rejection] | None = None
        """The lesson on trial, and the rejection that taught it."""
        self._wrong: set[str] = set()
        self._left = _MAX_RETRIES

    def learn(self, rejection: Rejection, sent: bytes) -> bool:
        """Amend the dialect as a rejection teaches; return whether it teaches anything new."""
        if self._last is not None and rejection.repeats(self._last[1]):
            self._wrong.add(self._last[0])
            self.lessons -= self._wrong
        used = with_lessons(self._configured, self.lessons)
        lesson = next((one for one in lessons_of(rejection, sent, used) if one not in self._wrong), None)
        self._left -= 1
        if lesson is None or not self._left:
            return False
        self._last = lesson, rejection
        self.lessons |= {lesson}
        self.dialect = with_lessons(self._configured, self.lessons)
        return True

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
from adapter.upstream.learning import ModelDialects, RetryPlan
from adapter.upstream.lessons import Lessons
from translators.dialects.dialect import Dialect
from translators.notes import Notes
from translators.responses.response import Response
from translators.to_chat.request import ChatRequest
from translators.to_responses.answer import AnswerReader
from translators.to_responses.expectations import Expectations
from translators.wire import encode

JSON = dict[str, Any]

_MAX_OUTPUT_TOKENS: Final = 1024
"""Of each answer: room for models that think before they answer with a word."""


class Exchanged(Struct, frozen=True):
    """An answer, and what became of it."""

    answer: HTTPAnswer
    response: Response | None
    """None: the answer is an HTTP error."""
    notes: Notes
    """Those on the answer."""


class _Learned(Lessons):
    """What rejections have taught this command. It is not stored."""

    def __init__(self) -> None:
        self.lessons: frozenset[str] = frozenset()

    def for_model(self, upstream: str, model: str, tenant: str) -> frozenset[str]:
        return self.lessons

    def refresh(self) -> None:
        pass

    def add(self, upstream: str, model: str, lesson: str, tenant: str) -> None:
        self.lessons |= {lesson}

    def discard(self, upstream: str, model: str, lesson: str) -> None:
        pass


class ProbeExchange:
    """Exchanges with one provider."""

    def __init__(self, settings: Settings, client: ProbeClient) -> None:
        self._settings = settings
        self._client = client
        self._learned = _Learned()

    @property
    def lessons(self) -> frozenset[str]:
        """What rejections have taught."""
        return self._learned.lessons

    def ask(self, request: JSON, model: str, upstream: UpstreamSettings, *, learns: bool = False) -> Exchanged:
        """Send a request in the upstream's dialect, and read the answer; `learns`: try again as a rejection teaches.

        Raises RequestError for what the dialect cannot express, and what `ProbeClient.call` raises.
        """
        body = encode({"model": model, "max_output_tokens": _MAX_OUTPUT_TOKENS, **request})
        dialects = ModelDialects(upstream.dialect, self._learned, upstream.name)
        plan = RetryPlan(dialects, model, "", dialects.for_model(model))
        while True:
            chat = translate(body, self._settings, Notes(), dataclasses.replace(upstream, dialect=plan.dialect))
            answer = self._client.call("POST", "/chat/completions", chat.json)
            if not learns or answer.rejection is None or not plan.next(answer.error, chat.json):
                break
        if answer.status == 200:
            plan.confirm()
        return self.read(answer, plan.dialect, model, chat)

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

"""The probes of `check`: what a provider can do, found out with a few small calls.

Each probe is a Responses request that goes the adapter's own way: translated for the provider's dialect, sent, and the
answer read by the stream machine. So a probe that succeeds shows that the adapter can work with the provider, not only
that some field was present.
"""

import dataclasses
import json
import re
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from adapter.commands.offline import NOW, new_stream, translate
from adapter.commands.probe_client import CallFailed, HTTPAnswer, ProbeClient, ProviderUnusable
from adapter.settings.settings import Settings
from adapter.settings.upstreams import UpstreamSettings
from translators.dialects.presets import PRESETS, preset_of_models
from translators.errors import UpstreamError
from translators.notes import Notes
from translators.reasoning.fields import THINKING_MEMBERS
from translators.responses.items import FunctionCall
from translators.responses.response import Response
from translators.to_responses.answer import AnswerReader
from translators.to_responses.models.model_list import read_model_list
from translators.wire import encode

JSON = dict[str, Any]
Verdict = Literal["ok", "no", "error"]
Outcome = tuple[Verdict, str]
"""A verdict and a detail for people."""

_MAX_OUTPUT_TOKENS: Final = 1024
"""Of each probe: room for models that think before they answer with a word."""
_MAX_QUOTED_CHARS: Final = 60
"""Of a model's answer, so that a result stays one line."""

_CITY: Final = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
_WEATHER: Final = {"type": "function", "name": "get_weather", "parameters": _CITY}
_REASONING: Final = re.compile(
    rf'"({"|".join(THINKING_MEMBERS)})"\s*:\s*(?:"[^"]|[\[{{])|(<think>)'.encode()
)


class Probes:
    """The probes of one provider. Each returns its outcome; the client raises CallFailed or ProviderUnusable.

    `model`: its name at the provider; "": `models` chooses the first that the provider lists.
    """

    def __init__(self, settings: Settings, upstream: UpstreamSettings, model: str) -> None:
        self.model = model
        self._settings = settings
        self._upstream = upstream
        self._client = ProbeClient(settings, upstream)
        self._streamed: Notes | None = None
        """The notes of the stream that `streaming` received; None: there was none."""
        self._bodies = b""
        """All answers so far, to be searched for reasoning fields."""

    def models(self) -> Outcome:
        answer = self._call("GET", "/models")
        if answer.status != 200:
            return "no", self._describe_error(answer)
        try:
            models = read_model_list(answer.body)
        except UpstreamError:
            return "no", "the list of models has an unknown form."
        if not models:
            return "no", "the list of models is empty."
        first = models[0]["id"]
        self.model = self.model or first
        listed = f"{len(models)} models, the first is {first}" if len(models) > 1 else first
        return "ok", listed + self._recognise(models)

    def _recognise(self, models: list[JSON]) -> str:
        """Use the dialect of the program that lists these models, if no other is chosen; describe it."""
        preset = preset_of_models(models)
        if preset is None or preset == self._upstream.dialect.name:
            return ""
        owner = f"; owned by {models[0]['owned_by']}: "
        if not self._upstream.auto_dialect:
            return f"{owner}is the dialect {preset}?"
        self._upstream = dataclasses.replace(self._upstream, dialect=PRESETS[preset], auto_dialect=False)
        return f"{owner}dialect {preset}"

    def completion(self) -> Outcome:
        detail, response = self._create({"input": "Reply with one word: ready"})
        return ("no", detail) if response is None else ("ok", _quote(response))

    def another_key(self, index: int) -> Outcome:
        """Probe another key; a wrong one says nothing about those that follow."""
        self._client.use_key(index)
        try:
            return self.completion()
        except ProviderUnusable as error:
            raise CallFailed(str(error)) from None

    def streaming(self) -> Outcome:
        notes = Notes()
        answer = self._post({"input": "Count from one to ten, in words.", "stream": True})
        response = self._read(answer, notes)
        if response is None:
            return "no", self._describe_error(answer)
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            return "no", "a streamed request was answered with a whole completion"
        if response.status == "failed":
            return "no", _describe_failure(response)
        self._streamed = notes
        return "ok", f"first read after {answer.first_read:.2f} s, {answer.reads} reads"

    def usage(self) -> Outcome:
        """Look for the usage in the stream of the previous probe."""
        if self._streamed is None:
            return "error", "there was no stream"
        if any(note.param == "usage" for note in self._streamed):
            return "no", "none is sent; the adapter estimates it"
        return "ok", "include_usage is honoured"

    def tools(self) -> Outcome:
        detail, response = self._create(
            {"input": "What is the weather in Paris? Use get_weather.", "tools": [_WEATHER]}
        )
        if response is None:
            return "no", detail
        calls = [item for item in response.output if isinstance(item, FunctionCall)]
        if not calls:
            return "no", f"the model made no call; {_quote(response)}"
        return "ok", f"{calls[0].name}({calls[0].arguments})"

    def schema(self) -> Outcome:
        form = {"type": "json_schema", "name": "city", "schema": _CITY, "strict": True}
        detail, response = self._create(
            {"input": "Name the capital of France, as JSON.", "text": {"format": form}}
        )
        if response is None:
            return "no", detail
        try:
            matches = isinstance(json.loads(_text(response))["city"], str)
        except (ValueError, KeyError, TypeError):
            matches = False
        return ("ok", _quote(response)) if matches else ("no", f"the answer breaks the schema; {_quote(response)}")

    def reasoning(self) -> Outcome:
        """Look for thinking in all answers so far, else request it."""
        if field := self._reasoning_field():
            return "ok", f"in {field}"
        detail, response = self._create({"input": "What is 17 times 23?", "reasoning": {"effort": "low"}})
        if response is None:
            return "no", f"reasoning_effort is rejected: {detail}"
        if field := self._reasoning_field():
            return "ok", f"in {field}, with reasoning_effort"
        return "no", "none is sent, with or without reasoning_effort"

    def developer_role(self) -> Outcome:
        """Send the role itself, which the adapter does only to providers known to support it."""
        messages = [
            {"role": "developer", "content": "You answer with one word."},
            {"role": "user", "content": "Are you ready?"},
        ]
        answer = self._call("POST", "/chat/completions", encode({"model": self.model, "messages": messages}))
        response = self._read(answer)
        if response is None or response.status == "failed":
            return "no", "rejected; the adapter sends system messages"
        return "ok", _quote(response)

    def _reasoning_field(self) -> str | None:
        found = _REASONING.search(self._bodies)
        return (found[1] or found[2]).decode() if found else None

    def _create(self, request: JSON) -> tuple[str, Response | None]:
        """Return a response that did not fail; else the reason and None."""
        answer = self._post(request)
        response = self._read(answer)
        if response is None:
            return self._describe_error(answer), None
        return ("", response) if response.status != "failed" else (_describe_failure(response), None)

    def _post(self, request: JSON) -> HTTPAnswer:
        request = {"model": self.model, "max_output_tokens": _MAX_OUTPUT_TOKENS, **request}
        chat = translate(encode(request), self._settings, Notes(), self._upstream)
        return self._call("POST", "/chat/completions", chat.json)

    def _call(self, method: str, path: str, body: bytes | None = None) -> HTTPAnswer:
        answer = self._client.call(method, path, body)
        self._bodies += answer.body
        return answer

    def _read(self, answer: HTTPAnswer, notes: Notes | None = None) -> Response | None:
        """Return the response made from an answer; None: the answer is an HTTP error."""
        if answer.status != 200:
            return None
        stream = new_stream(self._settings, Notes() if notes is None else notes)
        reader = AnswerReader(stream)
        reader.feed(answer.body)
        reader.finish(NOW)
        return stream.response

    def _describe_error(self, answer: HTTPAnswer) -> str:
        description = f"{answer.status}: {answer.message}"
        path = urlsplit(self._upstream.url).path
        if answer.status == 404 and not path:
            return f"{description} Is the base URL right? It often ends in /v1."
        if answer.status == 404 and path.endswith("/v1/v1"):
            return f"{description} Is the base URL right? It ends in /v1 twice."
        return description


def _describe_failure(response: Response) -> str:
    return response.error.message if response.error is not None else response.status


def _text(response: Response) -> str:
    parts = [part for item in response.output for part in getattr(item, "content", None) or ()]
    return "".join(getattr(part, "text", "") for part in parts)


def _quote(response: Response) -> str:
    """Return the beginning of the answer's text, in quotes."""
    text = " ".join(_text(response).split())
    if not text:
        return "an empty answer"
    return f'"{text}"' if len(text) <= _MAX_QUOTED_CHARS else f'"{text[: _MAX_QUOTED_CHARS - 1]}…"'

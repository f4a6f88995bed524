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
from adapter.settings.dialects import describe_dialect
from adapter.settings.kinds import suggest
from adapter.settings.settings import Settings
from adapter.settings.upstreams import DEFAULT, UpstreamSettings
from translators.dialects.presets import PRESETS, preset_of_models
from translators.errors import RequestError, UpstreamError
from translators.notes import Notes
from translators.reasoning.fields import THINKING_MEMBERS
from translators.responses.items import FunctionCall
from translators.responses.response import Response
from translators.to_responses.answer import AnswerReader
from translators.to_responses.models.codex_catalog import read_context_window
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

_NO_LIST: Final = frozenset({404, 405, 501})
"""With which a provider says that it has no list of models."""
_VERSION: Final = re.compile(r"/v\d")
"""In the path of a base URL, which nearly always has one."""
_FEWEST_CHUNKS: Final = 5
"""Of a stream, that it counts as buffered if they come in one piece."""
TWO_COLOURS: Final = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAT0lEQVR42u3PMQ0AAAgDsEmfc5DAxdekBpqZvGr6KgICAgICAgICAgICAgIC"
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIClwUXa/Fajo6+7wAAAABJRU5ErkJggg=="
)
"""An image of 64 × 64 pixels, yellow at the left and purple at the right; some models take no much smaller one."""
_SEEN: Final = re.compile(r"yellow.*(purple|violet|magenta)|(purple|violet|magenta).*yellow", re.I | re.S)
"""What only a reader of the image answers."""
_TOOL_ADVICE: Final = {
    "vllm": "vLLM calls tools only with --enable-auto-tool-choice and the model's --tool-call-parser.",
    "sglang": "SGLang calls tools only with the model's --tool-call-parser.",
    "llama_cpp": "llama.cpp calls tools only with --jinja.",
    "ollama": "Ollama calls tools only with models whose card says so (`ollama show MODEL`: tools).",
}
"""By dialect, why a model may make no call."""

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
        self.upstream = upstream
        """In the dialect of the program that lists the models, once `dialect` has recognised it."""
        self._client = ProbeClient(settings, upstream)
        self._streamed: Notes | None = None
        """The notes of the stream that `streaming` received; None: there was none."""
        self._bodies = b""
        """All answers so far, to be searched for reasoning fields."""
        self._called = False
        """Whether the model has made a call."""
        self._window: int | None = None
        self._listed: list[JSON] = []
        """The provider's list of models."""
        self.advice: list[str] = []
        """Sentences: what could be set, what should be known."""

    def models(self) -> Outcome:
        answer = self._call("GET", "/models")
        if answer.status in _NO_LIST:
            return self._without_list(self._describe_error(answer, of_model=False))
        if answer.status != 200:
            return "no", self._describe_error(answer)
        try:
            models = read_model_list(answer.body)
        except UpstreamError:
            return self._without_list("the list of models has an unknown form")
        if not models and self.upstream.dialect.name == "ollama":
            return "no", "the list of models is empty. Ollama has none yet: `ollama pull qwen3:8b`."
        if not models:
            return self._without_list("the list of models is empty")
        first = models[0]["id"]
        self.model = self.model or first
        self._window = next((read_context_window(one) for one in models if one["id"] == self.model), None)
        self._listed = models
        detail = f"{len(models)} models, the first is {first}" if len(models) > 1 else first
        return "ok", detail if self._is_listed() else f"{detail}; {self.model} is not among them"

    def _is_listed(self) -> bool:
        return any(one["id"] == self.model for one in self._listed)

    def _without_list(self, detail: str) -> Outcome:
        return "no", detail if self.model else f"{_sentence(detail)} Name a model with --model."

    def dialect(self) -> Outcome:
        """Use the dialect of the program that lists the models, if no other is chosen."""
        preset, current = preset_of_models(self._listed), describe_dialect(self.upstream.dialect)
        if preset is None or preset == self.upstream.dialect.name:
            return "ok", current
        owner = f"the models are owned by {self._listed[0]['owned_by']}"
        if not self.upstream.auto_dialect:
            return "no", f"{current}, but {owner}: should it be {preset}?"
        self.upstream = dataclasses.replace(self.upstream, dialect=PRESETS[preset], auto_dialect=False)
        self.advice.append(
            f"The dialect {preset} is recognised while the provider runs; so that the order of starts does not matter, "
            f"set {self._setting('dialect')} to {preset}."
        )
        return "ok", f"{preset}: {owner}"

    def _setting(self, name: str) -> str:
        """Return how a setting of this upstream is called."""
        if self.upstream.name == DEFAULT:
            return f"ADAPTER_{name.upper()}"
        return f"upstreams.{self.upstream.name}.{name}"

    def completion(self) -> Outcome:
        answer = self._post({"input": "Reply with one word: ready"})
        if answer.status != 200 and answer.code == "model_not_found":
            near = suggest(self.model, {one["id"] for one in self._listed} - {self.model})
            raise ProviderUnusable(f"{self._describe_error(answer)}{near}")
        detail, response = self._respond(answer)
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
        if answer.reads == 1 and answer.body.count(b"\ndata: {") > _FEWEST_CHUNKS:
            self.advice.append("The stream came in one piece: something between here and the model buffers it.")
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
            if advice := _TOOL_ADVICE.get(self.upstream.dialect.name):
                self.advice.append(advice)
            return "no", f"the model made no call; {_quote(response)}"
        self._called = True
        return "ok", f"{calls[0].name}({calls[0].arguments})"

    def parallel_calls(self) -> Outcome:
        if not self._called:
            return "no", "not tried, since tool calls do not work"
        wanted = "Call get_weather for Paris and get_weather for Rome, both at once."
        detail, response = self._create({"input": wanted, "tools": [_WEATHER]})
        if response is None:
            return "no", detail
        count = sum(isinstance(item, FunctionCall) for item in response.output)
        return ("ok", f"{count} calls in one answer") if count > 1 else ("no", "one call at a time")

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

    def images(self) -> Outcome:
        content = [
            {"type": "input_text", "text": "Which two colours does this image have? Answer with two words."},
            {"type": "input_image", "image_url": TWO_COLOURS},
        ]
        try:
            answer = self._post({"input": [{"role": "user", "content": content}]})
        except RequestError as error:  # the adapter itself refuses it, as it would a caller's
            return "no", f"refused: {error.message}"
        response = self._read(answer)
        if response is None:
            refused = "refused, " if answer.rejects else ""
            return "no", refused + self._describe_error(answer)
        if response.status == "failed":
            return "no", _describe_failure(response)
        return ("ok", _quote(response)) if _SEEN.search(_text(response)) else ("no", f"not seen: {_quote(response)}")

    def context_window(self) -> Outcome:
        """Return what the list of models says of the model."""
        if self._window is None:
            self.advice.append(
                "The context window is unknown: give Codex `model_context_window`, the tokens that the model has room "
                "for."
            )
            return "no", "the list of models does not say it"
        self.advice.append(f"For Codex: `model_context_window = {self._window}`.")
        return "ok", f"{self._window} tokens"

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
        return self._respond(self._post(request))

    def _respond(self, answer: HTTPAnswer) -> tuple[str, Response | None]:
        """Return what `_create` does, of an answer."""
        response = self._read(answer)
        if response is None:
            return self._describe_error(answer), None
        return ("", response) if response.status != "failed" else (_describe_failure(response), None)

    def _post(self, request: JSON) -> HTTPAnswer:
        request = {"model": self.model, "max_output_tokens": _MAX_OUTPUT_TOKENS, **request}
        chat = translate(encode(request), self._settings, Notes(), self.upstream)
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

    def _describe_error(self, answer: HTTPAnswer, *, of_model: bool = True) -> str:
        """Return status and message, and what to do about it where that is known; `of_model`: a model was asked."""
        description = f"{answer.status}: {answer.message}"
        advice = _advice_on(answer, of_model=of_model)
        path = urlsplit(self.upstream.url).path
        if answer.status == 404 and path.endswith("/v1/v1"):
            advice = "Is the base URL right? It ends in /v1 twice."
        elif answer.status == 404 and not advice and not _VERSION.search(path):
            advice = "Is the base URL right? It often ends in /v1."
        return f"{_sentence(description)} {advice}" if advice else description


def _advice_on(answer: HTTPAnswer, *, of_model: bool) -> str:
    """Return what to do about an error; "": its message has to do."""
    if answer.status == 503 and "load" in answer.message.lower():
        return "The server still loads its model: try again in a moment."
    if answer.code == "insufficient_quota":
        return "The account has no credit; the key itself is right."
    if answer.status == 429:
        return "Too many requests at the moment; the key itself is right."
    if answer.code == "model_not_found" and of_model:
        return "Name another model with --model."
    if answer.status in (502, 503, 504, 529):
        return "The provider is overloaded or down: try again later."
    return ""


def _sentence(text: str) -> str:
    """Return a text with a full stop at its end, unless it has one."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


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

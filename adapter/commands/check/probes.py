"""The probes of `check`: what a provider can do, found out with a few small calls.

Each probe is a Responses request that goes the adapter's own way: translated for the provider's dialect, sent, and the
answer read by the stream machine. So a probe that succeeds shows that the adapter can work with the provider, not only
that some field was present.
"""

import dataclasses
import json
import re
from typing import Any, Final, Literal

from adapter.commands.check.advice import advise, ask_about_base, sentence
from adapter.commands.check.client import CallFailed, HTTPAnswer, KeyRefused, NotTheAPI, ProbeClient, ProviderUnusable
from adapter.commands.check.exchange import Exchanged, ProbeExchange
from adapter.commands.check.window import advise_on_window, ask_window
from adapter.settings.checks import url_source
from adapter.settings.dialects import describe_dialect
from adapter.settings.kinds import suggest
from adapter.settings.settings import Settings
from adapter.settings.upstreams import DEFAULT, UpstreamSettings
from translators.dialects.presets import PRESETS, preset_of_models
from translators.errors import RequestError, UpstreamError
from translators.failures.words import NOT_CHAT
from translators.reasoning.fields import THINKING_MEMBERS
from translators.responses.items import FunctionCall
from translators.responses.response import Response
from translators.to_responses.content.reader import CALL_IN_TEXT
from translators.to_responses.deltas import first_words
from translators.to_responses.models.codex_catalog import read_context_window
from translators.to_responses.models.model_list import read_model_list
from translators.wire import encode

JSON = dict[str, Any]
Verdict = Literal["ok", "no", "error"]
Outcome = tuple[Verdict, str]
"""A verdict and a detail for people."""

_MAX_QUOTED_CHARS: Final = 60
"""Of a model's answer, so that a result stays one line."""

_NO_LIST: Final = frozenset({404, 405, 501})
"""With which a provider says that it has no list of models."""
_NO_CHAT: Final = re.compile(
    r"embed|rerank|whisper|transcri|\btts\b|speech|audio|dall-e|image|video|moderation|\bbge-|davinci|babbage|guard",
    re.IGNORECASE,
)
"""In the names of models that are for something else than chat; a list may begin with them."""
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

    `model`: its name at the provider; "": `models` chooses the first of the provider's list.
    """

    def __init__(self, settings: Settings, upstream: UpstreamSettings, model: str) -> None:
        self.model = model
        self.upstream = upstream
        """In the dialect of the program that lists the models, once `dialect` has recognised it."""
        self._settings = settings
        self._client = ProbeClient(settings, upstream)
        self._exchange = ProbeExchange(settings, self._client)
        self._streamed: Exchanged | None = None
        """What `streaming` received; None: there was no stream."""
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
        try:
            answer = self._client.call("GET", "/models")
        except KeyRefused as error:
            if self.model:  # the list alone may be what the key is not for
                raise CallFailed(str(error)) from None
            raise ProviderUnusable(f"{sentence(str(error))} If only the list is refused: --model.") from None
        except NotTheAPI as error:
            raise ProviderUnusable(f"{error}{self._name_base()}") from None
        if answer.status in _NO_LIST and NOT_CHAT.search(answer.message):
            raise ProviderUnusable(self._describe_error(answer, of_model=False))
        if answer.status in _NO_LIST:
            return self._without_list(self._describe_error(answer, of_model=False) + self._name_base())
        if answer.status != 200:
            verdict, detail = self._refused(answer, of_model=False)
            return verdict, self._without_list(detail)[1] if answer.status == 500 else detail
        try:
            models = read_model_list(answer.body)
        except UpstreamError:
            what = sentence(f"the list of models has an unknown form: {first_words(answer.body)}")
            return self._without_list(what + (self._name_base() or f" {ask_about_base(self.upstream.url)}"))
        return self._choose(models)

    def _choose(self, models: list[JSON]) -> Outcome:
        """Choose a model of the provider's list, unless one is named."""
        if not models and self.upstream.dialect.name == "ollama":
            return "no", "the list of models is empty. Ollama has none yet: `ollama pull qwen3:8b`."
        if not models:
            return self._without_list("the list of models is empty: has a model been loaded there?")
        first = models[0]["id"]
        chosen = next((one["id"] for one in models if not _NO_CHAT.search(one["id"])), first)
        self.model = self.model or chosen
        self._window = next((read_context_window(one) for one in models if one["id"] == self.model), None)
        self._listed = models
        detail = f"{len(models)} models, the first is {first}" if len(models) > 1 else first
        if self.model == chosen != first:
            return "ok", f"{len(models)} models, the first for chat is {chosen}"
        return "ok", detail if self._is_listed() else f"{detail}; {self.model} is not among them"

    def _is_listed(self) -> bool:
        return any(one["id"] == self.model for one in self._listed)

    def _without_list(self, detail: str) -> Outcome:
        return "no", detail if self.model else f"{sentence(detail)} Name a model with --model."

    def _name_base(self) -> str:
        """Return a sentence about another base URL of the host at which the API is; "": there is none."""
        base = self._client.find_base()
        source = url_source(self._settings, self.upstream)
        return "" if base is None else f" The API seems to be at {base}: set {source} to that."

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
        done = self._ask({"input": "Reply with one word: ready"}, learns=True)
        if done.response is None and done.answer.error.code == "model_not_found":
            near = suggest(self.model, {one["id"] for one in self._listed} - {self.model})
            raise ProviderUnusable(f"{self._describe_error(done.answer)}{near}")
        if done.response is None or done.response.status == "failed":
            return self._failed(done)
        is_answer = bool(_text(done.response)) or done.response.status == "incomplete"
        return "ok" if is_answer else "no", _quote(done.response)

    def another_key(self, index: int) -> Outcome:
        """Probe another key; a wrong one says nothing about those that follow."""
        self._client.use_key(index)
        try:
            return self.completion()
        except ProviderUnusable as error:
            raise CallFailed(str(error)) from None

    def streaming(self) -> Outcome:
        done = self._ask({"input": "Count from one to ten, in words.", "stream": True}, learns=True)
        answer = done.answer
        if done.response is None or done.response.status == "failed":
            return self._failed(done)
        if answer.body.lstrip()[:1] == b"{":
            return "no", "a streamed request was answered with a whole completion"
        self._streamed = done
        if answer.reads == 1 and answer.body.count(b"\ndata: {") > _FEWEST_CHUNKS:
            self.advice.append("The stream came in one piece: something between here and the model buffers it.")
        return "ok", f"first read after {answer.first_read:.2f} s, {answer.reads} reads"

    def usage(self) -> Outcome:
        """Look for the usage in the stream of the previous probe."""
        if self._streamed is None:
            return "error", "there was no stream"
        if any(note.param == "usage" for note in self._streamed.notes):
            return "no", "none is sent; the adapter estimates it"
        usage = None if self._streamed.response is None else self._streamed.response.usage
        if usage is None or not usage.total_tokens:
            return "no", "every count is 0, so how full the context is remains unknown"
        return "ok", "include_usage is honoured"

    def tools(self) -> Outcome:
        done = self._ask(
            {"input": "What is the weather in Paris? Use get_weather.", "tools": [_WEATHER]}, learns=True
        )
        if done.response is None or done.response.status == "failed":
            return self._failed(done)
        calls = [item for item in done.response.output if isinstance(item, FunctionCall)]
        in_text = any(note.reason == CALL_IN_TEXT for note in done.notes)
        if (not calls or in_text) and (advice := _TOOL_ADVICE.get(self.upstream.dialect.name)):
            self.advice.append(advice)
        if not calls:
            return "no", f"the model made no call; {_quote(done.response)}"
        self._called = True
        call = f"{calls[0].name}({calls[0].arguments})"
        if calls[0].name != _WEATHER["name"]:
            return "no", f"the model called what was not declared: {call}"
        return "ok", f"{call}, written as text" if in_text else call

    def parallel_calls(self) -> Outcome:
        if not self._called:
            return "no", "not tried, since tool calls do not work"
        wanted = "Call get_weather for Paris and get_weather for Rome, both at once."
        done = self._ask({"input": wanted, "tools": [_WEATHER]}, learns=True)
        if done.response is None or done.response.status == "failed":
            return self._failed(done)
        count = sum(isinstance(item, FunctionCall) for item in done.response.output)
        return ("ok", f"{count} calls in one answer") if count > 1 else ("no", "one call at a time")

    def schema(self) -> Outcome:
        form = {"type": "json_schema", "name": "city", "schema": _CITY, "strict": True}
        done = self._ask({"input": "Name the capital of France, as JSON.", "text": {"format": form}})
        if done.response is None or done.response.status == "failed":
            return self._failed(done)
        try:
            matches = isinstance(json.loads(_text(done.response))["city"], str)
        except (ValueError, KeyError, TypeError):
            matches = False
        said = _quote(done.response)
        return ("ok", said) if matches else ("no", f"the answer breaks the schema; {said}")

    def images(self) -> Outcome:
        content = [
            {"type": "input_text", "text": "Which two colours does this image have? Answer with two words."},
            {"type": "input_image", "image_url": TWO_COLOURS},
        ]
        try:
            done = self._ask({"input": [{"role": "user", "content": content}]})
        except RequestError as error:  # the adapter itself refuses it, as it would a caller's
            return "no", f"refused: {error.message}"
        if done.response is None or done.response.status == "failed":
            verdict, detail = self._failed(done)
            return verdict, f"refused, {detail}" if done.answer.rejects else detail
        said = _quote(done.response)
        return ("ok", said) if _SEEN.search(_text(done.response)) else ("no", f"not seen: {said}")

    def context_window(self) -> Outcome:
        """Return what the list of models says of the model, else what a local server says of the loaded one."""
        dialect = self.upstream.dialect.name
        if self._window is None:
            self._window = ask_window(self._client, dialect, self.model)
        self.advice.append(advise_on_window(self._window, dialect))
        return ("no", "the provider does not say it") if self._window is None else ("ok", f"{self._window} tokens")

    def reasoning(self) -> Outcome:
        """Look for thinking in all answers so far, else request it."""
        if field := self._reasoning_field():
            return "ok", f"in {field}"
        done = self._ask({"input": "What is 17 times 23?", "reasoning": {"effort": "low"}})
        if done.response is None or done.response.status == "failed":
            verdict, detail = self._failed(done)
            return verdict, f"reasoning_effort is rejected: {detail}" if done.answer.rejects else detail
        if field := self._reasoning_field():
            return "ok", f"in {field}, with reasoning_effort"
        return "no", "none is sent, with or without reasoning_effort"

    def developer_role(self) -> Outcome:
        """Send the role itself, which the adapter does only to providers known to support it."""
        messages = [
            {"role": "developer", "content": "You answer with one word."},
            {"role": "user", "content": "Are you ready?"},
        ]
        body = encode({"model": self.model, "messages": messages})
        answer = self._client.call("POST", "/chat/completions", body)
        done = self._exchange.read(answer, self.upstream.dialect, self.model)
        if answer.rejects or (done.response is not None and done.response.status == "failed"):
            return "no", "rejected; the adapter sends system messages"
        return self._failed(done) if done.response is None else ("ok", _quote(done.response))

    def _reasoning_field(self) -> str | None:
        found = _REASONING.search(self._bodies)
        return (found[1] or found[2]).decode() if found else None

    def _ask(self, request: JSON, *, learns: bool = False) -> Exchanged:
        """Send a request; `learns`: again, as its rejection teaches."""
        known = self._exchange.lessons
        done = self._exchange.ask(request, self.model, self.upstream, learns=learns)
        self._bodies += done.answer.body
        if learned := sorted(self._exchange.lessons - known):
            self.advice.append(
                f"The provider rejects some of what it is sent, and a server learns that: {', '.join(learned)}."
            )
        return done

    def _failed(self, done: Exchanged) -> Outcome:
        """Return the outcome of a request that has failed."""
        if done.response is None:
            return self._refused(done.answer)
        return "no", _describe_failure(done.response)

    def _refused(self, answer: HTTPAnswer, *, of_model: bool = True) -> Outcome:
        """Return the outcome of an HTTP error; `of_model`: a model was asked."""
        return "no" if answer.rejects else "error", self._describe_error(answer, of_model=of_model)

    def _describe_error(self, answer: HTTPAnswer, *, of_model: bool = True) -> str:
        """Return status and message, and what to do about it where that is known."""
        advice = advise(answer.status, answer.message, answer.error, self.upstream.url, of_model=of_model)
        description = f"{answer.status}: {answer.message}"
        return f"{sentence(description)} {advice}" if advice else description


def _describe_failure(response: Response) -> str:
    return response.error.message if response.error is not None else response.status


def _text(response: Response) -> str:
    parts = [part for item in response.output for part in getattr(item, "content", None) or ()]
    return "".join(getattr(part, "text", "") for part in parts)


def _quote(response: Response) -> str:
    """Return the beginning of the answer's text, in quotes."""
    text = " ".join(_text(response).split())
    if not text:
        cut = response.status == "incomplete"
        return "no text in as many tokens as a probe allows" if cut else "an empty answer"
    return f'"{text}"' if len(text) <= _MAX_QUOTED_CHARS else f'"{text[: _MAX_QUOTED_CHARS - 1]}…"'
